// The `Cache`: each method checks its arguments and calls the part of flow that does the work.

import type { Core } from '../flow/core.js'
import { childScope, scopeOfCall } from '../flow/entries/scope-of-call.js'
import { checkTagList } from '../flow/entries/tags.js'
import type { CallScope } from '../flow/flights/call-scope.js'
import type { BatchLoader } from '../flow/load/batcher.js'
import { loadMissing } from '../flow/read/load-many.js'
import type { Lookup } from '../flow/read/look-up.js'
import type { Reader } from '../flow/read/read.js'
import type { Reserved } from '../flow/read/reserve.js'
import type { ServedEntry } from '../flow/read/served-entry.js'
import type { Shutdown } from '../flow/shutdown.js'
import type { WriteResult } from '../flow/sync/outbox.js'
import type { Pulls } from '../flow/update/pull.js'
import type { UpdateFunction, Updates } from '../flow/update/update.js'
import { deleteByPrefix } from '../flow/write/delete-by-prefix.js'
import type { Writer } from '../flow/write/write.js'
import type { CacheError } from '../model/errors.js'
import type { CacheEventName, Listener } from '../model/events/events.js'
import { childSpace, type Version } from '../model/keys/key.js'
import { checkNames, checkOptions, refuseMore, refuseNew } from '../model/option-rules.js'
import { type HoldOptions, holdMsOf } from '../model/options/hold.js'
import type {
  CallOptions,
  Loader,
  NamespaceOptions,
  PullOptions,
  ReadOptions,
  ReserveOptions,
  UpdateContext,
  UpdateOptions,
  WriteOptions,
} from '../model/options/options.js'
import { POLICY_OPTIONS, resolvePolicy } from '../model/options/policy.js'
import { ownOptions } from '../model/own-options.js'
import type { StandardSchema } from '../model/values/schema.js'
import { AfterCommit } from './after-commit.js'
import { type CacheStats, snapshot } from './cache-stats.js'
import { checkEntries, checkKeys, checkPrefix } from './check-arguments.js'
import { type Explanation, explain } from './explain/explain.js'
import { type CacheInspection, type InspectOptions, inspect } from './explain/inspect.js'
import { lookupOf, served, touched } from './found.js'
import { type CacheHealth, healthOf } from './health.js'
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

/** The parts of a cache, which `create-cache.ts` puts together. */
export interface CacheParts {
  readonly core: Core
  readonly reader: Reader
  readonly writer: Writer
  readonly updates: Updates
  readonly pulls: Pulls
  readonly requests: RequestScopes
  readonly names: NameRegistry
  readonly shutdown: Shutdown
}

const READ_OPTIONS = ['version', 'tiers', 'signal']
const VERSION = ['version']
const DELETE_OPTIONS = ['version', 'hold']
const HOLD = ['hold']
const SEVERAL_KEYS = '. Pass several keys as one array'
const SEVERAL_TAGS = '. Pass several tags as one array'
const NAMESPACE_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'version']

/** The name of a method that is not public. A registered symbol, so that the ESM and the CommonJS build share it. */
export const REPORT: unique symbol = Symbol.for('tiercache.report') as never

/** A key and its value, for `setMany`. */
export type KeyValue<V> = readonly [key: string, value: V]

