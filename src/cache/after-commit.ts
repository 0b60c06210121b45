// `cache.afterCommit()`: collects invalidations until a database transaction has committed, because earlier ones would be too early.

import { checkTagList } from '../flow/entries/tags.js'
import type { CallScope } from '../flow/flights/call-scope.js'
import type { WriteResult } from '../flow/sync/outbox.js'
import type { Writer } from '../flow/write/write.js'
import { CacheError, show } from '../model/errors.js'
import { localKey as localKeyOf } from '../model/keys/key.js'
import { checkMethods, invalid, refuseMore, refuseNew } from '../model/option-rules.js'
import type { HoldOptions } from '../model/options/hold.js'
import type { Milliseconds } from '../model/ports.js'
import { heldBy, type InvalidateHeld } from './wrap/invalidate-held.js'

/** A source, or another object whose cached values are invalidated by id. */
export interface Invalidated<Id> {
  invalidate(ids: readonly Id[], options?: HoldOptions): Promise<WriteResult>
}

/** A wrapped function, or the verbs of a cached method: the cached result of one call is invalidated. */
export interface InvalidatedCalls<A extends readonly unknown[]> {
  invalidate(...args: A): Promise<WriteResult>
  keyOf(...args: A): string
  set(args: A, result: never): Promise<WriteResult>
}

/** A list in pages: all its cached pages are invalidated. */
export interface InvalidatedList {
  page(...args: never): unknown
  invalidate(): Promise<WriteResult>
}

/**
 * Collects invalidations during a database transaction. An invalidation before the commit is too early: a load that follows it still
 * reads the old rows and caches them. An invalidation after the commit wins over every load that began before it.
 *
 * There is no `set`: only the database knows which of two transactions committed last, so a stored value could be the older one. A
 * removal is always safe. If the process dies between the commit and `commit()`, the old entries stay until their ttl ends.
 */
export class AfterCommit {
  readonly #writer: Writer
  readonly #scope: CallScope
  readonly #deleted = new Set<string>()
  readonly #expired = new Set<string>()
  readonly #invalidatedTags = new Set<string>()
  readonly #expiredTags = new Set<string>()
  readonly #invalidated = new Map<Invalidated<unknown>, Set<unknown>>()
  /** Invalidations of wrapped functions (by key) and of lists, so that each is made once. */
  readonly #calls = new Map<object, Map<string, () => Promise<WriteResult>>>()
  readonly #holdMs: Milliseconds
  #mustClear = false
  #mustExpireAll = false
  #end: 'dropped' | Promise<WriteResult> | undefined

  /** @internal Made by `cache.afterCommit()`. */
  constructor(writer: Writer, scope: CallScope, holdMs: Milliseconds) {
    if (scope === undefined) refuseNew('AfterCommit', 'cache.afterCommit()')
    this.#writer = writer
    this.#scope = scope
    this.#holdMs = holdMs
  }

