// `cache.wrap(fn)`: a function whose results are cached, with the same signature, and verbs for the entries of its calls.
import type { CallScope } from '../../flow/core.js'
import type { WriteResult } from '../../flow/sync/outbox.js'
import { invalid, refuseMore } from '../../model/option-rules.js'
import { refuseGenerator } from '../../model/values/used-once.js'
import { type AnyFunction, type AnyWrapOptions, checkWrapOptions } from './options.js'
import { type WrapParts, Wrapping } from './wrapping.js'

/** What can be done with the cached results of a function's calls. */
export interface CachedCalls<A extends readonly unknown[], V> {
  /** The results of calls with these arguments must never be served again. */
  invalidate(...args: A): Promise<WriteResult>
  /** Calls the function although its result may be cached, caches what it answers, and answers it. */
  refresh(...args: A): Promise<V>
  /** The key of a call with these arguments, within the namespace that is named like the function. */
  keyOf(...args: A): string
  /** The result in L1, at once; `undefined` if there is none. Changes nothing. */
  peek(...args: A): V | undefined
  /** Stores a result for these arguments, as if the function had answered it. */
  set(args: A, result: V): Promise<WriteResult>
  /** No result of the function must ever be served again. One command, however many there are. */
  clear(): Promise<WriteResult>
}

/**
 * A function whose results are cached. It answers a promise of what the function answers, and rejects as the function does.
 *
 * A function that uses its `this` is called with that of whoever calls; the verbs take it the same way:
 * `wrapped.refresh.call(self, id)`.
 */
export interface Wrapped<A extends readonly unknown[], V, This = unknown> extends CachedCalls<A, V> {
  (this: This, ...args: A): Promise<V>
}

/**
 * The wrapped form of a function of type `F`. A function that returns promises, in all of its overloads, keeps its own call signatures,
 * generics and overloads included. Of one that returns something else, or that has properties of its own, the last overload counts,
 * with a promise of its result and with type parameters replaced by what they extend; so do the verbs of every wrapped function.
 */
export type WrappedAs<F extends (...args: never[]) => unknown> = keyof F extends never
  ? F extends (...args: never[]) => Promise<unknown>
    ? F & CachedCalls<Parameters<F>, Awaited<ReturnType<F>>>
    : WrappedLast<F>
  : WrappedLast<F>

type WrappedLast<F extends (...args: never[]) => unknown> = Wrapped<
  Parameters<F>,
  Awaited<ReturnType<F>>,
  ThisParameterType<F>
>

/** Throws `NAME_REQUIRED` or `INVALID_OPTION`; nothing was done then. */
export function wrapFunction(
  parts: WrapParts,
  parent: CallScope,
  fn: AnyFunction,
  given: AnyWrapOptions,
): Wrapped<unknown[], unknown> {
  if (typeof fn !== 'function') throw invalid('the first argument of wrap', 'a function', fn)
  refuseGenerator(fn, 'the first argument of wrap')
  const options = checkWrapOptions(given)
  const wrapping = new Wrapping(parts, parent, fn, options)
  const wrapped = function (this: unknown, ...args: unknown[]) {
    return wrapping.call(this, args)
  }
  // Called as `wrapped.refresh(…)` a verb has the function itself as `this`, which is nobody's instance.
  const selfOf = (self: unknown) => (self === wrapped ? undefined : self)
  const verbs = {
    async invalidate(this: unknown, ...args: unknown[]) {
      return wrapping.invalidate(selfOf(this), args)
    },
    async refresh(this: unknown, ...args: unknown[]) {
      return wrapping.refresh(selfOf(this), args)
    },
    keyOf(this: unknown, ...args: unknown[]) {
      return wrapping.keyOf(selfOf(this), args)
    },
    peek(this: unknown, ...args: unknown[]) {
      return wrapping.peek(selfOf(this), args)
    },
    async set(this: unknown, args: unknown[], result: unknown) {
      return wrapping.set(selfOf(this), args, result)
    },
    async clear(...others: unknown[]) {
      refuseMore(others, 'clear() of a wrapped function', 'nothing and means every call; one call is for invalidate()')
      return wrapping.clear()
    },
  }
  Object.defineProperty(wrapped, 'name', { value: fn.name || options.name, configurable: true })
  Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true })
  return Object.assign(wrapped, verbs)
}
