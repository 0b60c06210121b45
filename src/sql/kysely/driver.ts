// A driver of Kysely that asks the cache before it asks for a connection, and announces what was written.
import type { AsyncLocalStorage } from 'node:async_hooks'
import type { Changes } from '../core/changes.js'
import type { SqlCore } from '../core/core.js'
import type { Ask } from '../core/database.js'
import type { QueryOptions } from '../core/options.js'
import type { Plan } from '../core/plans.js'
import type { Loaded, Read, Restored } from '../core/reads.js'
import { PostgresDatabase, SESSION_QUERY, sessionOf, stateRefusal } from '../postgres/database.js'
import { INTERVAL_QUERY, intervalClass, type PlainResult, plainResult, restoredResult, sizeOf } from './results.js'
import { statementOfKysely } from './tree.js'
import type { KyselyConnection, KyselyDriver, KyselyQuery, KyselyResult } from './types.js'

const rawQuery = (sql: string, parameters: readonly unknown[] = []): KyselyQuery =>
  ({
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: 'tiercache' },
    sql,
    parameters,
  }) as KyselyQuery

/** What all connections of a driver share. */
export class CachingDriver implements KyselyDriver {
  readonly core: SqlCore
  readonly database: PostgresDatabase
  readonly #driver: KyselyDriver
  readonly #marked: AsyncLocalStorage<QueryOptions | undefined>
  readonly #restored: Restored<KyselyResult> = new WeakMap()
  #interval: Promise<object | undefined> | undefined
  readonly savepoint?: KyselyDriver['savepoint']
  readonly rollbackToSavepoint?: KyselyDriver['rollbackToSavepoint']
  readonly releaseSavepoint?: KyselyDriver['releaseSavepoint']

  constructor(core: SqlCore, driver: KyselyDriver, where: string, marked: AsyncLocalStorage<QueryOptions | undefined>) {
    this.core = core
    this.#driver = driver
    this.#marked = marked
    this.database = new PostgresDatabase(this.#ask, () => where, core.policy.holdMs)
    if (driver.savepoint === undefined) return
    this.savepoint = async (connection, name, compile) => {
      await driver.savepoint?.(await ownOf(connection).inner(), name, compile)
      ownOf(connection).changes?.savepoint(name)
    }
    this.rollbackToSavepoint = async (connection, name, compile) => {
      await driver.rollbackToSavepoint?.(await ownOf(connection).inner(), name, compile)
      ownOf(connection).changes?.rollbackTo(name)
    }
    this.releaseSavepoint = async (connection, name, compile) => {
      await driver.releaseSavepoint?.(await ownOf(connection).inner(), name, compile)
      ownOf(connection).changes?.release(name)
    }
  }

  readonly #ask: Ask = async (text, parameters) => {
    const connection = await this.#driver.acquireConnection()
    try {
      return (await connection.executeQuery(rawQuery(text, parameters))).rows
    } finally {
      await this.#driver.releaseConnection(connection)
    }
  }

  init(): Promise<void> {
    return this.#driver.init()
  }

