// `cache.source(name, definition)`: a typed source behind the cache, for reads in batches and for write-through.

import { randomUUID } from 'node:crypto'
import pLimit from 'p-limit'
import type { Core } from '../../flow/core.js'
import { ignoreRejection } from '../../flow/entries/tags.js'
import type { CallScope } from '../../flow/flights/call-scope.js'
import { allInOrder } from '../../flow/read/load-many.js'
import type { Reader } from '../../flow/read/read.js'
import type { KeyOwner } from '../../flow/read/recent-keys.js'
import type { WriteResult } from '../../flow/sync/outbox.js'
import type { Writer } from '../../flow/write/write.js'
import { CacheError, show } from '../../model/errors.js'
import { HIT } from '../../model/events/read-outcome.js'
import { keyFailed } from '../../model/failed-option.js'
import { encodeId } from '../../model/keys/arguments.js'
import { checkOptions, refuseMore, refuseNew } from '../../model/option-rules.js'
import { type HoldOptions, holdMsOf } from '../../model/options/hold.js'
import type { CallOptions, LoadContext, Loader } from '../../model/options/options.js'
import { type Explanation, explain } from '../explain/explain.js'
import type { NameRegistry } from '../registry/name-registry.js'
import type { Reads } from '../request-scope/request-memory.js'
import type { RequestScopes } from '../request-scope/request-scope.js'
import { warmEntry } from '../warm/warm.js'
import { type WarmOptions, type WarmReport, warmAll } from '../warm/warm-run.js'
import { SourceChanges } from './changes.js'
import { checkDefinition, type Present, resolveSource, type SourceDefinition } from './definition.js'
import { SourceLoading } from './loading.js'

/** Options of reading from a source. */
export interface SourceReadOptions {
  /** Ends the wait of this caller. A load that others wait for goes on. */
  readonly signal?: AbortSignal | undefined
}

/** One id or an array of ids. An id that is itself an array has to be passed inside an array. */
export type OneOrMany<Id> = Exclude<Id, readonly unknown[]> | readonly Id[]

/** The result of reading one of many ids. */
export type SourceResult<Id, V> =
  | { readonly id: Id; readonly status: 'found'; readonly value: Present<V> }
  /** The source has no such value; `value` is what the loader returned, `undefined` or `null`. */
  | { readonly id: Id; readonly status: 'absent'; readonly value: Exclude<V, Present<V>> }
  | { readonly id: Id; readonly status: 'failed'; readonly error: unknown }

/** The parts of a cache that a source needs. */
export interface SourceParts {
  readonly core: Core
  readonly reader: Reader
  readonly writer: Writer
  readonly requests: RequestScopes
  readonly names: NameRegistry
}

const READ_OPTIONS = ['signal']

/** How many ids `saveMany` saves at once. */
const SAVES_AT_ONCE = 16

/**
 * A source of values by id, such as a table, behind the cache. Its entries live in a namespace of its name.
 *
 * No method rejects because L2 is down. A read rejects with what the loader threw, unless `staleIfError` allows a stale value; `save` and
 * `remove` reject with what the functions of the definition threw. All other errors are a `CacheError`.
 */
export class Source<Id, V> {
  readonly #parts: SourceParts
  readonly #definition: SourceDefinition<Id, V>
  readonly #scope: CallScope
  readonly #loading: SourceLoading<Id, V>
  readonly #changes: SourceChanges<Id, V>
  readonly #ids: KeyOwner

  /** @internal Made by `cache.source()`. */
  constructor(parts: SourceParts, parent: CallScope, name: string, definition: SourceDefinition<Id, V>) {
    if (parts?.core === undefined) refuseNew('Source', 'cache.source(name, definition)')
    this.#parts = parts
    const own = checkDefinition(definition)
    this.#definition = own
    const resolved = resolveSource(parent, name, own)
    this.#scope = resolved.scope
    this.#ids = { space: resolved.scope.space }
    parts.names.claim(resolved.scope.space.scope, {
      kind: 'source',
      name,
      owner: definition,
      text: [own.load, own.loadMany, own.key].map(String).join(),
      made: this,
    })
    this.#loading = new SourceLoading(parts, own, resolved)
    this.#changes = new SourceChanges(parts, own, resolved)
  }

