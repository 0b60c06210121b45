// `cache.afterCommit()`: invalidations that wait for a database transaction, because before its commit they would be too early.

import type { CallScope } from '../flow/core.js'
import { checkTagList } from '../flow/entries/tags.js'
import type { WriteResult } from '../flow/sync/outbox.js'
import type { Writer } from '../flow/write/write.js'
import { CacheError, show } from '../model/errors.js'
import { localKey as localKeyOf } from '../model/keys/key.js'
import { checkMethods, invalid, refuseMore } from '../model/option-rules.js'
import { refuseNew } from '../model/options/refuse-new.js'

/** A source, or whatever else forgets its values by their ids. */
export interface Invalidated<Id> {
  invalidate(ids: readonly Id[]): Promise<WriteResult>
}

/** A wrapped function, or the verbs of a cached method: forgets the result of one call. */
export interface InvalidatedCalls<A extends readonly unknown[]> {
  invalidate(...args: A): Promise<WriteResult>
  keyOf(...args: A): string
  set(args: A, result: never): Promise<WriteResult>
}

/** A list in pages: forgets all of them. */
export interface InvalidatedList {
  page(...args: never): unknown
  invalidate(): Promise<WriteResult>
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
  readonly #scope: CallScope
  readonly #deleted = new Set<string>()
  readonly #expired = new Set<string>()
  readonly #invalidatedTags = new Set<string>()
  readonly #expiredTags = new Set<string>()
  readonly #invalidated = new Map<Invalidated<unknown>, Set<unknown>>()
  /** Of wrapped functions and lists: by what they forget, so that each is made once. */
  readonly #calls = new Map<object, Map<string, () => Promise<WriteResult>>>()
  #mustClear = false
  #end: 'dropped' | Promise<WriteResult> | undefined

  /** @internal Made by `cache.afterCommit()`. */
  constructor(writer: Writer, scope: CallScope) {
    if (scope === undefined) refuseNew('AfterCommit', 'cache.afterCommit()')
    this.#writer = writer
    this.#scope = scope
  }

  /** These entries must never be served again. */
  delete(keys: string | readonly string[]): this
  delete(keys: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'delete()', "one key or an array, as in delete(['a', 'b'])")
    return this.#collect(this.#deleted, this.#checkKeys(keys))
  }

  /** These entries stop being fresh. */
  expire(keys: string | readonly string[]): this
  expire(keys: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'expire()', "one key or an array, as in expire(['a', 'b'])")
    return this.#collect(this.#expired, this.#checkKeys(keys))
  }

  /** Every entry that carries one of these tags must never be served again. */
  invalidateTags(tags: string | readonly string[]): this
  invalidateTags(tags: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'invalidateTags()', "one tag or an array, as in invalidateTags(['a', 'b'])")
    return this.#collect(this.#invalidatedTags, checkTagList(tags, 'tags'))
  }

  /** Every entry that carries one of these tags stops being fresh. */
  expireTags(tags: string | readonly string[]): this
  expireTags(tags: string | readonly string[], ...others: readonly unknown[]): this {
    refuseMore(others, 'expireTags()', "one tag or an array, as in expireTags(['a', 'b'])")
    return this.#collect(this.#expiredTags, checkTagList(tags, 'tags'))
  }

  /** The result of one call of a wrapped function; its arguments follow. */
  invalidate<A extends readonly unknown[]>(wrapped: InvalidatedCalls<A>, ...args: NoInfer<A>): this
  /** A list in pages. */
  invalidate(list: InvalidatedList): this
  /** The values of one id of a source, or of an array of ids. */
  invalidate<Id>(source: Invalidated<Id>, ids: NoInfer<Exclude<Id, readonly unknown[]> | readonly Id[]>): this
  invalidate(source: object, ...what: readonly unknown[]): this {
    this.#assertCollecting()
    const from = checkMethods(
      source,
      'the first argument of invalidate()',
      ['invalidate'],
      'a source, a wrapped function or a list',
    )
    if (isCalls(from)) return this.#collectCall(from, from.keyOf(...what), () => from.invalidate(...what))
    const [ids, ...others] = what
    if (isList(from)) {
      refuseMore(what, 'invalidate() of a list', 'the list and means every page')
      return this.#collectCall(from, '', () => from.invalidate())
    }
    refuseMore(others, 'invalidate() of a source', 'one id or an array of ids, as in invalidate(users, [1, 2])')
    if (what.length === 0)
      throw invalid('the second argument of invalidate()', 'an id of the source or an array of ids', ids)
    const byIds = from as Invalidated<unknown>
    const known = this.#invalidated.get(byIds) ?? new Set()
    this.#invalidated.set(byIds, known)
    return this.#collect(known, Array.isArray(ids) ? ids : [ids])
  }

  /** Everything under the cache or namespace whose collector this is. */
  clear(): this
  clear(...others: readonly unknown[]): this {
    refuseMore(others, 'clear()', 'nothing and means everything')
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
    for (const [source, ids] of this.#invalidated) if (ids.size > 0) work.push(source.invalidate([...ids]))
    for (const calls of this.#calls.values()) for (const invalidate of calls.values()) work.push(invalidate())
    const results = await Promise.all(work)
    return results.includes('queued') ? 'queued' : 'applied'
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

function isCalls(from: object): from is InvalidatedCalls<readonly unknown[]> {
  return 'keyOf' in from && 'set' in from
}

function isList(from: object): from is InvalidatedList {
  return 'page' in from
}
