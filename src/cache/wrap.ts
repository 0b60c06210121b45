// `cache.wrap(fn)`: a function whose results are cached, with the same signature, and verbs for the entries of its calls.
import type { Scope } from '../flow/core.js'
import type { WriteResult } from '../flow/outbox.js'
import type { Writer } from '../flow/write.js'
import { encodeArguments } from '../model/arguments.js'
import type { Duration } from '../model/duration.js'
import { CacheError, show } from '../model/errors.js'
import { childSpace, isName, type Version } from '../model/key.js'
import { checkNames, invalid } from '../model/option-rules.js'
import type { CallOptions, LoadContext, PolicyOptions, WriteOptions } from '../model/options.js'
import { DEFAULT_POLICY, POLICY_OPTIONS, resolvePolicy } from '../model/policy.js'
import type { StandardSchema } from '../model/schema.js'
import { takeSignal } from './call-arguments.js'
import type { Names } from './names.js'
import type { RequestScopes } from './request-scope.js'

/** A value, or a function of the call's arguments that answers it. */
export type OfArguments<A extends readonly unknown[], T> = T | ((...args: A) => T)

/** Every option of a call but `schema`, as a value or as a function of the arguments. */
type PolicyOfArguments<A extends readonly unknown[]> = {
  readonly [Name in Exclude<keyof PolicyOptions, 'schema'>]?:
    | OfArguments<A, NonNullable<PolicyOptions[Name]>>
    | undefined
}

/** Options of `wrap`. Functions among them are called once per call, before the cache is asked. */
export interface WrapOptions<A extends readonly unknown[] = readonly never[], V = unknown, This = unknown>
  extends PolicyOfArguments<A> {
  /** Names the entries, in every process and deployment. Default: the function's own name. */
  readonly name?: string | undefined
  /** Another version is another set of entries: raise it when the shape of the result changes. */
  readonly version?: Version | undefined
  /** Makes the key of a call. Default: all arguments, encoded so that different ones never share an entry. */
  readonly key?: ((...args: A) => string) | undefined
  /** Of a function that uses its `this`: what of it the result depends on, such as a tenant. Default: nothing. */
  readonly per?: ((self: This) => unknown) | undefined
  /** Known before the function runs: no invalidation of them can be missed. */
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  /** More tags, derived from the result. */
  readonly tagsOf?: ((result: V, ...args: A) => readonly string[]) | undefined
  /** The ttl, derived from the result; goes before `ttl`. */
  readonly ttlOf?: ((result: V, ...args: A) => Duration) | undefined
  readonly schema?: StandardSchema<V> | undefined
}

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
  store(args: A, result: V): Promise<WriteResult>
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

/** What of a cache wrapping needs. */
export interface WrapParts {
  readonly requests: RequestScopes
  readonly writer: Writer
  readonly names: Names
}

type AnyFunction = (...args: never[]) => unknown
/** The options with their types put aside: one wrapping serves all. */
type Options = WrapOptions<unknown[], unknown, unknown>

/** Throws `NAME_REQUIRED` or `INVALID_OPTION`; nothing was done then. */
export function wrapFunction(
  parts: WrapParts,
  parent: Scope,
  fn: AnyFunction,
  options: Options,
): Wrapped<unknown[], unknown> {
  if (typeof fn !== 'function') throw invalid('the first argument of wrap', 'a function', fn)
  checkWrapOptions(options)
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
    async store(this: unknown, args: unknown[], result: unknown) {
      return wrapping.store(selfOf(this), args, result)
    },
    async clear() {
      return wrapping.clear()
    },
  }
  Object.defineProperty(wrapped, 'name', { value: fn.name || options.name, configurable: true })
  Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true })
  return Object.assign(wrapped, verbs)
}

/** Throws `INVALID_OPTION` for what can be told without a call. */
export function checkWrapOptions(options: Options): void {
  checkNames(options, WRAP_OPTIONS, 'wrap')
  for (const name of FUNCTION_OPTIONS) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalid(name, 'a function', options[name])
  }
  const tags = typeof options.tags === 'function' ? undefined : options.tags
  resolvePolicy(DEFAULT_POLICY, { ...policyOf(options).fixed, tags } as CallOptions)
}

/** The policy options that are values, and the names of those that are functions of the arguments. */
function policyOf(options: Options): {
  readonly fixed: PolicyOptions
  readonly varying: readonly (keyof PolicyOptions)[]
} {
  const varying = POLICY_OPTIONS.filter((name) => name !== 'schema' && typeof options[name] === 'function')
  const fixed = POLICY_OPTIONS.filter((name) => !varying.includes(name)).map((name) => [name, options[name]])
  return { fixed: Object.fromEntries(fixed), varying }
}

class Wrapping {
  readonly #parts: WrapParts
  readonly #scope: Scope
  readonly #fn: AnyFunction
  readonly #options: Options
  /** Policy options that are functions of the arguments. */
  readonly #varying: readonly (keyof PolicyOptions)[]
  readonly #fixed: CallOptions