/**
 * A multi-level cache, or a namespace of one.
 *
 * No read and no write rejects because L2 is down, except `update` and `pull`, which L2 alone can decide. A read rejects only with the loader's own error, with the reason of the caller's
 * `signal`, or with a `CacheError` whose code is `INVALID_OPTION`, `INVALID_KEY`, `LOAD_TIMEOUT`, `REENTRANT_LOAD`, `SCHEMA_MISMATCH`,
 * `BATCH_MISMATCH` or `CLOSED`.
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

  /** The path of this cache or namespace, such as `shop/catalog@3`. Its keys in L2 begin with it. */
  get path(): string {
    return this.#scope.space.scope
  }

  /**
   * Returns the value of `key`, and calls `load` if no tier has a value that may be served. One load runs per key in this process, and
   * one in all processes that share an L2. Rejects with what the loader threw, unless `staleIfError` allows a stale value.
   *
   * With a `schema`, the value is what the schema returns, whatever the loader's type. `undefined` and `null` are not validated.
   */
  getOrSet<V, Output>(
    key: string,
    load: Loader<V>,
    options: CallOptions<Output> & { readonly schema: StandardSchema<Output> },
  ): Promise<Output | Extract<V, undefined | null>>
  getOrSet<V>(key: string, load: Loader<V>, options?: CallOptions<V>): Promise<V>
  getOrSet(key: string, load: Loader<unknown>, options?: CallOptions): Promise<unknown> {
    // While any request scope is open, this call may belong to it. Otherwise a hit pays for this comparison only.
    if (this.#parts.requests.openScopes !== 0)
      return this.#parts.requests.reads.getOrSet(this.#scope, key, load, options)
    return this.#parts.reader.getOrSet(this.#scope, key, load, options)
  }

  /**
   * `getOrSet`, and where the value came from: its tier, state and age, what is left of its ttl, how long its load took, and whether it
   * was shared with another caller. Rejects as `getOrSet` does.
   */
  getOrSetEntry<V>(key: string, load: Loader<V>, options?: CallOptions<V>): Promise<ServedEntry<V>> {
    return this.#parts.requests.reads.getOrSetEntry(this.#scope, key, load, options)
  }

  /**
   * Looks `key` up and, if there is no fresh value, reserves the right to fill it: for interfaces whose `get` and `put` are apart. Other
   * callers of the key, in every process, wait for the fill, no longer than `hardTimeout`. An invalidation between `reserve` and `fill`
   * wins, as it does over a load. Rejects with `LOAD_TIMEOUT` if `hardTimeout` passes before it is known what is there. Fill or release every slot; `using slot = await cache.reserve(key)` releases it at the end of the block.
   */
  reserve<V = unknown>(key: string, options?: ReserveOptions<V>): Promise<Reserved<V>> {
    return this.#parts.requests.reads.reserve(this.#scope, key, options)
  }

  /**
   * Loads although a fresh value may be there, stores the new one and returns it. Rejects with the loader's error even if a stale value
   * could be served. It takes no value that was loaded before this call, in any process. Refreshes of one key share a load. Other
   * processes keep what they have in memory until its ttl ends: to make them read anew, `delete` or `expire` the key.
   */
  refresh<V>(key: string, load: Loader<V>, options?: CallOptions<V>): Promise<V> {
    const { reads } = this.#parts.requests
    return reads.refresh(this.#scope, key, load as Loader<unknown>, options as CallOptions | undefined) as Promise<V>
  }

  /**
   * Returns the value of `key` if a tier has it, fresh or within `staleWhileRevalidate`; else `undefined`. Never loads. A cached
   * `undefined` looks the same as a miss: `lookup` tells them apart.
   */
  async get<V = unknown>(key: string, options?: ReadOptions): Promise<V | undefined> {
    const own = checkOptions(options, READ_OPTIONS, 'get')
    const usable = await this.#parts.requests.reads.find(this.#scope, key, own)
    return served(this.#parts.core, scopeOfCall(this.#scope, own), key, usable) as V | undefined
  }

  /**
   * Returns whether a tier has `key`, and if so its value, tier, state, age and tags. Never loads. Unlike `get`, it also returns a value
   * that only `staleIfError` allows, with the state `'staleIfError'`.
   */
  async lookup<V = unknown>(key: string, options?: ReadOptions): Promise<Lookup<V>> {
    const own = checkOptions(options, READ_OPTIONS, 'lookup')
    const usable = await this.#parts.requests.reads.find(this.#scope, key, own)
    served(this.#parts.core, scopeOfCall(this.#scope, own), key, usable)
    return lookupOf<V>(this.#parts.core, usable)
  }

  /** Returns whether `get` would find a value. It does not count as a read, since no value is returned. It renews the idle life. */
  async has(key: string, options?: ReadOptions): Promise<boolean> {
    const own = checkOptions(options, READ_OPTIONS, 'has')
    const usable = await this.#parts.requests.reads.find(this.#scope, key, own)
    if (usable === undefined || usable.age === 'staleIfError') return false
    touched(this.#parts.core, scopeOfCall(this.#scope, own), key, usable)
    return true
  }

  /** Returns the value in L1, synchronously; `undefined` if there is none. Changes nothing, neither recency nor counters. */
  peek<V = unknown>(key: string, options?: { readonly version?: Version | undefined }): V | undefined {
    const own = checkOptions(options, VERSION, 'peek')
    return this.#parts.requests.reads.peek(scopeOfCall(this.#scope, own), key) as V | undefined
  }

  /** Returns the values in the order of `keys`, with `undefined` for a miss. Costs one read of L2 per cluster slot. Never loads. */
  async getMany<V = unknown>(keys: readonly string[], options?: ReadOptions): Promise<(V | undefined)[]> {
    const own = checkOptions(options, READ_OPTIONS, 'getMany', SEVERAL_KEYS)
    const list = checkKeys(keys)
    const usable = await this.#parts.requests.reads.findMany(this.#scope, list, own)
    const scope = scopeOfCall(this.#scope, own)
    return usable.map((one, i) => served(this.#parts.core, scope, list[i] as string, one) as V | undefined)
  }

  /**
   * Returns the values in the order of `keys`. One call of `load` gets the keys that no tier has, each once. It returns their values in
   * the same order, with an `Error` for a key that failed. A key that another caller is loading is not loaded again.
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
   * Stores `value` in every tier and makes every other process drop the old value. This process sees the new value at once, even if the
   * result is 'queued': then L2 could not be reached, and it gets the value when it can be. Rejects with `UNSUPPORTED_VALUE`, with
   * `SCHEMA_MISMATCH` or with what `tags` threw, before anything is done.
   */
  set<V>(key: string, value: V, options?: WriteOptions<V>): Promise<WriteResult> {
    return this.#parts.writer.set(this.#scope, key, value, options as WriteOptions<never>)
  }

  /** `set` for many entries, which are sent to L2 together. If one is refused, this rejects, and the others are stored all the same. */
  async setMany<V>(entries: Iterable<KeyValue<V>>, options?: WriteOptions<V>): Promise<WriteResult> {
    const checked = checkEntries(entries)
    const results = await Promise.all(checked.map(([key, value]) => this.set(key, value, options)))
    return results.includes('queued') ? 'queued' : 'applied'
  }

  /**
   * Read-modify-write: calls `fn` with the present value, stores what it returns, and resolves with that. If another call, of any process,
   * changed the key meanwhile, `fn` is called again with the value of then. So no change is lost.
   *
   * The present value is what `get` would return from L2, or from L1 if there is no L2; else `undefined`. If the entry has an idle life, the
   * first call gets that of L1: what it returns is stored only if that is the present value, and else it is called again. If `fn` returns `undefined`, the
   * entry stays as it is, and the present value is returned. Calls for one key of this process run one after the other.
   *
   * Rejects with what `fn` throws, with the reason of `signal`, with what `set` rejects with, and with `UPDATE_CONFLICT` after `retries`:
   * then nothing was changed. Rejects with `L2_UNAVAILABLE` if L2 cannot be reached; the message says if the value may have been stored.
   * Costs a read and a swap of L2, one claim more if there is no entry, and one announcement. An entry in L1 that has an idle life needs no
   * read. It does not count as a read.
   */
  update<V>(
    key: string,
    fn: (value: V | undefined, context: UpdateContext) => V | Promise<V>,
    options?: UpdateOptions<V>,
  ): Promise<V>
  update<V>(
    key: string,
    fn: (value: V | undefined, context: UpdateContext) => V | undefined | Promise<V | undefined>,
    options?: UpdateOptions<V>,
  ): Promise<V | undefined>
  update(
    key: string,
    fn: (value: never, context: UpdateContext) => unknown,
    options?: UpdateOptions<never>,
  ): Promise<unknown> {
    const { requests, updates } = this.#parts
    return updates.update(this.#scope, key, requests.outside(fn) as UpdateFunction, options)
  }

  /**
   * Get and delete in one step: returns the value, and no other call gets it, in any process. Returns `undefined` if L2 (or L1, if there
   * is no L2) has no value that `get` would return.
   *
   * Rejects with `L2_UNAVAILABLE` if L2 cannot be reached. If it did not confirm the removal, the value may be lost: nobody gets it.
   * Rejects with the reason of `signal`. Costs a read and a swap of L2, and one announcement if there was a value.
   */
  async pull<V = unknown>(key: string, options?: PullOptions): Promise<V | undefined> {
    const own = checkOptions(options, ['version', 'signal'], 'pull')
    const usable = await this.#parts.pulls.pull(this.#scope, key, own)
    return served(this.#parts.core, scopeOfCall(this.#scope, own), key, usable) as V | undefined
  }

  /**
   * Removes the entries: no process serves them again. A load that began before stores nothing. With `hold`, a load that begins or ends within
   * that time stores nothing either, in any process. A `set` of the key ends its hold.
   */
  async delete(
    keys: string | readonly string[],
    options?: HoldOptions & { readonly version?: Version | undefined },
  ): Promise<WriteResult> {
    const own = checkOptions(options, DELETE_OPTIONS, 'delete', SEVERAL_KEYS)
    return this.#parts.writer.delete(this.#scope, checkKeys(keys), own?.version, holdMsOf(own?.hold))
  }

  /** Ends the freshness of the entries. They are served only if loading fails, for as long as `staleIfError` allows. */
  async expire(
    keys: string | readonly string[],
    options?: { readonly version?: Version | undefined },
  ): Promise<WriteResult> {
    const own = checkOptions(options, VERSION, 'expire', SEVERAL_KEYS)
    return this.#parts.writer.expire(this.#scope, checkKeys(keys), own?.version)
  }

  /**
   * Renews the idle life (`idleTtl`) of entries without returning their values, as a read of each would. Returns how many of the keys have
   * an entry that `get` would find; entries without an idle life count, too, and stay as they are. It is not counted as a read. Costs one
   * command for all of them, after one read of L2 for those that L1 does not have. Never rejects because L2 is down.
   */
  async touch(keys: string | readonly string[], options?: { readonly version?: Version | undefined }): Promise<number> {
    const own = checkOptions(options, VERSION, 'touch', SEVERAL_KEYS)
    return this.#parts.reader.touch(this.#scope, checkKeys(keys), own?.version)
  }

  /**
   * Removes every entry that carries one of the tags, in the whole cache with all its namespaces: no process serves them again.
   * Costs one command, whatever the number of entries. With `hold`, no value with one of the tags that is loaded or set within that time is
   * kept, in any process.
   */
  async invalidateTags(tags: string | readonly string[], options?: HoldOptions): Promise<WriteResult> {
    const own = checkOptions(options, HOLD, 'invalidateTags', SEVERAL_TAGS)
    return this.#parts.writer.invalidateTags(this.#scope, checkTagList(tags, 'tags'), holdMsOf(own?.hold))
  }

  /** Ends the freshness of every entry that carries one of the tags, as `expire` does for keys. Costs one command. */
  expireTags(tags: string | readonly string[]): Promise<WriteResult>
  async expireTags(tags: string | readonly string[], ...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'expireTags()', "one tag or an array, as in expireTags(['org:7', 'org:8'])")
    return this.#parts.writer.expireTags(this.#scope, checkTagList(tags, 'tags'))
  }

  /**
   * Removes every entry of this cache or namespace, with the namespaces below it, in every process. Costs one command, whatever the
   * number of entries.
   */
  clear(): Promise<WriteResult>
  async clear(...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(
      others,
      'clear()',
      'no argument and removes everything; use delete() for single entries and deleteByPrefix() for a prefix',
    )
    return this.#parts.writer.clear(this.#scope)
  }

  /**
   * Ends the freshness of every entry of this cache or namespace, with the namespaces below it, in every process: `clear` as `expire` does
   * it. They are served only if loading fails, for as long as `staleIfError` allows. Costs one command, whatever the number of entries.
   */
  expireAll(): Promise<WriteResult>
  async expireAll(...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'expireAll()', 'no argument and expires everything; use expire() for single entries')
    return this.#parts.writer.expireAll(this.#scope)
  }

  /**
   * Removes every entry of this cache or namespace whose key begins with `prefix`, from L2 and from the memory of every process. Returns
   * how many of them L2 had, or this process's memory if there is no L2. For administration: it looks at every key of L2, in bounded
   * batches. Keys above 512 bytes are hashed in L2, so their entries are read; an entry that does not contain its key is removed too.
   *
   * Rejects with `L2_UNAVAILABLE` if L2 cannot be reached, with the reason of `signal`, and with `INVALID_KEY` for a prefix that is too
   * long or ill-formed. What was removed before that stays removed, so the call can be repeated.
   */
  async deleteByPrefix(prefix: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<number> {
    const own = checkOptions(options, ['signal'], 'deleteByPrefix')
    const { core } = this.#parts
    return core.callers.await(deleteByPrefix(core, this.#scope, checkPrefix(prefix), own?.signal))
  }

  /** Returns a namespace: a nested prefix with its own defaults, `version` and `clear()`. Tags belong to the whole cache. */
  namespace(name: string, options: NamespaceOptions = {}): Cache {
    const own = checkNames(options, NAMESPACE_OPTIONS, 'namespace')
    const policy = resolvePolicy(this.#scope.policy, own)
    return new Cache(this.#parts, childScope(this.#scope, name, own.version, policy))
  }

  /**
   * Returns a typed source: values by id, which are loaded in batches and saved through the cache. Its entries live in a namespace of
   * its name. Create it once, at module level; the same definition returns the same source. Throws `INVALID_OPTION` if the name belongs
   * to something else in this cache, unless the same module is evaluated again (see `docs/guides/sources.md`).
   */
  source<Id, V>(name: string, definition: SourceDefinition<Id, V>): Source<Id, V> {
    const { scope } = childSpace(this.#scope.space, name, ownOptions(definition)?.version)
    const made = this.#parts.names.madeOf(scope, definition) as Source<Id, V> | undefined
    return made ?? new Source(this.#parts, this.#scope, name, definition)
  }

  /**
   * Returns a collector of invalidations for one database transaction: `commit()` makes them, `drop()` discards them. With `hold`, it holds
   * whatever it removes, from the call of `commit()` on.
   */
  afterCommit(options?: HoldOptions): AfterCommit {
    this.#parts.core.assertOpen()
    const own = checkOptions(options, HOLD, 'afterCommit')
    return new AfterCommit(this.#parts.writer, this.#scope, holdMsOf(own?.hold))
  }

  /**
   * Returns a function with the signature and `this` of `fn` whose results are cached by its arguments, in a namespace of its name.
   * Throws `NAME_REQUIRED` if it has no stable name, and `INVALID_OPTION` if another function of this cache has the same one.
   */
  wrap<F extends (...args: never[]) => unknown>(
    fn: F,
    options: NoInfer<WrapOptions<Parameters<F>, Awaited<ReturnType<F>>, ThisParameterType<F>>> = {},
  ): WrappedAs<F> {
    return wrapFunction(this.#parts, this.#scope, fn as never, options as never) as never
  }

  /**
   * Returns a cached list that is read page by page. The next page is fetched in the background while one is in use. Its pages live in
   * a namespace of this name. Throws `INVALID_OPTION` and `INVALID_KEY`.
   */
  pages<T, C>(name: string, definition: PagesDefinition<T, C>): Pages<T, C> {
    return new CachedPages(this.#parts, this.#scope, name, definition)
  }

  /**
   * Fills the cache: loads the entries that are not cached, at most `concurrency` at a time. Fresh ones are skipped, so an interrupted
   * run can simply be repeated. Resolves when all are loaded; `drain()` resolves when L2 has them. A load that fails is counted in the
   * report. Rejects only with what `entries` or `onProgress` threw, and with `INVALID_OPTION`.
   */
  async warm(
    entries: Iterable<WarmEntry> | AsyncIterable<WarmEntry>,
    options?: WarmOptions<string>,
  ): Promise<WarmReport<string>> {
    return warmEntries(this.#parts.reader, this.#scope, entries, options)
  }

  /**
   * Runs `work`, such as the handling of one request, in a request scope, and returns what `work` returns. In the scope each key of the
   * whole cache is read once and keeps its value, even if others change it. Changes that `work` makes itself are visible to it. The scope
   * ends when the promise that `work` returned has settled. A scope inside another one is part of it. Loaders run outside the scope,
   * because their values are shared with all callers.
   *
   * If `work` returns before the request is over, as Express's `next` does, pass what ends the scope:
   * `cache.requestScope(next, { until: response })`. Throws `INVALID_OPTION` and `CLOSED`.
   */
  requestScope<T>(work: () => T, options?: RequestScopeOptions): T {
    return this.#parts.requests.run(work, options)
  }

  /** Opens a request scope for work that runs in several parts: call `run(work)` as often as needed, then `end()`, or declare it with `using`. */
  openRequestScope(options?: Pick<RequestScopeOptions, 'limit'>): OpenRequestScope {
    const own = checkOptions(options, ['limit'], 'openRequestScope')
    return this.#parts.requests.open(own?.limit)
  }

  /** Explains what a read of the key would do now: which tiers have it, its age and tags, what is left of each window, and why. Changes nothing. */
  async explain(key: string, options?: ReadOptions): Promise<Explanation> {
    const own = checkOptions(options, READ_OPTIONS, 'explain')
    return explain(this.#parts.core, this.#parts.reader, this.#scope, key, own)
  }

  /**
   * Returns what this process has and does at this moment: the entries of L1 with their ages and tags, the loads that run, the changes that
   * wait for L2, and the trust in the bus. Changes nothing and asks nobody. It looks at as many entries as `options.entries` says, so it
   * is for tools and people, not for every request.
   */
  inspect(options?: InspectOptions): CacheInspection {
    return inspect(this.#parts.core, this.path, options)
  }

  /** Reports an error that a decorator went on without, once per code and `about`. The decorators are a subpath of their own. */
  [REPORT](about: string, error: CacheError): void {
    this.#parts.core.recorder.notices.once(`${this.path} ${about}`, error)
  }

  /**
   * Returns a copy of the counters since the start, the present sizes, and latencies. Every read counts once in `reads`, by its outcome,
   * and once in `byPath`. What is counted by path is that of this cache or namespace, with the namespaces below it; everything else is
   * that of the whole cache.
   */
  stats(): CacheStats {
    return snapshot(this.#parts.core, this.path)
  }

  /**
   * Returns whether the cache serves calls, and whether something is wrong behind it. It is for the health checks of a service, which must
   * not fail because Redis is away: only `status` and `detail` say so. Asks nobody, and costs nothing.
   */
  health(): CacheHealth {
    return healthOf(this.#parts.core, this.#parts.shutdown.isClosed)
  }

  /**
   * Calls `listener` at each `event`, synchronously and in the order of registration. Returns a function that removes it. A listener that
   * throws or rejects disturbs nothing; the event `listenerFailed` reports it.
   */
  on<Name extends CacheEventName>(event: Name, listener: Listener<Name>): () => void {
    return this.#parts.core.events.on(event, listener)
  }

  /**
   * Resolves once L2 is in use, and at once if there is no L2. Calling it is optional: earlier calls are served by L1 and the loader.
   * Rejects after `timeout` (default: the `connectTimeout` of L2) with the code of what is wrong, such as `L2_UNAVAILABLE` or
   * `L2_MISCONFIGURED`, and that error as its `cause`; the cache goes on trying to connect. Rejects with `CLOSED` once the cache is closed.
   */
  ready(options: ReadyOptions = {}): Promise<void> {
    return whenReady(this.#parts.core, options)
  }

  /** Resolves when no background work is left: fills, refreshes, and one attempt to save each queued change (`write: 'behind'`). */
  drain(): Promise<void> {
    const { background, callers } = this.#parts.core
    return callers.await(background.drain())
  }

  /**
   * Closes the whole cache with all its namespaces: waits for background work for at most `closeTimeout`, then closes the connections
   * that the SDK opened, and no others. Never hangs and never rejects; later calls return the same promise. The event `closed` says
   * how many changes never reached L2.
   */
  close(): Promise<void> {
    return this.#parts.shutdown.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
