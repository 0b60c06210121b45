// Detects a function that reads its `this` and is called on several objects: without `per` they would return each other's results.

/** Helpers of compilers that pass `this` on, even if the function does not read it. */
const COMPILED = /\b__(?:awaiter|generator|asyncGenerator)\(this\b/g
const ARROW = /^(?:async\s*)?(?:\([^()]*\)|[\w$]+)\s*=>/

/**
 * Whether the source text of `fn` reads `this`. `false` for a function without text, such as a bound one, and for an arrow function, whose
 * `this` no caller sets.
 */
export function readsThis(fn: (...args: never[]) => unknown): boolean {
  const text = Function.prototype.toString.call(fn)
  return !ARROW.test(text) && /\b(?:this|super)\b/.test(text.replace(COMPILED, ''))
}

/** Remembers the first object on which a function was called, without keeping it alive. */
export class FirstInstance {
  #first: WeakRef<object> | undefined

  /** Whether `self` is an object other than that of the first call. Primitives do not count. */
  isAnother(self: unknown): boolean {
    if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return false
    if (this.#first !== undefined) return this.#first.deref() !== self
    this.#first = new WeakRef(self)
    return false
  }
}