  constructor(parts: WrapParts, parent: Scope, fn: AnyFunction, options: Options) {
    this.#parts = parts
    this.#fn = fn
    this.#options = options
    const { fixed, varying } = policyOf(options)
    const name = nameOf(fn, options.name)
    const space = childSpace(parent.space, name, options.version)
    this.#scope = { space, policy: resolvePolicy(parent.policy, fixed) }
    this.#varying = varying
    this.#fixed = typeof options.tags === 'function' ? {} : { tags: options.tags }
    parts.names.claim(space.scope, `the function ${name}`, fn)
  }

  /** Not async: a hit is one promise, the one that the entry keeps. */
  call(self: unknown, args: unknown[]): Promise<unknown> {
    try {
      const signalled = takeSignal(args)
      const key = this.#key(self, args, signalled?.rest ?? args)
      const load = (context: LoadContext) => this.#load(self, signalled?.withSignal(context.signal) ?? args, context)
      return this.#parts.requests.reads.getOrSet(this.#scope, key, load, this.#optionsOf(args, signalled?.signal))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  refresh(self: unknown, args: unknown[]): Promise<unknown> {
    const signalled = takeSignal(args)
    const key = this.#key(self, args, signalled?.rest ?? args)
    const load = (context: LoadContext) => this.#load(self, signalled?.withSignal(context.signal) ?? args, context)
    return this.#parts.requests.reads.refresh(this.#scope, key, load, this.#optionsOf(args, signalled?.signal))
  }

  invalidate(self: unknown, args: unknown[]): Promise<WriteResult> {
    return this.#parts.writer.delete(this.#scope, [this.keyOf(self, args)], undefined)
  }

  keyOf(self: unknown, args: unknown[]): string {
    return this.#key(self, args, takeSignal(args)?.rest ?? args)
  }

  peek(self: unknown, args: unknown[]): unknown {
    return this.#parts.requests.reads.peek(this.#scope, this.keyOf(self, args))
  }

  store(self: unknown, args: unknown[], result: unknown): Promise<WriteResult> {
    const { tagsOf, ttlOf } = this.#options
    const { tags = [], ...policy } = this.#optionsOf(args, undefined) as WriteOptions & { tags?: readonly string[] }
    const options = {
      ...policy,
      ...(ttlOf && { ttl: ttlOf(result, ...args) }),
      tags: tagsOf === undefined ? tags : [...tags, ...tagsOf(result, ...args)],
    }
    return this.#parts.writer.set(this.#scope, this.keyOf(self, args), result, options)
  }

  clear(): Promise<WriteResult> {
    return this.#parts.writer.clear(this.#scope)
  }

  #load(self: unknown, args: readonly unknown[], context: LoadContext): unknown {
    const result = Reflect.apply(this.#fn, self, args) as unknown
    const { tagsOf, ttlOf } = this.#options
    return tagsOf === undefined && ttlOf === undefined ? result : this.#derive(result, args as unknown[], context)
  }

  async #derive(answered: unknown, args: unknown[], context: LoadContext): Promise<unknown> {
    const result = await answered
    const { tagsOf, ttlOf } = this.#options
    if (tagsOf !== undefined) context.tags(...tagsOf(result, ...args))
    if (ttlOf !== undefined) context.ttl(ttlOf(result, ...args))
    return result
  }

  #key(self: unknown, args: unknown[], meaning: readonly unknown[]): string {
    const { key, per } = this.#options
    const own = key?.(...args)
    if (key !== undefined && typeof own !== 'string') {
      throw new CacheError(
        'INVALID_KEY',
        `the option key of ${this.#scope.space.scope} must answer a string; got ${show(own)}`,
      )
    }
    if (per !== undefined && self === undefined) throw noInstance(this.#scope.space.scope)
    if (per !== undefined) return encodeArguments([per(self), ...(own === undefined ? meaning : [own])])
    return own ?? encodeArguments(meaning)
  }

  #optionsOf(args: unknown[], signal: AbortSignal | undefined): CallOptions {
    const { tags } = this.#options
    if (signal === undefined && this.#varying.length === 0 && typeof tags !== 'function') return this.#fixed
    const options: Record<string, unknown> = { tags: typeof tags === 'function' ? tags(...args) : tags, signal }
    for (const name of this.#varying) options[name] = (this.#options[name] as (...args: unknown[]) => unknown)(...args)
    return options
  }
}

const FUNCTION_OPTIONS = ['key', 'per', 'tagsOf', 'ttlOf'] as const
const WRAP_OPTIONS: readonly string[] = [...POLICY_OPTIONS, ...FUNCTION_OPTIONS, 'name', 'version', 'tags']
/** Names that functions have which nobody has named. */
const NO_NAMES = ['', 'anonymous', 'default']

function nameOf(fn: AnyFunction, name: string | undefined): string {
  if (name !== undefined) return name
  if (!NO_NAMES.includes(fn.name) && isName(fn.name)) return fn.name
  throw new CacheError(
    'NAME_REQUIRED',
    `a wrapped function needs a name that is the same in every process and that Redis keys can begin with; its own is ${show(fn.name)}. ` +
      "Pass the option name, as in wrap(fn, { name: 'quote' })",
  )
}

function noInstance(scope: string): CacheError {
  return new CacheError(
    'INVALID_OPTION',
    `${scope} has the option per, which makes the key of an instance; got none. Name it: wrapped.invalidate.call(instance, …)`,
  )
}
