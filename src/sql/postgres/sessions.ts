// Connections of a pool for the cache's own use, and whether each has the session that the keys name.
import type { Ask } from '../core/database.js'
import { SESSION_QUERY, sessionOf, stateRefusal } from './database.js'
import type { PgPool, PgPoolClient, PgResult } from './types.js'

/** What a client was found to be, and how often it had been lent by then. */
interface Seen {
  readonly lent: number
  readonly row: Record<string, unknown>
}

/** The clients of a pool. */
export class Sessions {
  readonly #pool: PgPool
  readonly #lent = new WeakMap<object, number>()
  readonly #seen = new WeakMap<object, Seen>()
  #where = ''
  #sample: PgResult | undefined

  constructor(pool: PgPool) {
    this.#pool = pool
    pool.on('acquire', (client: PgPoolClient) => {
      this.#lent.set(client, (this.#lent.get(client) ?? 0) + 1)
    })
  }

  /** Runs a query of the cache's own. */
  readonly ask: Ask = async (text, parameters) => {
    return this.use(async (client) => {
      const result = (await client.query(text, parameters)) as PgResult
      this.#sample ??= result
      return result.rows as Record<string, unknown>[]
    })
  }

  /** Tells servers apart. Known once something was asked. */
  readonly where = (): string => this.#where

  /** Any result of this pool, of the classes of its copy of pg. */
  async sample(): Promise<PgResult> {
    if (this.#sample === undefined) await this.ask(SESSION_QUERY, [])
    return this.#sample as PgResult
  }

  /** Lends a client to `work`. As with pg's own pool, a client that failed is not used again. */
  async use<T>(work: (client: PgPoolClient) => Promise<T>): Promise<T> {
    const client = (await this.#pool.connect()) as PgPoolClient
    this.#where = `${client.host ?? ''}:${client.port ?? ''}`
    let failure: Error | undefined
    try {
      return await work(client)
    } catch (error) {
      failure = error instanceof Error ? error : new Error('a query failed')
      throw error
    } finally {
      client.release(failure)
    }
  }

  /** The session of a client that is lent now. It is asked only if others had the client since it was asked. */
  async identityOf(client: PgPoolClient): Promise<{ readonly session: string; readonly refusal: string | undefined }> {
    const lent = this.#lent.get(client) ?? 0
    const seen = this.#seen.get(client)
    const row = seen?.lent === lent - 1 ? seen.row : await sessionRow(client)
    this.#seen.set(client, { lent, row })
    return { session: sessionOf(row, this.#where, 0).identity, refusal: stateRefusal(row.state) }
  }
}

async function sessionRow(client: PgPoolClient): Promise<Record<string, unknown>> {
  const { rows } = (await client.query(SESSION_QUERY)) as PgResult
  return rows[0] as Record<string, unknown>
}
