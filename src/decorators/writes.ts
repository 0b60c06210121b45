// `@writes`: the method's result goes into the cache, as an update that answers the new state does best.
import type { OfArguments } from '../cache/wrap-options.js'
import { checkNames, invalid } from '../model/option-rules.js'
import type { WriteOptions } from '../model/options.js'
import { DEFAULT_POLICY, resolvePolicy } from '../model/policy.js'
import { handleOf } from './cached.js'
import { type CacheOf, cacheOf } from './cached-method.js'
import { type CacheDecorator, decorate } from './decorate.js'

/** The result goes under a key of the cache. Functions whose name ends in `Of` are given the result first. */
export interface WritesKey<A extends readonly unknown[] = never[], V = unknown> extends Omit<WriteOptions, 'tags'> {
  readonly keyOf: (result: V, ...args: A) => string
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  readonly tagsOf?: ((result: V, ...args: A) => readonly string[]) | undefined
}

/** The result is what a method of the same class, decorated with `@cached`, answers from now on; with that one's options. */
export interface WritesMethod<A extends readonly unknown[] = never[], V = unknown> {
  readonly method: string
  /** The arguments for which it would answer the result. */
  readonly argsOf: (result: V, ...args: A) => readonly unknown[]
}

/** Where the result goes. */
export type WritesOptions<A extends readonly unknown[] = never[], V = unknown> = WritesKey<A, V> | WritesMethod<A, V>

const WRITE_OPTIONS = [
  'ttl',
  'l1Ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'absentTtl',
  'tiers',
  'version',
] as const
const KEY_OPTIONS: readonly string[] = [...WRITE_OPTIONS, 'keyOf', 'tags', 'tagsOf']

/**
 * A method whose result replaces what the cache has, in every process. It has to answer a promise; a rejection stores nothing.
 *
 * Two calls that run at once store in the order in which they end here, which need not be that of the database: where that
 * matters, let the method invalidate, or write through a `source`. Throws `INVALID_OPTION` at once for a wrong option.
 */
export function writes<A extends readonly unknown[] = never[], V = unknown, This = unknown>(
  cache: NoInfer<CacheOf<This>>,
  options: NoInfer<WritesOptions<A, V>>,
): CacheDecorator<A, V, This> {
  const store =
    'method' in options
      ? intoMethod(options as unknown as AnyWritesMethod)
      : underKey(cache as never, options as unknown as AnyWritesKey)
  return decorate('writes', ({ method, name = 'the method' }) => {
    return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const prepared = store(this, name, args)
      const result: unknown = await Reflect.apply(method, this, args)
      await prepared(result)
      return result
    }
  })
}

type AnyWritesKey = WritesKey<unknown[]>
type AnyWritesMethod = WritesMethod<unknown[]>

/** Prepares, before the method runs, what stores its result: what throws then throws before anything was changed. */
type Store = (self: unknown, name: string, args: unknown[]) => (result: unknown) => Promise<unknown>

function intoMethod(options: AnyWritesMethod): Store {
  checkNames(options, ['method', 'argsOf'], 'writes into a method')
  const { method, argsOf } = options
  if (typeof argsOf !== 'function') throw invalid('argsOf', 'a function that makes the arguments of method', argsOf)
  return (self, _name, args) => {
    const handle = handleOf(self as object, method)
    return async (result) => Reflect.apply(handle.of(self).store, self, [argsOf(result, ...args), result])
  }
}

function underKey(cache: CacheOf<never>, options: AnyWritesKey): Store {
  checkNames(options, KEY_OPTIONS, 'writes')
  const { keyOf, tags, tagsOf, ...write } = options
  if (typeof keyOf !== 'function')
    throw invalid('keyOf', 'a function that makes the key; or tell method and argsOf', keyOf)
  resolvePolicy(DEFAULT_POLICY, write)
  return (self, name, args) => {
    const home = cacheOf(cache, self, name)
    const known = typeof tags === 'function' ? tags(...args) : (tags ?? [])
    return async (result) => {
      const all = tagsOf === undefined ? known : [...known, ...tagsOf(result, ...args)]
      return home.set(keyOf(result, ...args), result, { ...write, tags: all })
    }
  }
}
