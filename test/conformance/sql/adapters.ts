// The adapters of `tiercache/sql` for PostgreSQL, behind one face, so that every case runs through each of them.
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type Cache, createCache } from 'tiercache'
import { type QueryOptions, type SqlCache, type SqlCacheOptions, sqlCache } from 'tiercache/sql'
import { type MemoryServer, memoryTier } from 'tiercache/testing'

/** One process of a service: a cache over an L2 that several share, and a connection to the database. */
export interface Service {
  readonly cache: Cache
  readonly sql: SqlCache
  /** A read through the cache, in the driver's own form. */
  read(text: string, parameters?: readonly unknown[], options?: QueryOptions): Promise<unknown>
  /** The same read by the driver alone. */
  driver(text: string, parameters?: readonly unknown[]): Promise<unknown>
  /** A write through the adapter. */
  write(text: string, parameters?: readonly unknown[]): Promise<unknown>
  /** Runs statements in one transaction through the adapter, and rejects as `fn` does. */
  transaction(fn: (run: (text: string) => Promise<unknown>) => Promise<void>): Promise<void>
  /** How many statements reached the database through `read`. */
  readonly reads: () => number
  close(): Promise<void>
}

export interface Adapter {
  readonly name: string
  open(url: string, server: MemoryServer, options?: SqlCacheOptions): Promise<Service>
}

const overPg: Adapter = {
  name: 'pg',
  async open(url, server, options = {}) {
    const cache = createCache({ name: 'shop', l2: memoryTier(server), ttl: '1m' })
    const sql = sqlCache(cache, { tables: 'parse', ...options })
    const raw = new pg.Pool({ connectionString: url, max: 4 })
    let reads = 0
    raw.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown
      client.query = ((...args: unknown[]) => {
        if (typeof (args[0] as { rowMode?: unknown }).rowMode === 'string') reads++
        return query(...args)
      }) as never
    })
    const pool = sql.pg(raw)
    return {
      cache,
      sql,
      read: (text, parameters, own) => pool.cached(text, parameters, own),
      driver: (text, parameters) => raw.query(text, parameters as unknown[]),
      write: (text, parameters) => pool.query(text, parameters as unknown[]),
      transaction: (fn) => sql.transaction(pool, (tx) => fn((text) => tx.query(text))),
      reads: () => reads,
      async close() {
        await raw.end()
        await cache.close()
      },
    }
  },
}

const overKysely: Adapter = {
  name: 'kysely',
  async open(url, server, options = {}) {
    const cache = createCache({ name: 'shop', l2: memoryTier(server), ttl: '1m' })
    const sql = sqlCache(cache, { tables: 'parse', ...options })
    const pool = new pg.Pool({ connectionString: url, max: 4 })
    let reads = 0
    const dialect = new PostgresDialect({ pool })
    const db = new Kysely<Record<string, never>>({
      dialect: sql.kysely(dialect),
      log: () => {},
    })
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown
      client.query = ((...args: unknown[]) => {
        if (String(args[0]).startsWith('/*read*/')) reads++
        return query(...args)
      }) as never
    })
    const plain = new Kysely({ dialect })
    const raw = (text: string, parameters: readonly unknown[] = []) => CompiledQuery.raw(text, [...parameters])
    return {
      cache,
      sql,
      read: (text, parameters, own) =>
        sql.cached({ execute: () => db.executeQuery(raw(`/*read*/${text}`, parameters)) }, own),
      driver: (text, parameters) => plain.executeQuery(raw(text, parameters)),
      write: (text, parameters) => db.executeQuery(raw(text, parameters)),
      transaction: (fn) => db.transaction().execute((tx) => fn((text) => tx.executeQuery(raw(text)))),
      reads: () => reads,
      async close() {
        await pool.end()
        await cache.close()
      },
    }
  },
}

/** Every adapter for PostgreSQL. A new one joins this list and passes the same cases. */
export const ADAPTERS: readonly Adapter[] = [overPg, overKysely]
