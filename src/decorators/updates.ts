// `@updates`: stores the result of a method in the cache, for methods that change something and return its new state.
import { REPORT } from '../cache/cache.js'
import type { OfArguments } from '../cache/wrap/options.js'
import { checkTags, ignoreRejection } from '../flow/entries/tags.js'
import { CacheError } from '../model/errors.js'
import { resultFailed } from '../model/failed-option.js'
import { checkNames, invalid } from '../model/option-rules.js'
import type { WriteOptions } from '../model/options/options.js'
import { DEFAULT_POLICY, resolvePolicy, WRITE_POLICY_OPTIONS } from '../model/options/policy.js'
import { ownOptions } from '../model/own-options.js'
import { foreignReason } from '../model/text/foreign-text.js'
import { handleOf } from './cached.js'
import { type CacheOf, cacheOf } from './cached-method.js'
import { type CacheDecorator, decorate } from './decorate.js'

/** Stores the result under a key of the cache. Functions whose name ends in `Of` get the result as their first argument. */
export interface UpdatesKey<A extends readonly unknown[] = never[], V = unknown> extends Omit<WriteOptions, 'tags'> {
  /** Makes the key. */
  readonly keyOf: (result: V, ...args: A) => string
  /** Tags of the stored result. */
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  /** More tags, derived from the result. Not called for `undefined` and `null`. */
  readonly tagsOf?: ((result: NonNullable<V>, ...args: A) => readonly string[]) | undefined
}

/** Stores the result as that of a method of the same class that is decorated with `@cached`, with the options of that method. */
export interface UpdatesMethod<A extends readonly unknown[] = never[], V = unknown> {
  /** The name of the method. */
  readonly method: string
  /** Returns the arguments for which that method returns this result from now on. */
  readonly argsOf: (result: V, ...args: A) => readonly unknown[]
}

/** Options of `@updates`: where the result is stored. */
export type UpdatesOptions<A extends readonly unknown[] = never[], V = unknown> = UpdatesKey<A, V> | UpdatesMethod<A, V>

const KEY_OPTIONS: readonly string[] = [...WRITE_POLICY_OPTIONS, 'version', 'keyOf', 'tags', 'tagsOf']

/**
 * Stores the result of a method in the cache, where it replaces the old value in every process. The method must return a promise; if it
 * rejects, nothing is stored. If the result cannot be stored, the caller still gets it, the old value is invalidated, and a notice reports
 * the reason.
 *
 * Two calls that run at the same time store in the order in which they end, which may differ from the order in the database. If that
 * matters, use `@invalidates`, or write through a `source`. Throws `INVALID_OPTION` at once for a wrong option.
 */
export function updates<A extends readonly unknown[] = never[], V = unknown, This = unknown>(
  cache: NoInfer<CacheOf<This>>,
  options: NoInfer<UpdatesOptions<A, V>>,
): CacheDecorator<A, V, This> {
  const store =
    'method' in ownOptions(options)
      ? intoMethod(options as unknown as AnyUpdatesMethod)
      : underKey(cache as never, options as unknown as AnyUpdatesKey)
  return decorate('updates', ({ method, name = 'the method' }) => {
    return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const prepared = store(this, name, args)
      const result: unknown = await Reflect.apply(method, this, args)
      await prepared(result)
      return result
    }
  })
}

type AnyUpdatesKey = UpdatesKey<unknown[]>
type AnyUpdatesMethod = UpdatesMethod<unknown[]>

/** Runs before the method and returns the function that stores its result. So its errors are thrown before anything has changed. */
type Store = (self: unknown, name: string, args: unknown[]) => (result: unknown) => Promise<unknown>

function intoMethod(options: AnyUpdatesMethod): Store {
  const { method, argsOf } = checkNames(options, ['method', 'argsOf'], 'updates into a method')
  if (typeof argsOf !== 'function') throw invalid('argsOf', 'a function that returns the arguments of method', argsOf)
  return (self, name, args) => {
    const handle = handleOf(self as object, method)
    const wrapped = handle.of(self)
    return async (result) => {
      let argsOfCall: unknown[]
      try {
        argsOfCall = checkArray(argsOf(result, ...args))
        wrapped.keyOf.apply(self, argsOfCall)
      } catch (error) {
        handle.cacheFor(self)[REPORT](name, resultFailed('updates', name, 'argsOf', error, 'the cache was not changed'))
        return
      }
      try {
        await Reflect.apply(wrapped.set, self, [argsOfCall, result])
      } catch (error) {
        if (isClosed(error)) throw error
        await Reflect.apply(wrapped.invalidate, self, argsOfCall)
        handle.cacheFor(self)[REPORT](name, notStored(name, error))
      }
    }
  }
}

function underKey(cache: CacheOf<never>, options: AnyUpdatesKey): Store {
  const { keyOf, tags, tagsOf, ...write } = checkNames(options, KEY_OPTIONS, 'updates')
  if (typeof keyOf !== 'function')
    throw invalid('keyOf', 'a function that returns the key (or pass method and argsOf)', keyOf)
  if (tagsOf !== undefined && typeof tagsOf !== 'function') throw invalid('tagsOf', 'a function', tagsOf)
  if (tags !== undefined && typeof tags !== 'function') checkTags(tags, 'tags')
  resolvePolicy(DEFAULT_POLICY, write)
  return (self, name, args) => {
    const home = cacheOf(cache, self, name)
    const known = typeof tags === 'function' ? checkTags(tags(...args), 'the result of tags()') : (tags ?? [])
    return async (result) => {
      let key: string
      try {
        key = checkKey(keyOf(result, ...args))
      } catch (error) {
        home[REPORT](name, resultFailed('updates', name, 'keyOf', error, 'the cache was not changed'))
        return
      }
      try {
        const isAbsent = result === undefined || result === null
        const derived =
          tagsOf === undefined || isAbsent ? [] : checkTags(tagsOf(result, ...args), 'the result of tagsOf()')
        await home.set(key, result, { ...write, tags: [...known, ...derived] })
      } catch (error) {
        if (isClosed(error)) throw error
        await home.delete(key, { version: write.version })
        home[REPORT](name, notStored(name, error))
      }
    }
  }
}

/** The report that the result could not be stored. The old value was invalidated, since the method has changed the data. */
function notStored(name: string, cause: unknown): CacheError {
  const code = cause instanceof CacheError && cause.code === 'UNSUPPORTED_VALUE' ? cause.code : 'TAGS_FAILED'
  const why = foreignReason(cause)
  const message = `the result of ${name} could not be stored by @updates: ${why}. The caller got it, and the old value was invalidated`
  return new CacheError(code, message, { cause })
}

function checkArray(args: unknown): unknown[] {
  if (Array.isArray(args)) return args
  ignoreRejection(args)
  throw invalid('the result of argsOf()', 'an array', args)
}

function checkKey(key: unknown): string {
  if (typeof key === 'string') return key
  ignoreRejection(key)
  throw invalid('the result of keyOf()', 'a string', key)
}

function isClosed(error: unknown): boolean {
  return error instanceof CacheError && error.code === 'CLOSED'
}
