// How changes reach a source: at once through the cache, or later from a queue.
import { AsyncResource } from 'node:async_hooks'
import type { Core } from '../../flow/core.js'
import type { CallScope } from '../../flow/flights/call-scope.js'
import type { Reader } from '../../flow/read/read.js'
import type { WriteResult } from '../../flow/sync/outbox.js'
import { checkKeepable } from '../../flow/write/draft.js'
import type { Writer } from '../../flow/write/write.js'
import { WriteThrough } from '../../flow/write/write-through.js'
import type { Present, ResolvedSource, SourceDefinition, WriteMode } from './definition.js'
import { type QueuedChange, WriteBehind } from './write-behind.js'

/** The parts of a cache that changes need. */
export interface ChangingParts {
  readonly core: Core
  readonly reader: Reader
  readonly writer: Writer
}

/** Makes the changes of a source: saves and removes, at once or through the queue. */
export class SourceChanges<Id, V> {
  readonly #core: Core
  readonly #reader: Reader
  readonly #definition: SourceDefinition<Id, V>
  readonly #scope: CallScope
  readonly #mode: WriteMode
  readonly #writeThrough: WriteThrough
  readonly #queue: WriteBehind<Id> | undefined

  constructor({ core, reader, writer }: ChangingParts, definition: SourceDefinition<Id, V>, resolved: ResolvedSource) {
    this.#core = core
    this.#reader = reader
    this.#definition = definition
    this.#scope = resolved.scope
    this.#mode = resolved.write
    this.#writeThrough = new WriteThrough(core, reader.entries, writer)
    if (resolved.write !== 'behind') return
    const { callers, random, recorder, background } = core
    // A queued change runs in the async context of the source: it is saved after its caller, together with others, and perhaps twice.
    const context = new AsyncResource('tiercache.behind', { requireManualDestroy: true })
    this.#queue = new WriteBehind<Id>(resolved.behind, {
      ...{ clock: callers, random },
      write: (id, key, change, attempt) => context.runInAsyncScope(() => this.#write(id, key, change, attempt)),
      failed: (...failure) => recorder.saveFailed(resolved.scope.space, ...failure),
    })
    background.holds(this.#queue)
  }

  /** Whether any change waits to be saved (`write: 'behind'`). */
  get areQueued(): boolean {
    return this.#queue !== undefined && this.#queue.size > 0
  }

  /**
   * The value of the newest change of `key` that has not reached the source, which this process already reads. Its `value` is `undefined`
   * after a `remove`.
   */
  queued(key: string): { readonly value: V | undefined } | undefined {
    const change = this.#queue?.newest(key)
    if (change === undefined) return undefined
    if (change.kind === 'remove') return { value: undefined }
    const { l1 } = this.#core
    return { value: (l1 === undefined ? change.value : l1.release(change.value)) as V }
  }

  save(id: Id, key: string, value: Present<V>): Promise<WriteResult> {
    if (this.#queue === undefined) return this.#writeNow(id, key, { kind: 'save', value })
    // A value that cannot be cached is refused now, not when it is saved.
    const keepable = checkKeepable(this.#core, this.#reader.entries, this.#scope, key, value, this.tagsOf(id, value))
    return this.#enqueue(this.#queue, id, key, { kind: 'save', value: keepable })
  }

  remove(id: Id, key: string): Promise<WriteResult> {
    if (this.#queue === undefined) return this.#writeNow(id, key, { kind: 'remove' })
    return this.#enqueue(this.#queue, id, key, { kind: 'remove' })
  }

  /** The tags of a value. A function is not called for an absent value. */
  tagsOf(id: Id, value: V): readonly string[] {
    const { tags = [] } = this.#definition
    if (typeof tags !== 'function') return tags
    return value === undefined || value === null ? [] : tags(value, id)
  }

  async #enqueue(queue: WriteBehind<Id>, id: Id, key: string, change: QueuedChange): Promise<WriteResult> {
    await this.#core.callers.await(queue.add(id, key, change))
    return 'queued'
  }

  #writeNow(id: Id, key: string, change: QueuedChange): Promise<WriteResult> {
    return this.#core.callers.await(this.#write(id, key, change, 1))
  }

  #write(id: Id, key: string, change: QueuedChange, attempt: number): Promise<WriteResult> {
    const { save, remove } = this.#definition
    const context = { key, attempt }
    const at = { scope: this.#scope, userKey: key }
    if (change.kind === 'remove') {
      return this.#writeThrough.write({ ...at, by: 'delete', stored: undefined, change: () => remove?.(id, context) })
    }
    const value = change.value as Present<V>
    const stored = this.#mode === 'invalidate' ? undefined : { value, tags: this.tagsOf(id, value) }
    return this.#writeThrough.write({ ...at, by: 'set', stored, change: () => save?.(id, value, context) })
  }
}
