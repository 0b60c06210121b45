// A pool of pg whose reads can be cached and whose writes are announced.
import { invalid } from '../../model/option-rules.js'
import type { SqlCore } from '../core/core.js'
import type { Ask } from '../core/database.js'
import { explainQuery, type SqlExplanation } from '../core/explain.js'
import { checkQueryOptions, type QueryOptions } from '../core/options.js'
import type { Plan } from '../core/plans.js'
import type { Loaded, Read, Restored } from '../core/reads.js'
import { PostgresDatabase } from './database.js'
import { bytesOf, keysOf, type RawResult, rawQuery, rawResult, restored } from './results.js'
import { Sessions } from './sessions.js'
import { hasRoom, trackedClient, type Watch, watchedQuery } from './tracked.js'
import { type PgTransaction, transactionOn } from './transaction.js'
import type { PgPool, PgPoolClient, PgQueryConfig, PgResult } from './types.js'

/** What `sql.pg(pool)` adds to a pool. */
export interface CachedPool {
  /**
   * Returns the result of a SELECT, from the cache if it may be kept. It is what `query` returns: rows, fields, classes. Rejects as `query`
   * does, and with `SQL_REFUSED` if it cannot be kept and `refuse` is 'error'.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as pg types the rows of a query that says nothing of them.
  cached<R = any>(
    query: string | PgQueryConfig,
    parameters?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<PgResult & { rows: R[] }>
  /** Runs a statement that writes `tables`, whatever its text says, and invalidates their results. */
  write(query: string | PgQueryConfig, parameters: readonly unknown[], tables: readonly string[]): Promise<PgResult>
  /** Explains what `cached` would do with a query: tables, tags, key, and why it is cached or not. Changes nothing. */
  explain(
    query: string | PgQueryConfig,
    parameters?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<SqlExplanation>
}

/** A pool of pg, connected with a SQL cache. */
export class PostgresPool implements CachedPool {
  readonly #core: SqlCore
  readonly #pool: PgPool
  readonly #sessions: Sessions
  readonly #restored: Restored<PgResult> = new WeakMap()
  readonly database: PostgresDatabase

  constructor(core: SqlCore, pool: PgPool) {
    if (typeof pool?.query !== 'function' || typeof pool.connect !== 'function' || typeof pool.totalCount !== 'number')
      throw invalid('the argument of pg()', 'a Pool of pg', pool)
    this.#core = core
    this.#pool = pool
    this.#sessions = new Sessions(pool)
    this.database = new PostgresDatabase(this.#sessions.ask, this.#sessions.where, core.policy.holdMs)
  }

  async cached(
    query: string | PgQueryConfig,
    parameters?: readonly unknown[],
    options: QueryOptions = {},
  ): Promise<never> {
    const read = this.#read(query, parameters, options)
    if (read === undefined) return (await this.#pool.query(query, parameters)) as never
    return (await this.#core.reads.read(read)) as never
  }

  async explain(
    query: string | PgQueryConfig,
    parameters?: readonly unknown[],
    options: QueryOptions = {},
  ): Promise<SqlExplanation> {
    const read = this.#read(query, parameters, options)
    if (read === undefined) throw invalid('the query of explain()', 'a text, or an object with text', query)
    return explainQuery(this.#core, read)
  }

  write(query: string | PgQueryConfig, parameters: readonly unknown[], tables: readonly string[]): Promise<PgResult> {
    return watchedQuery(this.#pool, [query, parameters], this.#watch, tables) as Promise<PgResult>
  }

  /** `pool.query` in all its forms. */
  readonly query = (...args: unknown[]): unknown => watchedQuery(this.#pool, args, this.#watch)

  /** `pool.connect` in both its forms. */
  readonly connect = (callback?: (error: unknown, client?: unknown, release?: unknown) => void): unknown => {
    if (callback === undefined) return this.#pool.connect().then((client: PgPoolClient) => this.#tracked(client))
    return this.#pool.connect((error: unknown, client: PgPoolClient | undefined, release: unknown) =>
      callback(error, client === undefined ? client : this.#tracked(client), release),
    )
  }

  /** Runs `fn` in a transaction, which is committed when it resolves and rolled back when it rejects. */
  async transaction<T>(fn: (transaction: PgTransaction) => Promise<T>): Promise<T> {
    const client = this.#tracked((await this.#pool.connect()) as PgPoolClient)
    return transactionOn(this.#core, client, fn)
  }

  #tracked(client: PgPoolClient): PgPoolClient {
    return trackedClient(this.#core, this.database.over(this.#askBeside(client)), client)
  }

  /** A client that is lent may be the only one: then the catalogue is asked over it. */
  #askBeside(client: PgPoolClient): Ask {
    return async (text, parameters) => {
      if (hasRoom(this.#pool)) return this.#sessions.ask(text, parameters)
      return ((await client.query(text, parameters)) as PgResult).rows as Record<string, unknown>[]
    }
  }

  readonly #watch: Watch<readonly string[]> = {
    analyse: (text, tables) => this.#core.writes.tagsOf({ database: this.database, text, tables }),
    // A statement that failed may have been committed before its connection broke.
    settle: async (tags) => this.#core.writes.announce(await tags),
    begin: () => {},
  }

  /** `undefined` for what is no query with a text, and for results in binary: pg reports those itself. */
  #read(
    query: string | PgQueryConfig,
    parameters: readonly unknown[] | undefined,
    options: QueryOptions,
  ): Read<PgResult, RawResult> | undefined {
    const config: PgQueryConfig = typeof query === 'string' ? { text: query } : query
    if (typeof config?.text !== 'string' || config.binary === true) return undefined
    const whole: PgQueryConfig = { ...config, values: parameters ?? config.values ?? [] }
    return {
      database: this.database,
      text: config.text,
      parameters: whole.values ?? [],
      options: checkQueryOptions(options),
      load: (plan) => this.#load(whole, plan),
      restore: async (raw) => restored(raw, await this.#sessions.sample(), whole),
      direct: () => this.#pool.query(whole) as Promise<PgResult>,
      restored: whole.rowMode === undefined && whole.types === undefined ? this.#restored : undefined,
    }
  }

  #load(config: PgQueryConfig, plan: Plan): Promise<Loaded<RawResult>> {
    return this.#sessions.use(async (client) => {
      const isVerified = this.#core.policy.session === 'verified'
      const session = isVerified ? await this.#sessions.identityOf(client) : undefined
      const stored = rawResult((await client.query(rawQuery(config))) as PgResult)
      const keys = this.#core.policy.rowTags ? keysOf(stored, plan.tables) : undefined
      return { stored, rows: stored.rows.length, bytes: bytesOf(stored), ...session, keys }
    })
  }
}

/** A pool with the methods of `CachedPool`; everything else is the pool's own. */
export function cachedPool<P extends PgPool>(own: PostgresPool, pool: P): P & CachedPool {
  return new Proxy(pool, {
    get(target, name) {
      if (name === 'query' || name === 'connect') return own[name]
      if (name === 'cached' || name === 'write' || name === 'explain') return own[name].bind(own)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as P & CachedPool
}
