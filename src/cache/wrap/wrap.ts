// `cache.wrap(fn)`: a function with the same signature whose results are cached, and verbs for the entries of its calls.
import type { CallScope } from '../../flow/flights/call-scope.js'
import type { WriteResult } from '../../flow/sync/outbox.js'
import { invalid, refuseMore } from '../../model/option-rules.js'
import { refuseGenerator } from '../../model/values/used-once.js'
import { INVALIDATE_HELD, type InvalidateHeld } from './invalidate-held.js'
import { type AnyFunction, type AnyWrapOptions, checkWrapOptions } from './options.js'
import { type WrapParts, Wrapping } from './wrapping.js'

/** The verbs of a wrapped function, which work on the cached results of its calls. */
export interface CachedCalls<A extends readonly unknown[], V> {
  /** Removes the result for these arguments: no process serves it again. */
  invalidate(...args: A): Promise<WriteResult>
  /** Calls the function even if its result is cached, caches the new result and returns it. Rejects with the function's error. */
  refresh(...args: A): Promise<V>
  /** Returns the key of a call with these arguments, within the namespace that has the function's name. */
  keyOf(...args: A): string
  /** Returns the result in L1, synchronously; `undefined` if there is none. Changes nothing. */
  peek(...args: A): V | undefined
  /** Renews the idle life (`idleTtl`) of the result without returning it. Returns whether there is one that a call would return. */
  touch(...args: A): Promise<boolean>
  /** Stores a result for these arguments, as if the function had returned it. */
  set(args: A, result: V): Promise<WriteResult>
  /** Removes all results of the function: none is ever served again. Costs one command, however many there are. */
  clear(): Promise<WriteResult>
}

/**
 * A function whose results are cached. It returns a promise of the function's result, and rejects with the function's error.
 *
 * The `this` of a call is passed on to the function. The verbs take it in the same way: `wrapped.refresh.call(self, id)`.
 */
export interface Wrapped<A extends readonly unknown[], V, This = unknown> extends CachedCalls<A, V> {
  (this: This, ...args: A): Promise<V>
}

/**
 * The wrapped form of a function of type `F`. If `F` has no properties of its own and all its overloads return promises, the call
 * signatures stay as they are, with generics and overloads. Otherwise the last overload counts: it returns a promise of its result, and
 * its type parameters are replaced by their constraints. The types of the verbs always follow the last overload.
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

/** Wraps `fn`. Throws `NAME_REQUIRED` or `INVALID_OPTION` before anything is done. */
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
  // A call such as `wrapped.refresh(…)` has the wrapped function itself as `this`, which is not an instance.
  const selfOf = (self: unknown) => (self === wrapped ? undefined : self)
  const verbs = {
    async invalidate(this: unknown, ...args: unknown[]) {
      return wrapping.invalidate(selfOf(this), args, 0)
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
    async touch(this: unknown, ...args: unknown[]) {
      return wrapping.touch(selfOf(this), args)
    },
    async set(this: unknown, args: unknown[], result: unknown) {
      return wrapping.set(selfOf(this), args, result)
    },
    async clear(...others: unknown[]) {
      refuseMore(
        others,
        'clear() of a wrapped function',
        'no argument and removes every result; use invalidate() for one call',
      )
      return wrapping.clear()
    },
  }
  Object.defineProperty(wrapped, 'name', { value: fn.name || options.name, configurable: true })
  Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true })
  const held: InvalidateHeld = async function (holdMs, args) {
    return wrapping.invalidate(selfOf(this), [...args], holdMs)
  }
  Object.defineProperty(wrapped, INVALIDATE_HELD, { value: held })
  return Object.assign(wrapped, verbs)
}
