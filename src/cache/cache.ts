// The cache that users hold: every member of the public API, each handed on to the flow that does the work.

import type { CallScope, Core } from '../flow/core.js'
import { scopeOfCall } from '../flow/entries/scope-of-call.js'
import { checkTagList } from '../flow/entries/tags.js'
import type { BatchLoader } from '../flow/load/batcher.js'
import { loadMissing } from '../flow/read/load-many.js'
import type { Lookup } from '../flow/read/look-up.js'
import type { Reader } from '../flow/read/read.js'
import type { Shutdown } from '../flow/shutdown.js'
import type { UsableEntry } from '../flow/state/flight.js'
import type { WriteResult } from '../flow/sync/outbox.js'
import { deleteByPrefix } from '../flow/write/delete-by-prefix.js'
import type { Writer } from '../flow/write/write.js'
import type { Entry } from '../model/entry.js'
import type { CacheError } from '../model/errors.js'
import type { CacheEventName, Listener } from '../model/events/events.js'
import { ABSENT, HIT, STALE } from '../model/events/read-outcome.js'
import { childSpace, type Version } from '../model/keys/key.js'
import { checkNames, checkOptions, refuseMore } from '../model/option-rules.js'
import type {
  CallOptions,
  LoadContext,
  Loader,
  NamespaceOptions,
  ReadOptions,
  WriteOptions,
} from '../model/options/options.js'
import { POLICY_OPTIONS, resolvePolicy } from '../model/options/policy.js'
import { refuseNew } from '../model/options/refuse-new.js'
import { ownOptions } from '../model/own-options.js'
import type { StandardSchema } from '../model/values/schema.js'
import { AfterCommit } from './after-commit.js'
import { type CacheStats, snapshot } from './cache-stats.js'
import { checkEntries, checkKeys, checkPrefix } from './check-arguments.js'
import { type Explanation, explain } from './explain/explain.js'
import { CachedPages, type Pages, type PagesDefinition } from './pages.js'
import { type ReadyOptions, whenReady } from './ready.js'
import type { NameRegistry } from './registry/name-registry.js'
import type { OpenRequestScope, RequestScopeOptions, RequestScopes } from './request-scope/request-scope.js'
import type { SourceDefinition } from './source/definition.js'
import { Source } from './source/source.js'
import { type WarmEntry, warmEntries } from './warm/warm.js'
import type { WarmOptions, WarmReport } from './warm/warm-run.js'
import type { WrapOptions } from './wrap/options.js'
import { type WrappedAs, wrapFunction } from './wrap/wrap.js'

/** What a cache is made of; only `create-cache.ts` puts it together. */
export interface CacheParts {
  readonly core: Core
  readonly reader: Reader
  readonly writer: Writer
  readonly requests: RequestScopes
  readonly names: NameRegistry
  readonly shutdown: Shutdown
}

const READ_OPTIONS = ['version', 'tiers', 'signal']
const VERSION = ['version']
const SEVERAL_KEYS = '. Several keys are one array'
const NAMESPACE_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'version']

/** Names a method that users do not call. Registered, so that an ESM and a CommonJS copy of a cache agree. */
export const REPORT: unique symbol = Symbol.for('tiercache.report') as never

/** One key with its value, for `setMany`. */
export type KeyValue<V> = readonly [key: string, value: V]

/**
 * A multi-level cache, or a namespace of one.
 *
 * No method rejects because L2 is down; reads reject only with the loader's own error, with `CacheError` codes `INVALID_OPTION`,
 * `INVALID_KEY`, `LOAD_TIMEOUT`, `REENTRANT_LOAD` and `CLOSED`, or with the reason of the caller's own `signal`.
 */
export class Cache {
  readonly #parts: CacheParts
  readonly #scope: CallScope

  /** @internal Made by `createCache()` and `cache.namespace()`. */
  constructor(parts: CacheParts, scope: CallScope) {
    if (scope === undefined) refuseNew('Cache', 'createCache(options)')
    this.#parts = parts
    this.#scope = scope
  }

  /** The path of this cache or namespace, such as `shop/catalog@3`: what its keys in L2 begin with. */
  get path(): string {
    return this.#scope.space.scope
  }