  /** The path of this source, such as `shop/users@3`. Its keys in L2 begin with it. */
  get path(): string {
    return this.#scope.space.scope
  }

  /** Returns the key of an id within the source. Throws `INVALID_KEY` for an id that cannot be made a key. */
  keyOf(id: Id): string {
    const { key } = this.#definition
    if (key === undefined) return encodeId(id)
    const own: unknown = key(id)
    if (typeof own === 'string') return own
    ignoreRejection(own)
    throw new CacheError('INVALID_KEY', `the option key of ${this.path} must return a string; got ${show(own)}`)
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Returns the value of `id`, and loads it if no tier has one that may be served. For an id that does not exist it returns what the
   * loader returns. Gets of one tick share one `loadMany`, and gets of one id share one load.
   */
  get(id: Id, options?: SourceReadOptions): Promise<V> {
    // Not async: a hit returns the promise that the entry keeps, and makes no other.
    try {
      const own = options === undefined ? undefined : checkOptions(options, READ_OPTIONS, 'get of a source')
      const hit = own === undefined ? this.#hitOf(id) : undefined
      if (hit !== undefined) return hit
      const key = this.#keyOfRead(id)
      return key === undefined ? this.#readUncached('getOrSet', id, own) : this.#get(id, key, own?.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Returns the values in the order of `ids`, which may repeat. If reads fail, it waits for all and rejects with the error of the first in order. */
  async getMany(ids: readonly Id[], options?: SourceReadOptions): Promise<V[]> {
    return allInOrder(this.#getAll(ids, options))
  }

  /** Returns the result of reading each id, in the order of `ids`. Ids that fail do not affect the others. */
  async lookupMany(ids: readonly Id[], options?: SourceReadOptions): Promise<SourceResult<Id, V>[]> {
    const settled = await Promise.allSettled(this.#getAll(ids, options))
    return settled.map((result, i): SourceResult<Id, V> => {
      const id = ids[i] as Id
      if (result.status === 'rejected') return { id, status: 'failed', error: result.reason }
      const { value } = result
      if (value === undefined || value === null) {
        return { id, status: 'absent', value: value as Exclude<V, Present<V>> }
      }
      return { id, status: 'found', value }
    })
  }

  /**
   * Loads the value even if one is cached, and returns it. Rejects with the loader's error. With `write: 'behind'`, a change of the id that
   * is queued in this process is newer: then its value is returned and nothing is loaded.
   */
  async refresh(id: Id, given?: SourceReadOptions): Promise<V> {
    const options = checkOptions(given, READ_OPTIONS, 'refresh of a source')
    const key = this.#keyOfRead(id)
    if (key === undefined) return this.#readUncached('refresh', id, options)
    options?.signal?.throwIfAborted()
    const queued = this.#changes.queued(key)
    if (queued !== undefined) return queued.value as V
    const callOptions = this.#optionsOf(id, options?.signal) as CallOptions | undefined
    const refresh = (load: Loader<V>) => this.#reads.refresh(this.#scope, key, load, callOptions)
    return this.#loading.run(id, key, refresh) as Promise<V>
  }

  /** Returns the value that this process has in memory, synchronously; `undefined` if there is none. Changes nothing. */
  peek(id: Id): V | undefined {
    const key = this.keyOf(id)
    const queued = this.#changes.queued(key)
    return queued === undefined ? (this.#reads.peek(this.#scope, key) as V | undefined) : queued.value
  }

  /** Loads the ids that are not cached, at most `concurrency` at a time (default: one batch, or 16 without `loadMany`); see `Cache.warm`. */
  async warm(ids: Iterable<Id> | AsyncIterable<Id>, options: WarmOptions<Id> = {}): Promise<WarmReport<Id>> {
    const concurrency = options.concurrency ?? this.#loading.batchSize
    return warmAll(ids, (id) => this.#warm(id), { ...options, concurrency })
  }

  /** Explains what a read of `id` would do now; see `Cache.explain`. */
  async explain(id: Id): Promise<Explanation> {
    return explain(this.#parts.core, this.#parts.reader, this.#scope, this.keyOf(id), undefined)
  }

  // ── Changing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Saves the value in the source and then in every tier; the other processes drop the old one (`write: 'through'`). Rejects with what
   * `save` threw; then the cache contains nothing newer than the source. 'queued': saved, and L2 gets the value when it can be reached;
   * with `write: 'behind'`: not saved yet, but queued.
   */
  save(id: Id, value: Present<V>): Promise<WriteResult>
  async save(id: Id, value: Present<V>, ...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'save() of a source', 'an id and a value; its options are those of the definition')
    this.#assertHas('save', 'save')
    return this.#changes.save(id, this.keyOf(id), value)
  }

  /**
   * `save` for many ids, 16 at a time. If an id comes twice, its last value counts. If saves fail, it waits for all and rejects with the
   * error of the first in order.
   */
  saveMany(entries: Iterable<readonly [id: Id, value: Present<V>]>): Promise<WriteResult>
  async saveMany(
    entries: Iterable<readonly [id: Id, value: Present<V>]>,
    ...others: readonly unknown[]
  ): Promise<WriteResult> {
    refuseMore(others, 'saveMany() of a source', 'pairs of id and value; its options are those of the definition')
    this.#assertHas('save', 'saveMany')
    const last = new Map<string, readonly [Id, Present<V>]>()
    for (const [id, value] of entries) last.set(this.keyOf(id), [id, value])
    const limit = pLimit(SAVES_AT_ONCE)
    const save = async (key: string, id: Id, value: Present<V>) => this.#changes.save(id, key, value)
    const results = await allInOrder([...last].map(([key, [id, value]]) => limit(save, key, id, value)))
    return results.includes('queued') ? 'queued' : 'applied'
  }

  /** Removes the value from the source, and then from every tier and process. Errors and results are those of `save`. */
  remove(id: Id): Promise<WriteResult>
  async remove(id: Id, ...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'remove() of a source', 'one id, since each is a change of its own')
    this.#assertHas('remove', 'remove')
    return this.#changes.remove(id, this.keyOf(id))
  }

  /**
   * Removes the cached values of one id or of an array of ids: no process serves them again. The source is not changed; use it after
   * others have changed the source. An id that is itself an array has to be passed inside an array. With `hold`, nothing that is loaded of
   * them within that time is kept, in any process.
   */
  async invalidate(ids: OneOrMany<Id>, options?: HoldOptions): Promise<WriteResult> {
    const own = checkOptions(options, ['hold'], 'invalidate of a source', '. Pass several ids as one array')
    return this.#parts.writer.delete(this.#scope, this.#keysOf(ids), undefined, holdMsOf(own?.hold))
  }

  /** Ends the freshness of the cached values. They are served only if loading fails, for as long as `staleIfError` allows. */
  expire(ids: OneOrMany<Id>): Promise<WriteResult>
  async expire(ids: OneOrMany<Id>, ...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'expire() of a source', 'one id or an array of ids, as in expire([1, 2])')
    return this.#parts.writer.expire(this.#scope, this.#keysOf(ids), undefined)
  }

  /**
   * Renews the idle life (`idleTtl`) of the cached values of one id or of an array of ids. Returns how many of them are cached; see
   * `Cache.touch`.
   */
  touch(ids: OneOrMany<Id>): Promise<number>
  async touch(ids: OneOrMany<Id>, ...others: readonly unknown[]): Promise<number> {
    refuseMore(others, 'touch() of a source', 'one id or an array of ids, as in touch([1, 2])')
    return this.#parts.reader.touch(this.#scope, this.#keysOf(ids), undefined)
  }

  /** Removes all cached values of the source: none is ever served again. Costs one command, however many there are. */
  clear(): Promise<WriteResult>
  async clear(...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'clear() of a source', 'no argument and removes everything; use invalidate() for single values')
    return this.#parts.writer.clear(this.#scope)
  }

  /** Ends the freshness of all cached values of the source, as `expire` does for single ones. Costs one command, however many there are. */
  expireAll(): Promise<WriteResult>
  async expireAll(...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(others, 'expireAll() of a source', 'no argument and expires everything; use expire() for single values')
    return this.#parts.writer.expireAll(this.#scope)
  }

  // ── Helpers ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #keysOf(ids: OneOrMany<Id>): readonly string[] {
    const list = (Array.isArray(ids) ? ids : [ids]) as readonly Id[]
    return list.map((id) => this.keyOf(id))
  }

  get #reads(): Reads {
    return this.#parts.requests.reads
  }

  /** The key for a read of `id`; `undefined` if the option `key` fails. Without that option a wrong id is refused. */
  #keyOfRead(id: Id): string | undefined {
    if (this.#definition.key === undefined) return encodeId(id)
    try {
      return this.keyOf(id)
    } catch (error) {
      this.#parts.core.recorder.notices.once(this.path, keyFailed(this.path, 'key', error))
      return undefined
    }
  }

  /** A read of an id without a key: a load with its usual limits and events, which is not shared and whose value is not kept. */
  #readUncached(verb: 'getOrSet' | 'refresh', id: Id, options: SourceReadOptions | undefined): Promise<V> {
    const key = `unkeyed:${randomUUID()}`
    return this.#loading.run(id, key, (load) => {
      const loadUncached = (context: LoadContext) => {
        context.skip()
        return load(context)
      }
      const callOptions: CallOptions = { tiers: 'l1', signal: options?.signal }
      return this.#reads[verb](this.#scope, key, loadUncached as Loader<unknown>, callOptions) as Promise<V>
    })
  }

  /** A hit in memory of an id that is encoded as usual, while no change of the source is queued. */
  #hitOf(id: Id): Promise<V> | undefined {
    const { requests, reader } = this.#parts
    if (this.#definition.key !== undefined || requests.openScopes !== 0 || this.#changes.areQueued) return undefined
    return reader.hitOf(this.#ids, this.#scope, id, encodeId) as Promise<V> | undefined
  }

  #get(id: Id, key: string, signal: AbortSignal | undefined): Promise<V> {
    const { requests, reader, core } = this.#parts
    // A caller whose signal has aborted gets no value from memory either: the path below rejects with the reason.
    const isWaiting = signal?.aborted !== true
    const queued = isWaiting ? this.#changes.queued(key) : undefined
    if (queued !== undefined) {
      core.recorder.read(this.#scope, key, HIT.l1)
      return Promise.resolve(queued.value as V)
    }
    const hit = isWaiting && requests.openScopes === 0 ? reader.hit(this.#scope, key) : undefined
    if (hit !== undefined) return hit as Promise<V>
    const options = this.#optionsOf(id, signal)
    return this.#loading.run(id, key, (load) => requests.reads.getOrSet(this.#scope, key, load, options))
  }

  #getAll(ids: readonly Id[], given: SourceReadOptions | undefined): Promise<V>[] {
    if (!Array.isArray(ids)) {
      throw new CacheError('INVALID_OPTION', `the source ${this.path} expects an array of ids; got ${show(ids)}`)
    }
    const options = checkOptions(given, READ_OPTIONS, 'getMany of a source')
    const keys = ids.map((id: Id) => this.#keyOfRead(id))
    const values = new Map<string, Promise<V>>()
    return keys.map((key, i) => {
      if (key === undefined) return this.#readUncached('getOrSet', ids[i] as Id, options)
      const value = values.get(key) ?? this.#get(ids[i] as Id, key, options?.signal)
      values.set(key, value)
      return value
    })
  }

  #optionsOf(id: Id, signal: AbortSignal | undefined): CallOptions<V> | undefined {
    const { tags } = this.#definition
    if (typeof tags === 'function') return { tags: (value) => this.#changes.tagsOf(id, value), signal }
    return tags === undefined && signal === undefined ? undefined : { tags, signal }
  }

  async #warm(id: Id): Promise<'hit' | 'load'> {
    const key = this.keyOf(id)
    if (this.#changes.queued(key) !== undefined) return 'hit'
    const options = this.#optionsOf(id, undefined) as CallOptions | undefined
    return this.#loading.run(id, key, (load) => warmEntry(this.#parts.reader, this.#scope, { key, load, options }))
  }

  #assertHas(part: 'save' | 'remove', verb: string): void {
    this.#parts.core.assertOpen()
    if (this.#definition[part] !== undefined) return
    throw new CacheError(
      'NOT_WRITABLE',
      `expected the source ${this.path} to define ${part} for ${verb}(); it does not. Define ${part}, or call invalidate() after ` +
        'changing the source yourself',
    )
  }
}
