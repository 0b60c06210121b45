// A transaction of pg: committed when its function resolves, rolled back when it rejects, with savepoints for those within.

import { CacheError } from '../../model/errors.js'
import type { SqlCore } from '../core/core.js'
import type { PgPoolClient, PgQueryConfig, PgResult } from './types.js'

/** What the function of `sql.transaction` gets. */
export interface PgTransaction {
  /** Runs a statement in the transaction, as a client of pg does. */
  // biome-ignore lint/suspicious/noExplicitAny: as pg types the rows of a query that says nothing of them.
  query<R = any>(query: string | PgQueryConfig, parameters?: readonly unknown[]): Promise<PgResult & { rows: R[] }>
  /** Runs a read in the transaction, past the cache. Options are those of `cached` of a pool, and have no effect. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  cached<R = any>(
    query: string | PgQueryConfig,
    parameters?: readonly unknown[],
    options?: object,
  ): Promise<PgResult & { rows: R[] }>
  /** Runs `fn` in a savepoint, to which its rejection rolls back. */
  transaction<T>(fn: (transaction: PgTransaction) => Promise<T>): Promise<T>
}

/** Runs `fn` in a transaction on a tracked client, and releases the client. */
export async function transactionOn<T>(
  core: SqlCore,
  client: PgPoolClient,
  fn: (transaction: PgTransaction) => Promise<T>,
): Promise<T> {
  let failure: Error | undefined
  try {
    await client.query('BEGIN')
    const value = await core.transactions.run(() => fn(transactionFace(client, 1)))
    const { command } = (await client.query('COMMIT')) as PgResult
    if (command === 'ROLLBACK')
      throw new CacheError(
        'SQL_REFUSED',
        'the transaction was rolled back by the server: a statement in it had failed, and its error was caught. Use a nested transaction for what may fail',
      )
    return value
  } catch (error) {
    failure = await rollBack(client)
    throw error
  } finally {
    client.release(failure)
  }
}

/** Rolls back; returns the error if the connection is of no use any more. */
async function rollBack(client: PgPoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK')
    return undefined
  } catch (error) {
    return error as Error
  }
}

function transactionFace(client: PgPoolClient, depth: number): PgTransaction {
  const query = (text: string | PgQueryConfig, parameters?: readonly unknown[]) =>
    parameters === undefined ? client.query(text) : client.query(text, parameters)
  return {
    query,
    cached: query,
    async transaction(fn) {
      const name = `tiercache_${depth}`
      await client.query(`SAVEPOINT ${name}`)
      try {
        const value = await fn(transactionFace(client, depth + 1))
        await client.query(`RELEASE SAVEPOINT ${name}`)
        return value
      } catch (error) {
        await client.query(`ROLLBACK TO SAVEPOINT ${name}`)
        throw error
      }
    },
  }
}