  /**
   * The value of `key`, loaded if no tier has it. One load runs per key; with an L2, one in the fleet (G5).
   * Rejects with what the loader threw, unless a stale value may answer (`staleIfError`). With a `schema` the value is what the
   * schema returns, whatever the loader's type; `undefined` and `null` of the loader do not pass it.
   */
  getOrSet<V, Output>(
    key: string,
    load: Loader<V>,
    options: CallOptions<Output> & { readonly schema: StandardSchema<Output> },
  ): Promise<Output | Extract<V, undefined | null>>
  getOrSet<V>(key: string, load: Loader<V>, options?: CallOptions<V>): Promise<V>
  getOrSet(key: string, load: Loader<unknown>, options?: CallOptions): Promise<unknown> {
    // While a request scope is open somewhere, this call may be in one. A hit pays for the comparison only.
    if (this.#parts.requests.openScopes !== 0)
      return this.#parts.requests.reads.getOrSet(this.#scope, key, load, options)
    return this.#parts.reader.getOrSet(this.#scope, key, load, options)
  }

  /** The value of `key` if a tier has it, fresh or within `staleWhileRevalidate`; never loads. `undefined` may also be a cached `undefined`: see `lookup`. */
  async get<V = unknown>(key: string, options?: ReadOptions): Promise<V | undefined> {
    const own = checkOptions(options, READ_OPTIONS, 'get')
    const usable = await this.#parts.requests.reads.find(this.#scope, key, own)
    return this.#served(key, usable, own) as V | undefined
  }

  /** Tells a cached `undefined` from a miss, and what is known of the entry. Never loads. */
  async lookup<V = unknown>(key: string, options?: ReadOptions): Promise<Lookup<V>> {
    const own = checkOptions(options, READ_OPTIONS, 'lookup')
    const usable = await this.#parts.requests.reads.find(this.#scope, key, own)
    this.#served(key, usable, own)
    return this.#lookupOf<V>(usable)
  }

  /** Whether `get` would find a value. Not a read for the counters: no value is handed out. */
  async has(key: string, options?: ReadOptions): Promise<boolean> {
    const own = checkOptions(options, READ_OPTIONS, 'has')
    const usable = await this.#parts.requests.reads.find(this.#scope, key, own)
    return usable !== undefined && usable.age !== 'staleIfError'
  }

  /** What L1 has, at once; changes nothing, neither recency nor counters. */
  peek<V = unknown>(key: string, options?: { readonly version?: Version | undefined }): V | undefined {
    const own = checkOptions(options, VERSION, 'peek')
    return this.#parts.requests.reads.peek(scopeOfCall(this.#scope, own), key) as V | undefined
  }

  /** The values in the order of `keys`, `undefined` where there is none; one read of L2 per cluster slot. Never loads. */
  async getMany<V = unknown>(keys: readonly string[], options?: ReadOptions): Promise<(V | undefined)[]> {
    const own = checkOptions(options, READ_OPTIONS, 'getMany', SEVERAL_KEYS)
    const list = checkKeys(keys)
    const usable = await this.#parts.requests.reads.findMany(this.#scope, list, own)
    return usable.map((one, i) => this.#served(list[i] as string, one, own) as V | undefined)
  }

  /**
   * The values in the order of `keys`. What no tier has is loaded by one call of `loadMany` with the missing keys (each once), which
   * answers their values in the same order, an `Error` where one key failed. Flights are shared with single gets.
   */
  getOrSetMany<V, Output>(
    keys: readonly string[],
    load: BatchLoader<string, V>,
    options: CallOptions<Output> & { readonly schema: StandardSchema<Output> },
  ): Promise<(Output | Extract<V, undefined | null>)[]>
  getOrSetMany<V>(keys: readonly string[], load: BatchLoader<string, V>, options?: CallOptions<V>): Promise<V[]>
  async getOrSetMany(
    keys: readonly string[],
    load: BatchLoader<string, unknown>,
    options?: CallOptions,
  ): Promise<unknown[]> {
    const { requests, core } = this.#parts
    return loadMissing(requests.reads, core, this.#scope, checkKeys(keys), requests.outside(load), options)
  }

  /**
   * Stores `value` in every tier and makes every other process forget the old one. 'queued': L2 could not be reached; it is told
   * as soon as it can (G6), and this process sees the value at once (G2). Rejects with `UNSUPPORTED_VALUE` before anything is done.
   */
  set<V>(key: string, value: V, options?: WriteOptions<V>): Promise<WriteResult> {
    return this.#parts.writer.set(this.#scope, key, value, options as WriteOptions<never>)
  }

  /** `set` for many entries; they travel together. */
  async setMany<V>(entries: Iterable<KeyValue<V>>, options?: WriteOptions<V>): Promise<WriteResult> {
    const checked = checkEntries(entries)
    const results = await Promise.all(checked.map(([key, value]) => this.set(key, value, options)))
    return results.includes('queued') ? 'queued' : 'applied'
  }

  /** The entries must never be served again, by no process (G1). */
  async delete(
    keys: string | readonly string[],
    options?: { readonly version?: Version | undefined },
  ): Promise<WriteResult> {
    const own = checkOptions(options, VERSION, 'delete', SEVERAL_KEYS)
    return this.#parts.writer.delete(this.#scope, checkKeys(keys), own?.version)
  }

  /** The entries stop being fresh; `staleIfError` may still serve them. */
  async expire(
    keys: string | readonly string[],
    options?: { readonly version?: Version | undefined },
  ): Promise<WriteResult> {
    const own = checkOptions(options, VERSION, 'expire', SEVERAL_KEYS)
    return this.#parts.writer.expire(this.#scope, checkKeys(keys), own?.version)
  }

  /**
   * Every entry of the whole cache, namespaces included, that carries one of the tags must never be served again.
   * One command, whatever the number of entries.
   */
  invalidateTags(tags: string | readonly string[]): Promise<WriteResult>
  async invalidateTags(tags: string | readonly string[], ...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'invalidateTags()', "one tag or an array, as in invalidateTags(['org:7', 'org:8'])")
    return this.#parts.writer.invalidateTags(this.#scope, checkTagList(tags, 'tags'))
  }

  /** The soft twin of `invalidateTags`: `staleIfError` may still serve the entries. */
  expireTags(tags: string | readonly string[]): Promise<WriteResult>
  async expireTags(tags: string | readonly string[], ...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'expireTags()', "one tag or an array, as in expireTags(['org:7', 'org:8'])")
    return this.#parts.writer.expireTags(this.#scope, checkTagList(tags, 'tags'))
  }

  /** Everything under this cache or namespace is gone, in every process. One command, whatever the number of entries. */
  clear(): Promise<WriteResult>
  async clear(...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(
      others,
      'clear()',
      'nothing and means everything; single entries are for delete(), prefixes for deleteByPrefix()',
    )
    return this.#parts.writer.clear(this.#scope)
  }

  /**
   * Administration, not hot path: removes every entry of this cache or namespace whose key begins with `prefix`, from L2 by looking at
   * all its keys in bounded batches, and from the memory of every process. Answers how many L2 had (without an L2: this memory).
   * Keys above 512 bytes are hashed in L2: their entries are read to see which they are, and one that does not say it goes, too. Rejects with `L2_UNAVAILABLE` if L2 cannot be reached, with the reason of
   * `signal`, and with `INVALID_KEY` for a prefix that is too long or ill-formed; what was removed by then stays so: call it again.
   */
  async deleteByPrefix(prefix: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<number> {
    const own = checkOptions(options, ['signal'], 'deleteByPrefix')
    const { core } = this.#parts
    return core.callers.await(deleteByPrefix(core, this.#scope.space, checkPrefix(prefix), own?.signal))
  }

  /** A nested prefix with its own defaults, `version` and `clear()`. Tags span the whole cache. */
  namespace(name: string, options: NamespaceOptions = {}): Cache {
    const own = checkNames(options, NAMESPACE_OPTIONS, 'namespace')
    const policy = resolvePolicy(this.#scope.policy, own)
    return new Cache(this.#parts, { space: childSpace(this.#scope.space, name, own.version), policy })
  }

  /**
   * A typed source: values by id, loaded in batches, saved through the cache. Its entries live in a namespace of its name. Make it once,
   * where a module is loaded; the same definition again is the same source. Throws `INVALID_OPTION` if something else of this cache
   * has the name, unless it is the same module evaluated again (see `docs/guides/sources.md`).
   */
  source<Id, V>(name: string, definition: SourceDefinition<Id, V>): Source<Id, V> {
    const { scope } = childSpace(this.#scope.space, name, ownOptions(definition)?.version)
    const made = this.#parts.names.madeOf(scope, definition) as Source<Id, V> | undefined
    return made ?? new Source(this.#parts, this.#scope, name, definition)
  }

  /** Collects invalidations while a transaction of the caller's runs: `commit()` makes them, `drop()` forgets them. */
  afterCommit(): AfterCommit {
    this.#parts.core.assertOpen()
    return new AfterCommit(this.#parts.writer, this.#scope)
  }

  /**
   * A function with the signature and `this` of `fn` whose results are cached, under its arguments, in a namespace of its name.
   * Throws `NAME_REQUIRED` if it has none, and `INVALID_OPTION` if another function of this cache has the same.
   */
  wrap<F extends (...args: never[]) => unknown>(
    fn: F,
    options: NoInfer<WrapOptions<Parameters<F>, Awaited<ReturnType<F>>, ThisParameterType<F>>> = {},
  ): WrappedAs<F> {
    return wrapFunction(this.#parts, this.#scope, fn as never, options as never) as never
  }

  /** A list that comes in pages, the next one fetched in the background while one is used. Its pages live in a namespace of this name. */
  pages<T, C>(name: string, definition: PagesDefinition<T, C>): Pages<T, C> {
    return new CachedPages(this.#parts, this.#scope, name, definition)
  }

  /**
   * Loads what is not cached yet, at most `concurrency` at once; what is fresh is skipped, so an interrupted warming is simply
   * repeated. Answers when all have been loaded; `drain()` tells when L2 has them. A failing load is reported, not thrown.
   */
  async warm(
    entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>,
    options?: WarmOptions<string>,
  ): Promise<WarmReport<string>> {
    return warmEntries(this.#parts.reader, this.#scope, entries, options)
  }

  /**
   * Runs `work`, such as the handling of one request, and answers what it answers. Until that has settled, each key of the whole
   * cache is read once and stays the same for `work`, whoever changes it meanwhile; changes that `work` itself makes are seen.
   * A scope within a scope is part of it. Loaders are called outside: what they load is for everybody.
   *
   * Where `work` returns before the request is over, as Express's `next` does, say what it lasts until:
   * `cache.requestScope(next, { until: response })`. Throws `INVALID_OPTION`, `CLOSED`.
   */
  requestScope<T>(work: () => T, options?: RequestScopeOptions): T {
    return this.#parts.requests.run(work, options)
  }

  /** A scope like that of `scope`, for work that comes in pieces: `run(work)` as often as needed, then `end()`, or `using`. */
  openRequestScope(options?: Pick<RequestScopeOptions, 'limit'>): OpenRequestScope {
    const own = checkOptions(options, ['limit'], 'openRequestScope')
    return this.#parts.requests.open(own?.limit)
  }

  /** Which tier has the key, how old it is, what is left of each window, its tags, and who would load it now. Changes nothing. */
  async explain(key: string, options?: ReadOptions): Promise<Explanation> {
    const own = checkOptions(options, READ_OPTIONS, 'explain')
    return explain(this.#parts.core, this.#parts.reader, this.#scope, key, own)
  }

  /** For the decorators, which are a subpath of their own: reports what they had to do without, once per code and `about`. */
  [REPORT](about: string, error: CacheError): void {
    this.#parts.core.recorder.notices.once(`${this.path} ${about}`, error)
  }

  /** Counters since the start and latency histograms. Every read counts once, as one outcome: `reads`. */
  stats(): CacheStats {
    return snapshot(this.#parts.core)
  }

  /** Calls `listener` at each `event`, at once and in order; answers what removes it. A listener that throws hurts nobody. */
  on<Name extends CacheEventName>(event: Name, listener: Listener<Name>): () => void {
    return this.#parts.core.events.on(event, listener)
  }

  /**
   * Resolves once L2 is in use, at once without an L2. Nothing needs it: calls made earlier are served by L1 and the loader.
   * Rejects when `timeout` (default: the L2's `connectTimeout`) is over, with the code of what is wrong, such as `L2_UNAVAILABLE` or
   * `L2_MISCONFIGURED`, and that error as `cause`; with `CLOSED` when the cache is closed. The cache goes on trying either way.
   */
  ready(options: ReadyOptions = {}): Promise<void> {
    return whenReady(this.#parts.core, options)
  }

  /** Resolves when the work behind the callers' backs is done: fills, refreshes. */
  drain(): Promise<void> {
    const { background, callers } = this.#parts.core
    return callers.await(background.drain())
  }

  /**
   * Ends the whole cache: waits for background work at most `closeTimeout`, then closes what the SDK opened and nothing else.
   * Never hangs and never rejects; later calls answer the same. The event `closed` tells what never reached L2.
   */
  close(): Promise<void> {
    return this.#parts.shutdown.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Reports the read; answers its value. */
  #served(key: string, usable: UsableEntry | undefined, options: ReadOptions | undefined): unknown {
    const { recorder, l1 } = this.#parts.core
    const { space } = scopeOfCall(this.#scope, options)
    if (usable === undefined || usable.age === 'staleIfError') {
      recorder.read(space, key, ABSENT)
      return undefined
    }
    const { entry, age, tier } = usable
    recorder.read(space, key, age === 'fresh' ? HIT[tier] : STALE[tier], entry.createdAtMs)
    return l1 === undefined ? entry.value : l1.release(entry.value)
  }

  #lookupOf<V>(usable: UsableEntry | undefined): Lookup<V> {
    if (usable === undefined) return { found: false }
    const { entry, tier, age } = usable
    const { clock, l1 } = this.#parts.core
    const nowMs = clock.nowMs()
    return {
      found: true,
      value: (l1 === undefined ? entry.value : l1.release(entry.value)) as V,
      tier,
      state: age,
      ageMs: nowMs - entry.createdAtMs,
      freshForMs: Math.max(0, entry.freshUntilMs - nowMs),
      tags: tagsOf(entry),
    }
  }
}

/** The user's tags of an entry. */
export function tagsOf(entry: Entry): readonly string[] {
  return entry.labels.labels.filter((label) => label.startsWith('t:')).map((label) => label.slice(2))
}

export type { LoadContext }
