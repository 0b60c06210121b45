// The work behind a method decorated with `@cached`: it wraps the method for each cache and class with which it is used.
import type { Cache } from '../cache/cache.js'
import { presentOrigin } from '../cache/registry/origin.js'
import { readsThis } from '../cache/wrap/instances.js'
import type { WrapOptions } from '../cache/wrap/options.js'
import { whyUnstable } from '../cache/wrap/stable-name.js'
import type { Wrapped } from '../cache/wrap/wrap.js'
import { DECLARED } from '../cache/wrap/wrapping.js'
import type { WriteResult } from '../flow/sync/outbox.js'
import { CacheError, show } from '../model/errors.js'
import type { Method, Place } from './decorate.js'
import { classOf } from './instance.js'

/** The cache itself, or a function that returns it for an instance, since with dependency injection it is a property of the instance. */
export type CacheOf<This> = Cache | ((self: This) => Cache)

type Options = WrapOptions<unknown[], unknown, unknown>
/** A wrapped method of any signature. */
export type AnyWrapped = Wrapped<unknown[], unknown>

/**
 * A method decorated with `@cached`. Its entries belong to the class of the instance, as `UserRepo.find`, even if a base class declares the
 * method: two classes that inherit it may use different tables. All instances of a class share them, unless the option `per` separates them.
 */
export class CachedMethod {
  readonly #place: Place
  readonly #cache: CacheOf<never>
  readonly #options: Options
  readonly #origin = presentOrigin()
  readonly #wrapped = new WeakMap<Cache, WeakMap<object, AnyWrapped>>()
  readonly #bodies = new WeakMap<object, Method>()
  /** The known classes with this method: the declaring one, if it is known, and those of the instances seen so far. */
  readonly #classes = new Set<object>()

  constructor(place: Place, cache: CacheOf<never>, options: Options) {
    this.#place = place
    this.#cache = cache
    this.#options = options
    if (place.declaredBy !== undefined) this.#classes.add(place.declaredBy)
    place.onClass((type) => this.#classes.add(type))
  }

  /** The wrapped method of an instance. Without an instance there must be exactly one cache and one known class. */
  of(self: unknown): AnyWrapped {
    const type = classOf(self)
    if (type !== undefined) return this.#wrappedBy(this.#cacheOf(self), type)
    const [only, another] = this.#classes
    if (only === undefined || another !== undefined) throw this.#needsInstance()
    return this.#wrappedBy(this.#cacheOf(undefined), only)
  }

  /** Calls `verb` for the class of the instance; without an instance, for every known class with this method. */
  async forAll(self: unknown, verb: (wrapped: AnyWrapped) => Promise<WriteResult>): Promise<WriteResult> {
    if (classOf(self) !== undefined) return verb(this.of(self))
    if (this.#classes.size === 0) throw this.#needsInstance()
    const cache = this.#cacheOf(undefined)
    const results = await Promise.all(Array.from(this.#classes, (type) => verb(this.#wrappedBy(cache, type))))
    return results.includes('queued') ? 'queued' : 'applied'
  }

  /** The `this` with which a verb runs the method: the instance, or the class of a static method. */
  runnerOf(self: unknown): unknown {
    if (classOf(self) !== undefined) return self
    const [only, another] = this.#classes
    if (this.#place.isStatic && another === undefined) return only
    throw this.#needsInstance()
  }

  /** The cache of an instance. */
  cacheFor(self: unknown): Cache {
    return this.#cacheOf(self)
  }

  #cacheOf(self: unknown): Cache {
    if (typeof this.#cache === 'function' && classOf(self) === undefined) throw this.#needsInstance()
    return cacheOf(this.#cache, self, this.#name)
  }

  #wrappedBy(cache: Cache, type: object): AnyWrapped {
    const known = this.#wrapped.get(cache)?.get(type)
    if (known !== undefined) return known
    const options = { ...this.#options, name: this.#options.name ?? this.#nameIn(type) }
    const wrapped = cache.wrap(this.#bodyFor(type) as (...args: unknown[]) => unknown, options)
    const ofCache = this.#wrapped.get(cache) ?? new WeakMap<object, AnyWrapped>()
    this.#wrapped.set(cache, ofCache.set(type, wrapped))
    this.#classes.add(type)
    return wrapped
  }

  /** Makes a function for each class, so that the cache refuses two classes under one name, as it refuses two functions. */
  #bodyFor(type: object): Method {
    const { method } = this.#place
    // Classes that `per` separates may share a name.
    const isShared = this.#options.name !== undefined && this.#options.per !== undefined
    const known = this.#bodies.get(isShared ? this : type)
    if (known !== undefined) return known
    const body = function (this: unknown, ...args: unknown[]): unknown {
      return Reflect.apply(method, this, args)
    }
    // The text of the whole class: the method alone may look like that of another class.
    const text = String(isShared ? method : type)
    Object.defineProperty(body, DECLARED, {
      value: { text, origin: this.#origin, readsThis: readsThis(method) },
    })
    this.#bodies.set(isShared ? this : type, body)
    return body
  }

  #nameIn(type: object): string {
    const { name } = this.#place
    const className = (type as { readonly name?: unknown }).name
    const why = whyUnstable(typeof className === 'string' ? className : '', String(type))
    if (name !== undefined && why === undefined) return `${className}.${name}`
    const missing = name === undefined ? 'a private method or one named by a symbol gives none' : `of this class ${why}`
    throw new CacheError(
      'NAME_REQUIRED',
      `@cached names entries by class and method, as UserRepo.find; ${missing}. Pass the option name, as in { name: 'user' }`,
    )
  }

  get #name(): string {
    return this.#place.name ?? 'the method'
  }

  #needsInstance(): CacheError {
    return new CacheError(
      'INVALID_OPTION',
      `${this.#name} was called without an instance, which is needed to know the class and its entries. ` +
        `Pass it: cachedMethod(instance, '${this.#name}')`,
    )
  }
}

/** The cache for a call of the method `name` on `self`. */
export function cacheOf(given: CacheOf<never>, self: unknown, name: string): Cache {
  const cache: Cache | undefined = typeof given === 'function' ? given(self as never) : given
  if (typeof cache?.wrap === 'function') return cache
  throw new CacheError(
    'INVALID_OPTION',
    `the decorator of ${name} expects a cache, or a function that returns it for an instance; got ${show(cache)}. ` +
      'Set the property before the first call',
  )
}
