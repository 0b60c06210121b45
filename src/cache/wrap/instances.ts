// Whether a function that reads its `this` is called on more than one object: without `per` these would return each other's results.

/** Helpers of compilers that pass `this` on, whether it is read or not. */
const COMPILED = /\b__(?:awaiter|generator|asyncGenerator)\(this\b/g
const ARROW = /^(?:async\s*)?(?:\([^()]*\)|[\w$]+)\s*=>/

/** By its text: `false` for what has none, such as a bound function, and for an arrow function, whose `this` is nobody's to choose. */
export function readsThis(fn: (...args: never[]) => unknown): boolean {
  const text = Function.prototype.toString.call(fn)
  return !ARROW.test(text) && /\b(?:this|super)\b/.test(text.replace(COMPILED, ''))
}

/** Remembers the first object, without keeping it alive. */
export class FirstInstance {
  #first: WeakRef<object> | undefined

  /** Whether `self` is another object than the first one that this was asked of. What is no object is nobody. */
  isAnother(self: unknown): boolean {
    if ((typeof self !== 'object' && typeof self !== 'function') || self === null) return false
    if (this.#first !== undefined) return this.#first.deref() !== self
    this.#first = new WeakRef(self)
    return false
  }
}
