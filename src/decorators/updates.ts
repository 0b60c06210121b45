// `@updates`: the method's result goes into the cache, as an update that answers the new state does best.
import { REPORT } from '../cache/cache.js'
import type { OfArguments } from '../cache/wrap/options.js'
import { checkTags, ignoreRejection } from '../flow/entries/tags.js'
import { CacheError } from '../model/errors.js'
import { resultFailed } from '../model/failed-option.js'
import { foreignReason } from '../model/foreign-text.js'
import { checkNames, invalid } from '../model/option-rules.js'
import type { WriteOptions } from '../model/options/options.js'
import { DEFAULT_POLICY, resolvePolicy, WRITE_POLICY_OPTIONS } from '../model/options/policy.js'
import { ownOptions } from '../model/own-options.js'
import { handleOf } from './cached.js'
import { type CacheOf, cacheOf } from './cached-method.js'
import { type CacheDecorator, decorate } from './decorate.js'

/** The result goes under a key of the cache. Functions whose name ends in `Of` are given the result first. */
export interface UpdatesKey<A extends readonly unknown[] = never[], V = unknown> extends Omit<WriteOptions, 'tags'> {
  readonly keyOf: (result: V, ...args: A) => string
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  readonly tagsOf?: ((result: NonNullable<V>, ...args: A) => readonly string[]) | undefined
}

/** The result is what a method of the same class, decorated with `@cached`, answers from now on; with that one's options. */
export interface UpdatesMethod<A extends readonly unknown[] = never[], V = unknown> {
  readonly method: string
  /** The arguments for which it would answer the result. */
  readonly argsOf: (result: V, ...args: A) => readonly unknown[]
}

/** Where the result goes. */
export type UpdatesOptions<A extends readonly unknown[] = never[], V = unknown> = UpdatesKey<A, V> | UpdatesMethod<A, V>

const KEY_OPTIONS: readonly string[] = [...WRITE_POLICY_OPTIONS, 'version', 'keyOf', 'tags', 'tagsOf']

/**
 * A method whose result replaces what the cache has, in every process. It has to return a promise; a rejection stores nothing. What
 * goes wrong after the method ran never costs the caller the result: where it cannot be stored the old value is invalidated, and a
 * notice reports it.
 *
 * Two calls that run at once store in the order in which they end here, which need not be that of the database: where that
 * matters, let the method invalidate, or write through a `source`. Throws `INVALID_OPTION` at once for a wrong option.
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

/** Prepares, before the method runs, what stores its result: what throws then throws before anything was changed. */
type Store = (self: unknown, name: string, args: unknown[]) => (result: unknown) => Promise<unknown>

function intoMethod(options: AnyUpdatesMethod): Store {
  const { method, argsOf } = checkNames(options, ['method', 'argsOf'], 'updates into a method')
  if (typeof argsOf !== 'function') throw invalid('argsOf', 'a function that makes the arguments of method', argsOf)
  return (self, name, args) => {
    const handle = handleOf(self as object, method)
    const wrapped = handle.of(self)
    return async (result) => {
      let argsOfCall: unknown[]
      try {
        argsOfCall = checkArray(argsOf(result, ...args))
        wrapped.keyOf.apply(self, argsOfCall)
      } catch (error) {
        handle
          .cacheFor(self)
          [REPORT](name, resultFailed('updates', name, 'argsOf', error, 'what is cached was left as it is'))
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
    throw invalid('keyOf', 'a function that makes the key; or tell method and argsOf', keyOf)
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
        home[REPORT](name, resultFailed('updates', name, 'keyOf', error, 'what is cached was left as it is'))
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

/** The method has changed what the cache has: if the new value cannot be stored, the old one goes. */
function notStored(name: string, cause: unknown): CacheError {
  const code = cause instanceof CacheError && cause.code === 'UNSUPPORTED_VALUE' ? cause.code : 'TAGS_FAILED'
  const why = foreignReason(cause)
  const message = `the result of ${name} could not be stored by @updates: ${why}. The caller has it, and the old value was invalidated`
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
