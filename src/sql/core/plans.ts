// What would happen to a read: its key and tags, or why its result is not kept.
import { isDeepStrictEqual } from 'node:util'
import type { Cache } from '../../index.js'
import { parseStatement } from '../statements/parser.js'
import { nameOf, type Relation, relationOf, type Statement } from '../statements/statement.js'
import { TIME_WORD } from '../statements/volatile.js'
import { judgeWords } from '../statements/words.js'
import type { Database, Facts, Session, Table } from './database.js'
import type { QueryOptions, SqlPolicy } from './options.js'
import { parametersKey, queryKey } from './query-key.js'
import { commonTags, tableTag } from './tags.js'

/** A query that an adapter wants to read through the cache. */
export interface PlannedQuery {
  readonly database: Database
  readonly text: string
  readonly parameters: readonly unknown[]
  /** What the adapter knows of the statement, such as by an AST. Without it, it is parsed, or its tables are named. */
  readonly statement?: Statement | undefined
  /** What else decides the stored form, such as a mode of the driver. */
  readonly variant?: string | undefined
  readonly options: QueryOptions
}

/** A read that can be kept. */
export interface Plan {
  readonly key: string
  readonly tags: readonly string[]
  readonly tables: readonly Table[]
  readonly session: Session
  /** Whether the catalogue still says so. A load asks once it has begun: what DDL changes after that outdates its result. */
  holds(): Promise<boolean>
}

/** A read that cannot be kept. */
export interface Refused {
  /** A sentence that says why, and what would help. */
  readonly refused: string
  readonly tables: readonly Table[]
}

/** Plans reads. */
export class Plans {
  readonly #cache: Cache
  readonly #policy: SqlPolicy

  constructor(cache: Cache, policy: SqlPolicy) {
    this.#cache = cache
    this.#policy = policy
  }

  /** Plans a read. Rejects only if the database cannot be asked. */
  async plan(query: PlannedQuery): Promise<Plan | Refused> {
    const statement = await this.#statementOf(query)
    if (typeof statement === 'string') return refusedFor(statement)
    if (statement.kind !== 'read') return refusedFor('is not a SELECT')
    if (statement.refusal !== undefined) return refusedFor(statement.refusal)
    const { database, options } = query
    const reads = options.tables?.map(relationOf) ?? statement.reads
    if (reads === undefined)
      return refusedFor(
        "reads tables that nobody named. Pass tables, or create the cache with tables: 'parse' and install libpg-query",
      )
    const parameters = parametersKey(query.parameters)
    if (parameters === undefined) return refusedFor('has a parameter that cannot be part of a key')
    const moving = query.parameters.find((value) => typeof value === 'string' && TIME_WORD.test(value))
    if (moving !== undefined) return refusedFor('has a parameter such as today, which is read as a date that moves')
    const session = await database.session()
    if (session.refusal !== undefined) return refusedFor(session.refusal)
    const ask = () => this.#factsOf(query, session, reads, statement.functions ?? [])
    const facts = await ask()
    const refusal = refusalOf(facts, options, this.#tenantOf(options))
    if (refusal !== undefined) return refusedFor(refusal, facts.tables)
    return {
      key: this.#keyOf(query, session, parameters),
      tags: this.#tagsOf(session, facts.tables, options),
      tables: facts.tables,
      session,
      holds: async () => isDeepStrictEqual(await ask(), facts),
    }
  }

  async #statementOf({ statement, text, options }: PlannedQuery): Promise<Statement | string> {
    if (statement !== undefined) return statement
    if (this.#policy.tables === 'parse') return parseStatement(text)
    return judgeWords(text, options.functions ?? [])
  }

  /** Facts are kept under the root tag, which DDL invalidates: so every process plans with the same catalogue. */
  #factsOf(
    { database, text, options }: PlannedQuery,
    session: Session,
    reads: readonly Relation[],
    functions: readonly Relation[],
  ): Promise<Facts> {
    const named = options.tables === undefined ? [] : [JSON.stringify(options.tables)]
    return this.#cache.getOrSet(
      queryKey('facts', [session.identity, text, ...named]),
      () => database.facts(reads, functions),
      { ttl: this.#policy.catalogueTtlMs, tags: commonTags(this.#policy.name, session.database) },
    )
  }

  #tenantOf({ per }: QueryOptions): string | undefined {
    const tenant = per === undefined ? this.#policy.per?.() : per
    if (tenant === undefined) return undefined
    return tenant === null ? 'everybody' : `${typeof tenant}:${tenant}`
  }

  #keyOf({ text, variant, options }: PlannedQuery, session: Session, parameters: string): string {
    return queryKey('q', [session.identity, this.#tenantOf(options) ?? '', variant ?? '', text, parameters])
  }

  #tagsOf({ database }: Session, tables: readonly Table[], { tags = [] }: QueryOptions): string[] {
    const { name } = this.#policy
    return [...commonTags(name, database), ...tables.map((table) => tableTag(name, database, table)), ...tags]
  }
}

function refusedFor(why: string, tables: readonly Table[] = []): Refused {
  return { refused: `the result of this statement is not kept: it ${why}`, tables }
}

/** An entry has at most 1,000 tags, and some are left for the caller and for rows. */
const MOST_TABLES = 400

/** Why facts forbid to keep a result, as the end of "it …". */
function refusalOf(
  { tables, functions, missing }: Facts,
  options: QueryOptions,
  tenant: string | undefined,
): string | undefined {
  const [absent] = missing
  if (absent !== undefined) return `names ${absent}, which the catalogue does not have`
  for (const { name, refusal } of functions) {
    if (refusal !== undefined && options.functions?.includes(name) !== true) return refusal
  }
  if (tables.length > MOST_TABLES) return `depends on ${tables.length} tables, more than an entry can have tags`
  for (const table of tables) {
    if (table.isTemporary) return `reads ${nameOf(table)}, a temporary table of one session`
    if (table.isOutside && options.tables === undefined)
      return `reads ${nameOf(table)}, which changes without a statement that could be noticed. Name it in tables, with a short ttl`
    if (table.hasRowSecurity && tenant === undefined)
      return `reads ${nameOf(table)}, which has row-level security. Say with per whose rows they are`
  }
  return undefined
}
