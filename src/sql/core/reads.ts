// Reads through the cache: one load for all callers, kept within the limits.
import type { Cache, LoadContext } from '../../index.js'
import { CacheError } from '../../model/errors.js'
import type { Notices } from './notices.js'
import type { SqlPolicy } from './options.js'
import type { Plan, PlannedQuery, Plans, Refused } from './plans.js'
import { type RowKeys, rowTagsOf } from './row-tags.js'
import type { Transactions } from './transactions.js'

/** What a load brought. */
export interface Loaded<Stored> {
  /** Plain data of which `restore` makes the result. */
  readonly stored: Stored
  readonly rows: number
  readonly bytes: number
  /** The identity of the session in which it ran. `undefined`: it was not asked. */
  readonly session?: string | undefined
  /** Why it is not kept, as the end of "it …", such as a temporary table of the session. */
  readonly refusal?: string | undefined
  /** The keys of its rows by table, for tags. */
  readonly keys?: RowKeys | undefined
}

/** Results by the stored objects that they were made of. */
export type Restored<Result> = WeakMap<object, Promise<Result>>

/** A read of an adapter. */
export interface Read<Result, Stored extends object> extends PlannedQuery {
  /** Runs the query for the cache. */
  load(plan: Plan): Promise<Loaded<Stored>>
  /** Makes the driver's result of what was stored. */
  restore(stored: Stored): Result | Promise<Result>
  /** Runs the query without the cache. */
  direct(): Promise<Result>
  /**
   * What `restore` made of stored objects, for as long as memory has them: callers share it. One for all reads of an adapter with the same
   * parsers. Without it, each caller gets a result of its own.
   */
  readonly restored?: Restored<Result> | undefined
}

/** Reads of all adapters of a SQL cache. */
export class Reads {
  readonly #cache: Cache
  readonly #policy: SqlPolicy
  readonly #plans: Plans
  readonly #transactions: Transactions
  readonly #notices: Notices

  constructor(cache: Cache, policy: SqlPolicy, plans: Plans, transactions: Transactions, notices: Notices) {
    this.#cache = cache
    this.#policy = policy
    this.#plans = plans
    this.#transactions = transactions
    this.#notices = notices
  }

  /** Why nothing is kept now, whatever the statement; `undefined` if it may be. */
  get bypass(): string | undefined {
    return this.#transactions.bypass
  }

  /**
   * Returns the result of a query, from the cache if it may be kept. Rejects with what the driver rejects with, and with `SQL_REFUSED` if it
   * cannot be kept and `refuse` is 'error'.
   */
  async read<Result, Stored extends object>(read: Read<Result, Stored>): Promise<Result> {
    if (this.bypass !== undefined) return read.direct()
    let plan: Plan | Refused
    try {
      plan = await this.#plans.plan(read)
    } catch {
      // The database could not be asked: the query itself says why.
      return read.direct()
    }
    if ('refused' in plan) return this.#refuse(read, plan.refused)
    const { key, tags } = plan
    const { options } = read
    const windows = this.#windowsOf(options)
    const stored = await this.#cache.getOrSet(key, (context) => this.#load(read, plan, context), { ...windows, tags })
    return this.#restore(read, stored)
  }

  #windowsOf(options: PlannedQuery['options']): { ttl?: Read<never, never>['options']['ttl'] } {
    const ttl = options.ttl ?? this.#policy.ttl
    const staleWhileRevalidate = options.staleWhileRevalidate ?? this.#policy.staleWhileRevalidate
    return {
      ...(ttl === undefined ? {} : { ttl }),
      ...(staleWhileRevalidate === undefined ? {} : { staleWhileRevalidate }),
    }
  }

  async #load<Stored extends object>(read: Read<unknown, Stored>, plan: Plan, context: LoadContext): Promise<Stored> {
    const holds = await plan.holds()
    const loaded = await read.load(plan)
    const refusal = holds ? (this.bypass ?? this.#limitOf(loaded, plan)) : 'began before a change of the catalogue'
    if (refusal !== undefined) {
      context.skip()
      this.#notices.notKept(read.text, refusal)
      return loaded.stored
    }
    if (this.#policy.rowTags && loaded.keys !== undefined)
      context.tags(rowTagsOf(this.#policy.name, plan.session.database, plan.tables, loaded.keys))
    return loaded.stored
  }

  #limitOf(loaded: Loaded<unknown>, { session }: Plan): string | undefined {
    const { maxRows, maxBytes } = this.#policy
    if (loaded.refusal !== undefined) return loaded.refusal
    if (loaded.session !== undefined && loaded.session !== session.identity)
      return 'ran in a session with other roles or settings than the first one of its pool. Use a pool for each, or reset them before release'
    if (loaded.rows > maxRows) return `has ${loaded.rows} rows, and maxRows is ${maxRows}`
    if (loaded.bytes > maxBytes) return `has ${loaded.bytes} bytes, and maxBytes is ${maxBytes}`
    return undefined
  }

  #refuse<Result, Stored extends object>(read: Read<Result, Stored>, refused: string): Promise<Result> {
    if (this.#policy.refuse === 'error')
      return Promise.reject(
        new CacheError('SQL_REFUSED', `${refused}. Run it without the cache, or set refuse: 'pass'`),
      )
    this.#notices.refused(read.text, refused)
    return read.direct()
  }

  async #restore<Result, Stored extends object>(read: Read<Result, Stored>, stored: Stored): Promise<Result> {
    const { restored } = read
    if (restored === undefined || this.#policy.results === 'own') return read.restore(stored)
    const known = restored.get(stored)
    if (known !== undefined) return known
    const result = Promise.resolve(read.restore(stored))
    restored.set(stored, result)
    // A parser of the application that throws does so for each caller, as the driver's would.
    result.catch(() => restored.delete(stored))
    return result
  }
}
