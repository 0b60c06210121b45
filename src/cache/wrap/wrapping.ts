// The work behind a wrapped function: derives key and options from the arguments of a call, and handles its result.
import { randomUUID } from 'node:crypto'
import type { Core } from '../../flow/core.js'
import { childScope } from '../../flow/entries/scope-of-call.js'
import { checkEntryTags, ignoreRejection } from '../../flow/entries/tags.js'
import type { Recorder } from '../../flow/events/recorder.js'
import type { CallScope } from '../../flow/flights/call-scope.js'
import type { Reader } from '../../flow/read/read.js'
import type { KeyOwner } from '../../flow/read/recent-keys.js'
import type { WriteResult } from '../../flow/sync/outbox.js'
import type { Writer } from '../../flow/write/write.js'
import { CacheError, show } from '../../model/errors.js'
import { keyFailed, optionFailed } from '../../model/failed-option.js'
import { encodeArguments, encodeId } from '../../model/keys/arguments.js'
import { invalid } from '../../model/option-rules.js'
import { type Duration, toMs } from '../../model/options/duration.js'
import type { CallOptions, LoadContext, PolicyOptions } from '../../model/options/options.js'
import { DEFAULT_POLICY, resolvePolicy, WRITE_POLICY_OPTIONS } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { NameRegistry } from '../registry/name-registry.js'
import type { Origin } from '../registry/origin.js'
import type { RequestScopes } from '../request-scope/request-scope.js'
import { type SignalledCall, takeSignal } from './call-arguments.js'
import { FirstInstance, readsThis } from './instances.js'
import { type AnyFunction, type AnyWrapOptions, nameOf, policyOf } from './options.js'

/** The property in which a decorator describes its method. A registered symbol, so that the ESM and the CommonJS build share it. */
export const DECLARED: unique symbol = Symbol.for('tiercache.declared') as never

/** A function that runs a decorated method. The method is declared when its module is evaluated, and wrapped at its first call. */
interface Declared {
  readonly [DECLARED]?: { readonly text: string; readonly origin: Origin; readonly readsThis: boolean }
}

/** The parts of a cache that wrapping needs. */
export interface WrapParts {
  readonly core: Core
  readonly reader: Reader
  readonly requests: RequestScopes
  readonly writer: Writer
  readonly names: NameRegistry
}

/** One wrapped function: its options, its scope, and what its verbs do. */
export class Wrapping {
  readonly #parts: WrapParts
  readonly #scope: CallScope
  readonly #fn: AnyFunction
  readonly #options: AnyWrapOptions
  /** Policy options that are functions of the arguments. */
  readonly #varying: readonly (keyof PolicyOptions)[]
  readonly #fixed: CallOptions
  readonly #isDecorated: boolean
  /** The arguments alone make the key, and no policy option depends on them. */
  readonly #hasPlainKey: boolean
  readonly #ids: KeyOwner
  /** Set for a function that reads its `this` and has no `per` to distinguish objects. */
  #firstInstance: FirstInstance | undefined

