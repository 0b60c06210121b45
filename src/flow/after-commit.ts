// `cache.afterCommit()`: invalidations that wait for a database transaction, because before its commit they would be too early.
import { CacheError, show } from '../model/errors.js'
import { localKey as localKeyOf } from '../model/key.js'
import type { Scope } from './core.js'
import type { WriteResult } from './outbox.js'
import { checkTags } from './tags.js'
import type { Writer } from './write.js'

/** A source, or whatever else forgets its values by their ids. */
export interface Invalidated<Id> {
  invalidate(...ids: readonly Id[]): Promise<WriteResult>
}

/**
 * Collects what a transaction makes outdated. An invalidation made before the commit is too early: a load that comes in between
 * reads the old rows and caches them. One that is made after it wins over every load that began before (G1).
 *
 * There is no `set` here: which of two transactions committed last only the database knows, so a value could be the older one;
 * a removal cannot. If the process dies between the commit and `commit()`, entries stay as long as their ttl says.
 */
export class AfterCommit {
  readonly #writer: Writer
  readonly #scope: Scope
  readonly #deleted = new Set<string>()
  readonly #expired = new Set<string>()
  readonly #invalidatedTags = new Set<string>()
  readonly #expiredTags = new Set<string>()
  readonly #invalidated = new Map<Invalidated<unknown>, Set<unknown>>()
  #mustClear = false
  #end: 'dropped' | Promise<WriteResult> | undefined

  constructor(writer: Writer, scope: Scope) {
    this.#writer = writer
    this.#scope = scope
  }

  /** These entries must never be served again. */
  delete(keys: string | readonly string[]): this {
    return this.#collect(this.#deleted, this.#checkKeys(keys))
  }

  /** These entries stop being fresh. */
  expire(keys: string | readonly string[]): this {
    return this.#collect(this.#expired, this.#checkKeys(keys))
  }

  /** Every entry that carries one of these tags must never be served again. */
  invalidateTags(tags: string | readonly string[]): this {
    return this.#collect(this.#invalidatedTags, checkTags(typeof tags === 'string' ? [tags] : tags, 'tags'))
  }

  /** Every entry that carries one of these tags stops being fresh. */
  expireTags(tags: string | readonly string[]): this {
    return this.#collect(this.#expiredTags, checkTags(typeof tags === 'string' ? [tags] : tags, 'tags'))
  }

  /** The values of these ids of a source, or of anything that has `invalidate(...ids)`. */
  invalidate<Id>(source: Invalidated<Id>, ...ids: readonly Id[]): this {
    const known = this.#invalidated.get(source as Invalidated<unknown>) ?? new Set()
    this.#collect<unknown>(known, ids)
    this.#invalidated.set(source as Invalidated<unknown>, known)
    return this
  }

  /** Everything under the cache or namespace whose collector this is. */
  clear(): this {
    this.#assertCollecting()
    this.#mustClear = true
    return this
  }

  /**
   * The transaction has committed: makes what was collected, all at once. 'queued': L2 will be told (G6). Never rejects because of
   * L2; called again it answers the same.
   */
  commit(): Promise<WriteResult> {
    if (this.#end === 'dropped') this.#assertCollecting()
    this.#end ??= this.#apply()
    return this.#end as Promise<WriteResult>
  }

  /** The transaction was rolled back: nothing became outdated. After `commit()` it changes nothing. */
  drop(): void {
    this.#end ??= 'dropped'
  }

  async #apply(): Promise<WriteResult> {
    const writer = this.#writer
    const scope = this.#scope
    const expired = [...this.#expired].filter((key) => !this.#deleted.has(key))
    const expiredTags = [...this.#expiredTags].filter((tag) => !this.#invalidatedTags.has(tag))
    // All begin in one tick, and so travel together.
    const work: Promise<WriteResult>[] = []
    if (this.#mustClear) work.push(writer.clear(scope))
    if (this.#deleted.size > 0) work.push(writer.delete(scope, [...this.#deleted], undefined))
    if (expired.length > 0) work.push(writer.expire(scope, expired, undefined))
    if (this.#invalidatedTags.size > 0) work.push(writer.invalidateTags(scope, [...this.#invalidatedTags]))
    if (expiredTags.length > 0) work.push(writer.expireTags(scope, expiredTags))
    for (const [source, ids] of this.#invalidated) if (ids.size > 0) work.push(source.invalidate(...ids))
    const results = await Promise.all(work)
    return results.includes('queued') ? 'queued' : 'applied'
  }

  #collect<T>(collected: Set<T>, added: readonly T[]): this {
    this.#assertCollecting()
    for (const one of added) collected.add(one)
    return this
  }

  /** Refused now, where the mistake is, and not after the commit. */
  #checkKeys(keys: string | readonly string[]): readonly string[] {
    const list: unknown = typeof keys === 'string' ? [keys] : keys
    if (!Array.isArray(list)) {
      throw new CacheError('INVALID_KEY', `keys must be a string or an array of strings; got ${show(keys)}`)
    }
    for (const key of list) localKeyOf(this.#scope.space, key as string)
    return list
  }

  #assertCollecting(): void {
    if (this.#end === undefined) return
    const end = this.#end === 'dropped' ? 'dropped' : 'committed'
    throw new CacheError(
      'INVALID_OPTION',
      `expected a collector that still collects; this one was ${end}. Take a new one with cache.afterCommit() for each transaction`,
    )
  }
}
