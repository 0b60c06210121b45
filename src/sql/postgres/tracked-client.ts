// What a client of pg writes: announced after its commit. The server says after every statement whether a transaction is open.
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { Changes } from '../core/changes.js'
import type { SqlCore } from '../core/core.js'
import type { Database } from '../core/database.js'
import type { Statement, TransactionStep } from '../statements/statement.js'
import type { PgClient, PgResult } from './types.js'

/** How long a commit waits to learn what it has changed, before everything is invalidated. */
const ANALYSIS_LIMIT_MS = 2_000

/** What is known of a statement that was sent. */
interface Analysis {
  readonly tags: readonly string[]
  readonly step: TransactionStep | undefined
}

/** The writes of one client, over its whole life in a pool. */
export class ClientWrites {
  readonly #core: SqlCore
  readonly #database: Database
  readonly #client: PgClient
  readonly #changes: Changes
  /** Statements are taken into account in the order of their results. */
  #last: Promise<void> = Promise.resolve()

  constructor(core: SqlCore, database: Database, client: PgClient) {
    this.#core = core
    this.#database = database
    this.#client = client
    this.#changes = core.changes()
    // The connection ended with a transaction open: the server may have committed it.
    client.once('end', () => void this.#end())
  }

  /** Begins to find out what a statement writes. Never rejects. */
  analyse(text: string, tables?: readonly string[]): Promise<Analysis> {
    return this.#analyse(text, tables)
  }

  async #analyse(text: string, tables: readonly string[] | undefined): Promise<Analysis> {
    const { writes } = this.#core
    const written = { database: this.#database, text, tables }
    const statement: Statement = await writes.statementOf(written)
    const tags = await writes.tagsOf({ ...written, statement })
    return { tags, step: statement.transaction }
  }

  /** Takes the end of a statement into account. Resolves once what it committed is announced. Never rejects. */
  settle(
    analysis: Promise<Analysis>,
    result: PgResult | readonly PgResult[] | undefined,
    error?: unknown,
  ): Promise<void> {
    // Read now: it is that of this statement only until the next one ends. If the connection broke, nobody knows how the transaction ended.
    const status = isOfServer(error) ? this.#client.getTransactionStatus?.() : null
    const results = (Array.isArray(result) ? result : [result]) as readonly (PgResult | undefined)[]
    const commands = results.map((each) => each?.command)
    this.#last = this.#last.then(() => this.#take(analysis, commands, status))
    return status === 'T' || status === 'E' ? Promise.resolve() : this.#last
  }

  /** Adds what a stream writes, whose end nobody reports: it counts from now on. */
  begin(analysis: Promise<Analysis>): void {
    this.#last = this.#last.then(() => this.#changes.add(analysis.then(({ tags }) => tags)))
  }

  async #take(
    analysis: Promise<Analysis>,
    commands: readonly (string | undefined)[],
    status: string | null | undefined,
  ): Promise<void> {
    const isOpen = status === 'T' || status === 'E'
    if (isOpen && !commands.includes('COMMIT')) return this.#takeWithin(await this.#inTime(analysis))
    if (!isOpen && status !== undefined && commands.length === 1 && commands[0] === 'ROLLBACK')
      return this.#changes.drop()
    this.#changes.add(this.#inTime(analysis).then(({ tags }) => tags))
    await this.#changes.commit()
  }

  #takeWithin({ tags, step }: Analysis): void {
    if (step === undefined) {
      if (tags.length > 0) this.#changes.add(Promise.resolve(tags))
      return
    }
    if (step.step === 'savepoint') this.#changes.savepoint(step.name)
    else if (step.step === 'release') this.#changes.release(step.name)
    else this.#changes.rollbackTo(step.name)
  }

  /** The catalogue is asked over the same pool, so it may have to wait for this very client. */
  #inTime(analysis: Promise<Analysis>): Promise<Analysis> {
    const everything = { tags: this.#core.writes.everything, step: undefined }
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(everything), ANALYSIS_LIMIT_MS)
      void analysis.then((known) => {
        clearTimeout(late)
        resolve(known)
      })
    })
  }

  async #end(): Promise<void> {
    await this.#last
    if (!this.#changes.isEmpty) await this.#changes.commit()
  }
}

/** Whether the server itself reported an error that ends a statement, not the connection. */
function isOfServer(error: unknown): boolean {
  return error === undefined || (error as { readonly severity?: unknown }).severity === 'ERROR'
}