  constructor(parts: WrapParts, parent: CallScope, fn: AnyFunction, options: AnyWrapOptions) {
    this.#parts = parts
    this.#fn = fn
    this.#options = options
    const { fixed, varying } = policyOf(options)
    const name = nameOf(fn, options.name)
    this.#scope = childScope(parent, name, options.version, resolvePolicy(parent.policy, fixed))
    this.#varying = varying
    this.#hasPlainKey = options.key === undefined && options.per === undefined && varying.length === 0
    this.#ids = { space: this.#scope.space }
    this.#fixed = typeof options.tags === 'function' ? {} : { tags: options.tags }
    const declared = (fn as Declared)[DECLARED]
    this.#isDecorated = declared !== undefined
    if (options.per === undefined && (declared?.readsThis ?? readsThis(fn))) this.#firstInstance = new FirstInstance()
    const text = [declared?.text ?? fn, options.key, options.per].map(String).join()
    parts.names.claim(this.#name, { kind: 'function', name, owner: fn, text, origin: declared?.origin })
  }

  /** Not async: a hit returns the promise that the entry keeps, and makes no other. */
  call(self: unknown, args: unknown[]): Promise<unknown> {
    return this.#hitOf(args) ?? this.#read('getOrSet', self, args)
  }

  /** A hit in memory for one string or number, if it alone makes the key. Its tags were those of its load. */
  #hitOf(args: unknown[]): Promise<unknown> | undefined {
    const { requests, reader } = this.#parts
    if (!this.#hasPlainKey || this.#firstInstance !== undefined || args.length !== 1 || requests.openScopes !== 0)
      return undefined
    return reader.hitOf(this.#ids, this.#scope, args[0], encodeId)
  }

  refresh(self: unknown, args: unknown[]): Promise<unknown> {
    return this.#read('refresh', self, args)
  }

  async invalidate(self: unknown, args: unknown[], holdMs: Milliseconds): Promise<WriteResult> {
    return this.#parts.writer.delete(this.#scope, [this.keyOf(self, args)], undefined, holdMs)
  }

  keyOf(self: unknown, args: unknown[]): string {
    return this.#key(self, args, takeSignal(args)?.rest ?? args)
  }

  peek(self: unknown, args: unknown[]): unknown {
    return this.#parts.requests.reads.peek(this.#scope, this.keyOf(self, args))
  }

  async touch(self: unknown, args: unknown[]): Promise<boolean> {
    const alive = await this.#parts.reader.touch(this.#scope, [this.keyOf(self, args)], undefined)
    return alive > 0
  }

  async set(self: unknown, args: unknown[], result: unknown): Promise<WriteResult> {
    if (this.#firstInstance?.isAnother(self) === true) this.#calledOnSeveral()
    if (!Array.isArray(args))
      throw invalid(`the first argument of set of ${this.#name}`, 'the arguments as an array', args)
    const { tags = [], ...given } = this.#optionsOf(args, undefined) as CallOptions & { tags?: readonly string[] }
    const options: Record<string, unknown> = { tags }
    for (const name of WRITE_POLICY_OPTIONS) options[name] = given[name]
    if (!isAbsent(result)) {
      if (this.#options.tagsOf !== undefined) options.tags = [...tags, ...this.#tagsOf(result, args)]
      if (this.#options.ttlOf !== undefined) options.ttl = this.#ttlOf(result, args)
    }
    return this.#parts.writer.set(this.#scope, this.keyOf(self, args), result, options)
  }

  clear(): Promise<WriteResult> {
    return this.#parts.writer.clear(this.#scope)
  }

  get #name(): string {
    return this.#scope.space.scope
  }

  #read(verb: 'getOrSet' | 'refresh', self: unknown, args: unknown[]): Promise<unknown> {
    try {
      if (this.#firstInstance?.isAnother(self) === true) this.#calledOnSeveral()
      const signalled = takeSignal(args)
      const key = this.#keyOfCall(self, args, signalled?.rest ?? args)
      const options = key === undefined ? undefined : this.#optionsOfCall(args, signalled?.signal)
      if (key === undefined || options === undefined) return this.#readUncached(verb, self, args, key, signalled)
      const load = (context: LoadContext) => this.#load(self, signalled?.withSignal(context.signal) ?? args, context)
      return this.#parts.requests.reads[verb](this.#scope, key, load, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** An error for a wrapped function. For a decorated method only a notice: all instances of its class may be meant to share results. */
  #calledOnSeveral(): void {
    const cure =
      "Pass the option per, which returns what the results depend on, such as per: (self) => self.tenant, or per: () => 'all' for nothing"
    if (!this.#isDecorated) {
      throw new CacheError(
        'INVALID_OPTION',
        `${this.#name} reads its \`this\` and was called on two objects, which would return each other's results. ${cure}`,
      )
    }
    this.#firstInstance = undefined
    this.#recorder.notices.report(
      'INSTANCES_SHARE',
      `${this.#name} reads its \`this\` and was called on two instances of its class, which share its results. ${cure}`,
    )
  }

  /**
   * Runs a call whose key or options could not be derived. It is a load with its usual limits and events, but no tier keeps its result.
   * Without a key it shares nothing with other calls.
   */
  #readUncached(
    verb: 'getOrSet' | 'refresh',
    self: unknown,
    args: unknown[],
    key: string | undefined,
    signalled: SignalledCall | undefined,
  ): Promise<unknown> {
    const load = (context: LoadContext) => {
      context.skip()
      return Reflect.apply(this.#fn, self, signalled?.withSignal(context.signal) ?? args) as unknown
    }
    const signal = signalled?.signal
    const { reads } = this.#parts.requests
    if (key !== undefined) return reads[verb](this.#scope, key, load, { signal })
    return reads[verb](this.#scope, `unkeyed:${randomUUID()}`, load, { signal, tiers: 'l1' })
  }

  #load(self: unknown, args: readonly unknown[], context: LoadContext): unknown {
    const result = Reflect.apply(this.#fn, self, args) as unknown
    const { tagsOf, ttlOf } = this.#options
    return tagsOf === undefined && ttlOf === undefined ? result : this.#derive(result, args as unknown[], context)
  }

  async #derive(returned: unknown, args: unknown[], context: LoadContext): Promise<unknown> {
    const result = await returned
    const { tagsOf, ttlOf } = this.#options
    if (isAbsent(result)) return result
    let option = 'tagsOf'
    try {
      if (tagsOf !== undefined) context.tags(this.#tagsOf(result, args))
      option = 'ttlOf'
      if (ttlOf !== undefined) context.ttl(this.#ttlOf(result, args))
    } catch (error) {
      context.skip()
      this.#recorder.notUnderstood(this.#scope, context.key, optionFailed(this.#name, option, error))
    }
    return result
  }

  #tagsOf(result: unknown, args: unknown[]): readonly string[] {
    return checkEntryTags(this.#options.tagsOf?.(result as NonNullable<unknown>, ...args), 'the result of tagsOf()')
  }

  #ttlOf(result: unknown, args: unknown[]): Milliseconds {
    const ttl: unknown = this.#options.ttlOf?.(result as NonNullable<unknown>, ...args)
    ignoreRejection(ttl)
    return toMs(ttl as Duration, 'the result of ttlOf()')
  }

  get #recorder(): Recorder {
    return this.#parts.core.recorder
  }

  /** The key of a call; `undefined` if the option `key` or `per` fails. `keyArgs` are the arguments without the signal. */
  #keyOfCall(self: unknown, args: unknown[], keyArgs: readonly unknown[]): string | undefined {
    try {
      return this.#key(self, args, keyArgs)
    } catch (error) {
      const { key, per } = this.#options
      if ((key === undefined && per === undefined) || (per !== undefined && self === undefined)) throw error
      // Throws if the arguments cannot be a key: then `per` is not to blame.
      if (key === undefined) encodeArguments(keyArgs)
      this.#recorder.notices.once(this.#name, keyFailed(this.#name, key === undefined ? 'per' : 'key', error))
      return undefined
    }
  }

  #key(self: unknown, args: unknown[], keyArgs: readonly unknown[]): string {
    const { key, per } = this.#options
    if (per !== undefined && self === undefined) throw noInstance(this.#name)
    const own: unknown = key?.(...args)
    if (key !== undefined && typeof own !== 'string') {
      ignoreRejection(own)
      throw new CacheError('INVALID_KEY', `the option key of ${this.#name} must return a string; got ${show(own)}`)
    }
    if (per !== undefined) return encodeArguments([per(self), ...(own === undefined ? keyArgs : [own])])
    return (own as string | undefined) ?? encodeArguments(keyArgs)
  }

  /** The options of a call; `undefined` if one of the functions among them fails. */
  #optionsOfCall(args: unknown[], signal: AbortSignal | undefined): CallOptions | undefined {
    try {
      return this.#optionsOf(args, signal)
    } catch (error) {
      this.#recorder.notices.once(this.#name, error as CacheError)
      return undefined
    }
  }

  /** Throws `TAGS_FAILED` or `OPTION_FAILED` if a function among the options fails. */
  #optionsOf(args: unknown[], signal: AbortSignal | undefined): CallOptions {
    const { tags } = this.#options
    if (signal === undefined && this.#varying.length === 0 && typeof tags !== 'function') return this.#fixed
    const options: Record<string, unknown> = { tags, signal }
    let option = 'tags'
    try {
      if (typeof tags === 'function') options.tags = checkEntryTags(tags(...args), 'the result of tags()')
      for (const name of this.#varying) {
        option = name
        const value = (this.#options[name] as (...args: unknown[]) => unknown)(...args)
        ignoreRejection(value)
        if (value === undefined) throw invalid(`the result of ${name}()`, 'a value', value)
        options[name] = value
        resolvePolicy(DEFAULT_POLICY, { [name]: value })
      }
      option = 'idleTtl'
      // Whether it has an effect depends on the other options.
      if (options.idleTtl !== undefined) resolvePolicy(this.#scope.policy, options as CallOptions)
    } catch (error) {
      throw optionFailed(this.#name, option, error)
    }
    return options
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

function noInstance(scope: string): CacheError {
  return new CacheError(
    'INVALID_OPTION',
    `${scope} has the option per, which needs an instance for the key; got none. Pass it as \`this\`: wrapped.invalidate.call(instance, …)`,
  )
}
