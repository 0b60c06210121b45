// PostgreSQL as a `Database`: its session in one query, its catalogue in two.
import type { Ask, Database, Facts, Session } from '../core/database.js'
import type { Relation } from '../statements/statement.js'
import { readFacts, writeFacts } from './catalogue.js'

/**
 * Whatever of a session decides answers: who asks, where names lead, and how values are written. One text, so that type parsers of the
 * application do not matter. A session with temporary tables may have one of any name.
 */
export const SESSION_QUERY = `
select json_build_array(
  current_database(),
  (select oid::text from pg_database where datname = current_database()),
  current_user, session_user, current_setting('role'),
  current_setting('search_path'), current_setting('row_security'),
  current_setting('TimeZone'), current_setting('DateStyle'), current_setting('IntervalStyle'), current_setting('bytea_output'),
  current_setting('extra_float_digits'), current_setting('client_encoding'), current_setting('lc_monetary'), current_setting('lc_numeric'),
  current_setting('lc_time'), current_setting('default_text_search_config'), current_setting('xmloption'), current_setting('standard_conforming_strings')
)::text as identity,
case when pg_is_in_recovery() then 'replica'
  when exists (select from pg_class where relnamespace = pg_my_temp_schema() and relkind in ('r', 'p', 'v')) then 'temporary'
  else 'usual' end as state`

/** A PostgreSQL database behind an adapter. */
export class PostgresDatabase implements Database {
  readonly #ask: Ask
  readonly #where: () => string
  readonly #holdMs: number
  #session: Promise<Session> | undefined

  /** `where` tells servers apart that have databases of the same name, such as by host and port. It is called once the database was asked. */
  constructor(ask: Ask, where: () => string, holdMs: number) {
    this.#ask = ask
    this.#where = where
    this.#holdMs = holdMs
  }

  session(): Promise<Session> {
    return this.#sessionOver(this.#ask)
  }

  facts(relations: readonly Relation[], functions: readonly Relation[]): Promise<Facts> {
    return readFacts(this.#ask, relations, functions)
  }

  reach(relations: readonly Relation[]): Promise<Facts> {
    return writeFacts(this.#ask, relations)
  }

  /** The same database, asked in another way, such as over the connection of a transaction. */
  over(ask: Ask): Database {
    return {
      session: () => this.#sessionOver(ask),
      facts: (relations, functions) => readFacts(ask, relations, functions),
      reach: (relations) => writeFacts(ask, relations),
    }
  }

  async #sessionOver(ask: Ask): Promise<Session> {
    this.#session ??= ask(SESSION_QUERY, []).then(([row]) => sessionOf(row, this.#where(), this.#holdMs))
    try {
      return await this.#session
    } catch (error) {
      this.#session = undefined
      throw error
    }
  }
}

/** The session of a row of `SESSION_QUERY`. */
export function sessionOf(row: Record<string, unknown> | undefined, where: string, holdMs: number): Session {
  const identity = String(row?.identity)
  const [database] = JSON.parse(identity) as [string]
  const isReplica = row?.state === 'replica' && holdMs === 0
  return {
    database,
    identity: `${where} ${identity}`,
    refusal: isReplica ? 'reads a replica, which lags behind commits. Set hold to longer than it lags' : undefined,
  }
}

/** Why a result is not kept that was read in a session of this state, as the end of "it …". */
export function stateRefusal(state: unknown): string | undefined {
  return state === 'temporary' ? 'ran in a session with temporary tables, which may hide others' : undefined
}
