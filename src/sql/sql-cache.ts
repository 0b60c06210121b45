// The SQL cache: what users hold, and where the adapters are connected with it.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Cache, Duration } from '../index.js'
import { checkNames, invalid } from '../model/option-rules.js'
import { toMs } from '../model/options/duration.js'
import { SqlCore } from './core/core.js'
import type { Database } from './core/database.js'
import type { SqlExplanation } from './core/explain.js'
import { checkQueryOptions, type QueryOptions, type SqlCacheOptions } from './core/options.js'
import { CachingDriver } from './kysely/driver.js'
import type { KyselyDialect, KyselyExecutable } from './kysely/types.js'
import { ChangeListener, type ListeningClient } from './postgres/listener.js'
import { type CachedPool, cachedPool, PostgresPool } from './postgres/pool.js'
import type { PgTransaction } from './postgres/transaction.js'
import { installTriggers, removeTriggers } from './postgres/triggers.js'
import type { PgPool, PgQueryConfig } from './postgres/types.js'

/** Options of `listen`. */
export interface ListenOptions {
  /** How often the connection is tried by a message to itself. Default '5s'. */
  readonly ping?: Duration | undefined
  /** How long a reply of the database may take before it counts as not heard. Default '5s'. */
  readonly timeout?: Duration | undefined
}

/** A cache of query results. */
export class SqlCache {
  /** The parts for adapters. */
  readonly core: SqlCore
  readonly #pools = new WeakMap<object, PostgresPool>()
  /** The options of the query that `cached` runs. */
  readonly #marked = new AsyncLocalStorage<QueryOptions | undefined>()
  #lastPool: PostgresPool | undefined

  /** @internal Made by `sqlCache()`. */
  constructor(cache: Cache, options: SqlCacheOptions) {
    this.core = new SqlCore(cache, options)
  }

  /**
   * Returns the pool with `cached`, `write` and `explain`. Its `query`, and the clients of its `connect`, invalidate what they write before they
   * return. The pool itself is not changed; what it writes is not seen. Throws `INVALID_OPTION`.
   */
  pg<P extends PgPool>(pool: P): P & CachedPool {
    const own = new PostgresPool(this.core, pool)
    const wrapped = cachedPool(own, pool)
    this.#pools.set(pool, own).set(wrapped, own)
    this.#lastPool = own
    return wrapped
  }

  /**
   * Runs `fn` in a transaction of a pool of `pg()`: committed when it resolves, rolled back when it rejects. Reads inside pass the cache by; what
   * it writes is invalidated after the commit, and after an end that nobody knows. Rejects with what `fn` rejects with.
   */
  async transaction<T>(pool: object, fn: (transaction: PgTransaction) => Promise<T>): Promise<T> {
    const own = this.#pools.get(pool)
    if (own === undefined) throw invalid('the first argument of transaction()', 'a pool that pg() returned', pool)
    return own.transaction(fn)
  }

  /**
   * Returns a dialect of Kysely for PostgreSQL whose queries are cached within `cached`, and whose writes and transactions invalidate. A hit takes
   * no connection. `where` tells servers apart that have databases of the same name.
   */
  kysely<D extends KyselyDialect>(dialect: D, where = ''): D {
    const createDriver = () => new CachingDriver(this.core, dialect.createDriver(), where, this.#marked)
    return new Proxy(dialect, {
      get(target, name) {
        if (name === 'createDriver') return createDriver
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  /** Runs a query of Kysely through the cache: `sql.cached(db.selectFrom('items').selectAll(), { ttl: '1m' })`. Rejects as the query does. */
  async cached<Result>(query: KyselyExecutable<Result>, options: QueryOptions = {}): Promise<Result> {
    return this.#marked.run(checkQueryOptions(options), () => query.execute())
  }

  /**
   * Listens to the database: what its triggers tell is invalidated, whoever wrote. `open` returns a new client of pg that is not connected. Each
   * process that caches listens. While nothing is heard, nothing is read from the cache or kept; afterwards everything counts as outdated.
   * Resolves once it listens, to what ends it. Rejects if it cannot listen, with `INVALID_OPTION` behind a pooler.
   */
  async listen(open: () => ListeningClient, options: ListenOptions = {}): Promise<{ close(): Promise<void> }> {
    if (typeof open !== 'function')
      throw invalid('the argument of listen()', 'a function that returns a new Client of pg', open)
    const { ping, timeout } = checkNames(options, ['ping', 'timeout'], 'listen')
    const policy = {
      pingMs: toMs(ping ?? '5s', 'ping', 'positive'),
      timeoutMs: toMs(timeout ?? '5s', 'timeout', 'positive'),
    }
    const listener = new ChangeListener(this.core, open, policy)
    await listener.start()
    return listener
  }

  /** Creates and removes the triggers that `listen` hears, on these tables or on all; each returns the names of the tables. */
  readonly triggers = { install: installTriggers, remove: removeTriggers }

  /** Explains what `cached` of the last pool would do with a query. With several pools, use `explain` of the pool. */
  async explain(
    query: string | PgQueryConfig,
    parameters?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<SqlExplanation> {
    return this.#pool('explain()').explain(query, parameters, options)
  }

  /** Invalidates all results that depend on tables, and on whatever changes with them: for writes that no adapter sees. */
  async invalidateTables(tables: readonly string[]): Promise<void> {
    const database: Database = this.#pool('invalidateTables()').database
    await this.core.writes.announce(await this.core.writes.tagsOfNames(database, tables))
  }

  /**
   * Invalidates the results that contain rows of a table, by the values of its primary key, as text; for a key of several columns, by arrays.
   * Other results of the table stay. Needs `rowTags`.
   */
  async invalidateRows(table: string, keys: readonly (string | number | bigint | readonly string[])[]): Promise<void> {
    if (!this.core.policy.rowTags) throw invalid('rowTags', 'true for invalidateRows()', false)
    const database: Database = this.#pool('invalidateRows()').database
    const texts = keys.map((key) => (Array.isArray(key) ? (key as readonly string[]) : [String(key)]))
    await this.core.writes.announce(await this.core.writes.tagsOfRows(database, table, texts))
  }

  /** Invalidates all results of all databases. */
  async clear(): Promise<void> {
    await this.core.writes.announce(this.core.writes.everything)
  }

  #pool(what: string): PostgresPool {
    if (this.#lastPool !== undefined) return this.#lastPool
    throw invalid(what, 'called after pg(pool)', undefined)
  }
}

/** Returns a cache of query results over `cache`. Throws `INVALID_OPTION`. */
export function sqlCache(cache: Cache, options: SqlCacheOptions = {}): SqlCache {
  return new SqlCache(cache, options)
}