  async acquireConnection(): Promise<KyselyConnection> {
    return new CachingConnection(this, () => this.#driver.acquireConnection())
  }

  async beginTransaction(connection: KyselyConnection, settings: never): Promise<void> {
    const own = ownOf(connection)
    await this.#driver.beginTransaction(await own.inner(), settings)
    own.changes = this.core.changes()
  }

  async commitTransaction(connection: KyselyConnection): Promise<void> {
    const own = ownOf(connection)
    try {
      await this.#driver.commitTransaction(await own.inner())
    } finally {
      // Also if it rejects: then nobody knows whether it was committed.
      await own.end()?.commit()
    }
  }

  async rollbackTransaction(connection: KyselyConnection): Promise<void> {
    const own = ownOf(connection)
    const changes = own.end()
    try {
      await this.#driver.rollbackTransaction(await own.inner())
      changes?.drop()
    } catch (error) {
      await changes?.commit()
      throw error
    }
  }

  async releaseConnection(connection: KyselyConnection): Promise<void> {
    const acquired = ownOf(connection).acquired
    if (acquired !== undefined) await this.#driver.releaseConnection(await acquired)
  }

  destroy(): Promise<void> {
    return this.#driver.destroy()
  }

  /** The options of a query that is to be cached, within `sql.cached`. */
  get marked(): QueryOptions | undefined {
    return this.#marked.getStore()
  }

  /** The read of a query. */
  read(connection: CachingConnection, query: KyselyQuery, options: QueryOptions): Read<KyselyResult, PlainResult> {
    return {
      database: this.database,
      text: query.sql,
      parameters: query.parameters,
      statement: statementOfKysely(query.query),
      variant: 'kysely',
      options,
      load: (plan) => this.#load(connection, query, plan),
      restore: async (plain) =>
        restoredResult(plain, plain.intervals.length > 0 ? await this.#intervalClass() : undefined),
      restored: this.#restored,
      direct: async () => (await connection.inner()).executeQuery(query),
    }
  }

  async #load(connection: CachingConnection, query: KyselyQuery, { session }: Plan): Promise<Loaded<PlainResult>> {
    const prototype = await this.#intervalClass()
    const inner = await connection.inner()
    let verified: { session?: string; refusal?: string | undefined } = {}
    if (this.core.policy.session === 'verified') {
      const [row] = (await inner.executeQuery(rawQuery(SESSION_QUERY))).rows
      const where = session.identity.slice(0, session.identity.indexOf(' '))
      verified = { session: sessionOf(row, where, 0).identity, refusal: stateRefusal(row.state) }
    }
    const result = (await inner.executeQuery(query)) as KyselyResult
    return { stored: plainResult(result, prototype), rows: result.rows.length, bytes: sizeOf(result.rows), ...verified }
  }

  #intervalClass(): Promise<object | undefined> {
    this.#interval ??= this.#ask(INTERVAL_QUERY, []).then(([row]) => intervalClass(row))
    this.#interval.catch(() => {
      this.#interval = undefined
    })
    return this.#interval
  }
}

/** A connection that is taken from the driver when it is first needed: a hit needs none. */
class CachingConnection implements KyselyConnection {
  readonly #driver: CachingDriver
  readonly #acquire: () => Promise<KyselyConnection>
  acquired: Promise<KyselyConnection> | undefined
  /** What the open transaction has changed. */
  changes: Changes | undefined

  constructor(driver: CachingDriver, acquire: () => Promise<KyselyConnection>) {
    this.#driver = driver
    this.#acquire = acquire
  }

  inner(): Promise<KyselyConnection> {
    this.acquired ??= this.#acquire()
    return this.acquired
  }

  /** Ends the transaction; returns what it changed. */
  end(): Changes | undefined {
    const { changes } = this
    this.changes = undefined
    return changes
  }

  executeQuery(query: KyselyQuery): Promise<KyselyResult> {
    const { marked, core } = this.#driver
    if (marked !== undefined && this.changes === undefined)
      return core.reads.read(this.#driver.read(this, query, marked))
    return this.#execute(query)
  }

  async #execute(query: KyselyQuery): Promise<KyselyResult> {
    const { core, database } = this.#driver
    const written = { text: query.sql, statement: statementOfKysely(query.query) }
    if (this.changes === undefined) {
      // The catalogue is asked first, over a connection that is given back before this one is taken.
      const tags = await core.writes.tagsOf({ database, ...written })
      try {
        return await (await this.inner()).executeQuery(query)
      } finally {
        await core.writes.announce(tags)
      }
    }
    const inner = await this.inner()
    const ask: Ask = async (text, parameters) => (await inner.executeQuery(rawQuery(text, parameters))).rows
    const tags = await core.writes.tagsOf({ database: database.over(ask), ...written })
    this.changes.add(Promise.resolve(tags))
    return inner.executeQuery(query)
  }

  async *streamQuery(query: KyselyQuery, chunkSize?: number): AsyncIterableIterator<KyselyResult> {
    const { core, database } = this.#driver
    const tags = await core.writes.tagsOf({ database, text: query.sql, statement: statementOfKysely(query.query) })
    this.changes?.add(Promise.resolve(tags))
    try {
      yield* (await this.inner()).streamQuery(query, chunkSize)
    } finally {
      if (this.changes === undefined) await core.writes.announce(tags)
    }
  }
}

function ownOf(connection: KyselyConnection): CachingConnection {
  return connection as CachingConnection
}