  /** Collects keys to delete: their entries are never served again. */
  delete(keys: string | readonly string[]): this
  delete(keys: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'delete()', "one key or an array, as in delete(['a', 'b'])")
    return this.#collect(this.#deleted, this.#checkKeys(keys))
  }

  /** Collects keys to expire: their entries stop being fresh. */
  expire(keys: string | readonly string[]): this
  expire(keys: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'expire()', "one key or an array, as in expire(['a', 'b'])")
    return this.#collect(this.#expired, this.#checkKeys(keys))
  }

  /** Collects tags to invalidate: every entry that carries one of them is never served again. */
  invalidateTags(tags: string | readonly string[]): this
  invalidateTags(tags: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'invalidateTags()', "one tag or an array, as in invalidateTags(['a', 'b'])")
    return this.#collect(this.#invalidatedTags, checkTagList(tags, 'tags'))
  }

  /** Collects tags to expire: every entry that carries one of them stops being fresh. */
  expireTags(tags: string | readonly string[]): this
  expireTags(tags: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'expireTags()', "one tag or an array, as in expireTags(['a', 'b'])")
    return this.#collect(this.#expiredTags, checkTagList(tags, 'tags'))
  }

  /** Collects the result of one call of a wrapped function, whose arguments follow. */
  invalidate<A extends readonly unknown[]>(wrapped: InvalidatedCalls<A>, ...args: NoInfer<A>): this
  /** Collects all pages of a list. */
  invalidate(list: InvalidatedList): this
  /** Collects the value of one id of a source, or the values of an array of ids. */
  invalidate<Id>(source: Invalidated<Id>, ids: NoInfer<Exclude<Id, readonly unknown[]> | readonly Id[]>): this
  invalidate(source: object, ...what: readonly unknown[]): this {
    this.#assertCollecting()
    const from = checkMethods(
      source,
      'the first argument of invalidate()',
      ['invalidate'],
      'a source, a wrapped function or a list',
    )
    if (isCalls(from)) {
      const held = this.#heldBy(from)
      return this.#collectCall(from, from.keyOf(...what), () => held?.(what) ?? from.invalidate(...what))
    }
    const [ids, ...others] = what
    if (isList(from)) {
      refuseMore(what, 'invalidate() of a list', 'the list only and invalidates every page')
      const held = this.#heldBy(from)
      return this.#collectCall(from, '', () => held?.([]) ?? from.invalidate())
    }
    refuseMore(others, 'invalidate() of a source', 'one id or an array of ids, as in invalidate(users, [1, 2])')
    if (what.length === 0)
      throw invalid('the second argument of invalidate()', 'an id of the source or an array of ids', ids)
    const byIds = from as Invalidated<unknown>
    const known = this.#invalidated.get(byIds) ?? new Set()
    this.#invalidated.set(byIds, known)
    return this.#collect(known, Array.isArray(ids) ? ids : [ids])
  }

  /** Collects everything in the cache or namespace that made this collector. */
  clear(): this
  clear(...others: readonly unknown[]): this {
    refuseMore(others, 'clear()', 'no argument and removes everything')
    this.#assertCollecting()
    this.#mustClear = true
    return this
  }

  /** Collects everything in that cache or namespace, to expire it: its entries stop being fresh. */
  expireAll(): this
  expireAll(...others: readonly unknown[]): this {
    refuseMore(others, 'expireAll()', 'no argument and expires everything')
    this.#assertCollecting()
    this.#mustExpireAll = true
    return this
  }

  /**
   * Makes all collected invalidations at once. Call it when the transaction has committed. Never rejects because of L2: then the result
   * is 'queued', and L2 gets them when it can be reached. Later calls return the same promise.
   */
  commit(): Promise<WriteResult> {
    if (this.#end === 'dropped') this.#assertCollecting()
    this.#end ??= this.#apply()
    return this.#end as Promise<WriteResult>
  }

  /** Discards what was collected. Call it when the transaction was rolled back. After `commit()` it changes nothing. */
  drop(): void {
    this.#end ??= 'dropped'
  }

  async #apply(): Promise<WriteResult> {
    const writer = this.#writer
    const scope = this.#scope
    const holdMs = this.#holdMs
    const options = holdMs > 0 ? { hold: holdMs } : undefined
    const expired = [...this.#expired].filter((key) => !this.#deleted.has(key))
    const expiredTags = [...this.#expiredTags].filter((tag) => !this.#invalidatedTags.has(tag))
    // All begin in one tick, so they are sent to L2 together.
    const work: Promise<WriteResult>[] = []
    if (this.#mustClear) work.push(writer.clear(scope, holdMs))
    else if (this.#mustExpireAll) work.push(writer.expireAll(scope))
    if (this.#deleted.size > 0) work.push(writer.delete(scope, [...this.#deleted], undefined, holdMs))
    if (expired.length > 0) work.push(writer.expire(scope, expired, undefined))
    if (this.#invalidatedTags.size > 0) work.push(writer.invalidateTags(scope, [...this.#invalidatedTags], holdMs))
    if (expiredTags.length > 0) work.push(writer.expireTags(scope, expiredTags))
    for (const [source, ids] of this.#invalidated) if (ids.size > 0) work.push(source.invalidate([...ids], options))
    for (const calls of this.#calls.values()) for (const invalidate of calls.values()) work.push(invalidate())
    const results = await Promise.all(work)
    return results.includes('queued') ? 'queued' : 'applied'
  }

  /** How to invalidate with the hold of this collector; `undefined` if it has none. */
  #heldBy(from: object): ((args: readonly unknown[]) => Promise<WriteResult>) | undefined {
    const holdMs = this.#holdMs
    if (holdMs === 0) return undefined
    const invalidate: InvalidateHeld = heldBy(from)
    return (args) => Reflect.apply(invalidate, from, [holdMs, args])
  }

  #collectCall(from: object, key: string, invalidate: () => Promise<WriteResult>): this {
    const known = this.#calls.get(from) ?? new Map<string, () => Promise<WriteResult>>()
    this.#calls.set(from, known.set(key, invalidate))
    return this
  }

  #collect<T>(collected: Set<T>, added: readonly T[]): this {
    this.#assertCollecting()
    for (const one of added) collected.add(one)
    return this
  }

  /** Refuses a wrong key now, at the call that passes it, and not after the commit. */
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
      `expected a collector that still collects; this one was ${end}. Call cache.afterCommit() for each transaction`,
    )
  }
}

function isCalls(from: object): from is InvalidatedCalls<readonly unknown[]> {
  return 'keyOf' in from && 'set' in from
}

function isList(from: object): from is InvalidatedList {
  return 'page' in from
}
