// Sessions whose items the application's database keeps. The cache has a copy of them, which every change removes.
import type { Cache, LoadContext, WriteResult } from '../index.js'
import { checkMethods } from '../model/option-rules.js'
import { lifeOptionsOf, type SessionOptions, type SessionRules, sessionRulesOf } from './options.js'
import { type ItemsOptions, lastOf } from './sessions.js'
import { bytesOf } from './state.js'
import { trimmed } from './trim.js'

/** The database of durable sessions. */
export interface SessionDatabase<T> {
  /** Returns all items of a session, the oldest first; `undefined` if there is none. */
  load(id: string, ctx: LoadContext): readonly T[] | undefined | Promise<readonly T[] | undefined>
  /**
   * Appends items. It is the one that decides about their order, about an item that comes again (do nothing if its id is there), and about
   * a session that has ended (throw).
   */
  append(id: string, items: readonly T[]): unknown
  /** Ends a session. */
  end(id: string): unknown
}

/** Options of `sessionStore` with a database. */
export interface DurableSessionOptions<T> extends SessionOptions<T> {
  readonly l3: SessionDatabase<T>
}

/**
 * The sessions of one cache, name and database. A change is made in the database first, so nothing that is acknowledged can be lost with
 * Redis. Then the copies of all processes are removed, and no load that began before brings an old one back (G1).
 */
export class DurableSessions<T> {
  readonly #sessions: Cache
  readonly #rules: SessionRules<T>
  readonly #tags: SessionOptions<T>['tags']
  readonly #l3: SessionDatabase<T>

  /** @internal Made by `sessionStore()`. */
  constructor(cache: Cache, { l3, ...options }: DurableSessionOptions<T>) {
    this.#l3 = checkMethods(l3, 'l3', ['load', 'append', 'end'], 'an object with load, append and end')
    this.#rules = sessionRulesOf(options)
    this.#tags = options.tags
    this.#sessions = cache.namespace(options.name, lifeOptionsOf(options))
  }

  /**
   * Appends items in the database, then removes the copies. Rejects with what the database throws. Returns `'queued'` if Redis cannot be
   * reached: the items are in the database, and the other processes see them once it can.
   */
  async append(id: string, items: T | readonly T[]): Promise<WriteResult> {
    const list = Array.isArray(items) ? [...items] : [items as T]
    return this.#afterwards(id, () => this.#l3.append(id, list))
  }

  /**
   * Returns the items of a session, the oldest first; none if there is no such session. They are trimmed as `maxItems` and `maxBytes` say;
   * the database keeps them all. Rejects with what the database throws.
   */
  async items(id: string, options?: ItemsOptions): Promise<readonly T[]> {
    const tags = this.#tags?.(id)
    const load = async (ctx: LoadContext) => this.#trimmed(await this.#l3.load(id, ctx))
    const items = await this.#sessions.getOrSet<readonly T[] | undefined>(id, load, { tags })
    return lastOf(items ?? [], options)
  }

  /** Ends a session in the database, then removes the copies. Rejects with what the database throws. */
  async end(id: string): Promise<WriteResult> {
    return this.#afterwards(id, () => this.#l3.end(id))
  }

  /** A change that failed may have been made all the same: a connection can break after the commit. */
  async #afterwards(id: string, change: () => unknown): Promise<WriteResult> {
    try {
      await change()
    } catch (error) {
      await this.#sessions.delete(id)
      throw error
    }
    return this.#sessions.delete(id)
  }

  #trimmed(items: readonly T[] | undefined): readonly T[] | undefined {
    if (items === undefined) return undefined
    const kept = trimmed({ items, bytes: items.map(bytesOf), keep: 0, hasTrimmed: false }, this.#rules)
    return kept?.map((i) => items[i] as T) ?? items.filter(this.#rules.isPinned)
  }
}
