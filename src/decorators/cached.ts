// `@cached`: caches the results of a method.

import { heldBy, INVALIDATE_HELD, type InvalidateHeld } from '../cache/wrap/invalidate-held.js'
import { checkWrapOptions, type WrapOptions } from '../cache/wrap/options.js'
import type { CachedCalls } from '../cache/wrap/wrap.js'
import { CacheError, show } from '../model/errors.js'
import { refuseGenerator } from '../model/values/used-once.js'
import { CachedMethod, type CacheOf } from './cached-method.js'
import { type CacheDecorator, decorate } from './decorate.js'
import { HANDLE, instanceOf } from './instance.js'

/** Options of `@cached`: those of `cache.wrap`. The default `name` is class and method, such as `UserRepo.find`; pass one if code is minified. */
export type CachedOptions<A extends readonly unknown[] = never[], V = unknown, This = unknown> = WrapOptions<A, V, This>

/**
 * Caches the results of a method, as `cache.wrap` does: by its arguments, for all instances of a class together. The method must return a
 * promise.
 *
 * The decorated method has the verbs of a wrapped function (`invalidate`, `refresh`, `keyOf`, `peek`, …); `cachedMethod(self, name)`
 * returns them with their types, for one instance. Throws `INVALID_OPTION` at once for a wrong option. A call rejects with
 * `INVALID_OPTION` if the name belongs to something else.
 */
export function cached<A extends readonly unknown[] = never[], V = unknown, This = unknown>(
  cache: NoInfer<CacheOf<This>>,
  options: NoInfer<CachedOptions<A, V, This>> = {},
): CacheDecorator<A, V, This> {
  const own = checkWrapOptions(options as never)
  return decorate('cached', (place) => {
    refuseGenerator(place.method, 'a method decorated with @cached')
    const cachedMethod = new CachedMethod(place, cache as never, own)
    const method = function (this: unknown, ...args: unknown[]): Promise<unknown> {
      try {
        return Reflect.apply(cachedMethod.of(this), this, args)
      } catch (error) {
        return Promise.reject(error)
      }
    }
    const hidden = { [HANDLE]: cachedMethod, [INVALIDATE_HELD]: invalidateHeldOf(cachedMethod) }
    return Object.assign(method, verbsOf(cachedMethod), hidden)
  })
}

function verbsOf(cachedMethod: CachedMethod): CachedCalls<unknown[], unknown> {
  return {
    async invalidate(this: unknown, ...args) {
      const self = instanceOf(this)
      return cachedMethod.forAll(self, (wrapped) => Reflect.apply(wrapped.invalidate, self, args))
    },
    async refresh(this: unknown, ...args) {
      const self = cachedMethod.runnerOf(instanceOf(this))
      return Reflect.apply(cachedMethod.of(self).refresh, self, args)
    },
    keyOf(this: unknown, ...args) {
      const self = instanceOf(this)
      return Reflect.apply(cachedMethod.of(self).keyOf, self, args)
    },
    peek(this: unknown, ...args) {
      const self = instanceOf(this)
      return Reflect.apply(cachedMethod.of(self).peek, self, args)
    },
    async touch(this: unknown, ...args) {
      const self = instanceOf(this)
      return Reflect.apply(cachedMethod.of(self).touch, self, args)
    },
    async set(this: unknown, args, result) {
      const self = instanceOf(this)
      return Reflect.apply(cachedMethod.of(self).set, self, [args, result])
    },
    async clear(this: unknown) {
      return cachedMethod.forAll(instanceOf(this), (wrapped) => wrapped.clear())
    },
  }
}

function invalidateHeldOf(cachedMethod: CachedMethod): InvalidateHeld {
  return async function (holdMs, args) {
    const self = instanceOf(this)
    return cachedMethod.forAll(self, (wrapped) => Reflect.apply(heldBy(wrapped), self, [holdMs, args]))
  }
}

/** The type of the verbs of the cached method `Name` of `Self`. */
export type CachedCallsOf<Self, Name extends keyof Self> = Self[Name] extends (...args: infer A) => infer R
  ? CachedCalls<A, Awaited<R>>
  : never

/**
 * Returns the verbs of the cached method of one instance, with their types: `cachedMethod(repo, 'find').invalidate('42')`. For a static
 * method `self` is the class. Throws `INVALID_OPTION` if the method is not decorated with `@cached`.
 */
export function cachedMethod<Self extends object, Name extends keyof Self>(
  self: Self,
  name: Name,
): CachedCallsOf<Self, Name> {
  const handle = handleOf(self, name)
  const verbs = verbsOf(handle)
  const held = { [INVALIDATE_HELD]: invalidateHeldOf(handle).bind(self) }
  const bound = Object.entries(verbs).map(([verb, run]) => [verb, (run as () => unknown).bind(self as never)])
  return Object.assign(Object.fromEntries(bound), held) as CachedCallsOf<Self, Name>
}

/** The `CachedMethod` that `@cached` stored at a method of `self`. */
export function handleOf(self: object, name: PropertyKey): CachedMethod {
  const method = (self as Readonly<Record<PropertyKey, unknown>>)[name]
  const handle = typeof method === 'function' ? (method as { [HANDLE]?: CachedMethod })[HANDLE] : undefined
  if (handle !== undefined) return handle
  throw new CacheError(
    'INVALID_OPTION',
    `expected a method decorated with @cached; got ${String(name)}, ${show(method)}. If other decorators replace it, put @cached above them`,
  )
}
