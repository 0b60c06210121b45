// Writes: which tags a statement invalidates, and when.
import type { Cache } from '../../index.js'
import { parseStatement } from '../statements/parser.js'
import { type Relation, relationOf, type Statement } from '../statements/statement.js'
import { wordsWrite } from '../statements/words.js'
import type { Database, Facts, Session } from './database.js'
import type { SqlPolicy } from './options.js'
import { queryKey } from './query-key.js'
import { commonTags, manyRowsTag, rootTag, rowTag, tableTag } from './tags.js'

/** A statement that may write. */
export interface WrittenStatement {
  readonly database: Database
  readonly text: string
  readonly statement?: Statement | undefined
  /** The tables that it writes, if the caller names them. */
  readonly tables?: readonly string[] | undefined
}

/** Writes of all adapters of a SQL cache. */
export class Writes {
  readonly #cache: Cache
  readonly #policy: SqlPolicy

  constructor(cache: Cache, policy: SqlPolicy) {
    this.#cache = cache
    this.#policy = policy
  }

  /** What a statement is, by an AST, the parser or its words. */
  async statementOf({ text, statement, tables }: WrittenStatement): Promise<Statement> {
    if (statement !== undefined) return statement
    if (tables !== undefined) return { kind: 'write', reads: undefined, writes: tables.map(relationOf), functions: [] }
    if (this.#policy.tables === 'named') return wordsWrite(text)
    const parsed = await parseStatement(text)
    return typeof parsed === 'string' ? UNKNOWN : parsed
  }

  /** The tag of everything: what is invalidated if nothing is known. */
  get everything(): readonly string[] {
    return [this.#policy.name]
  }

  /** The tags that a statement invalidates: none for a read, that of the whole database if nobody knows what it writes. Never rejects. */
  async tagsOf(written: WrittenStatement): Promise<readonly string[]> {
    let session: Session | undefined
    try {
      const statement = await this.statementOf(written)
      if (statement.kind === 'harmless' || (statement.kind === 'read' && !mayWrite(statement))) return []
      session = await written.database.session()
      if (statement.kind === 'unknown') return [this.#root(session)]
      if (statement.kind === 'read' && !(await this.#callsWriter(written.database, session, statement.functions ?? [])))
        return []
      if (statement.kind === 'read') return [this.#root(session)]
      return await this.#tagsOfTables(written.database, session, statement.writes)
    } catch {
      // The catalogue could not be asked. Too much is invalidated rather than too little.
      return session === undefined ? this.everything : [this.#root(session)]
    }
  }

  async #tagsOfTables(database: Database, session: Session, relations: readonly Relation[]): Promise<string[]> {
    if (relations.length === 0) return []
    const more = relations.flatMap(({ name }) => this.#policy.affects[name] ?? [])
    const all = [...relations, ...more.map(relationOf)]
    const facts = await this.#factsOf('reach', session, all, () => database.reach(all))
    // A name that the catalogue does not have may have been created a moment ago.
    if (facts.missing.length > 0) return [this.#root(session)]
    return facts.tables.map((table) => tableTag(this.#policy.name, session.database, table))
  }

  async #callsWriter(database: Database, session: Session, functions: readonly Relation[]): Promise<boolean> {
    const facts = await this.#factsOf('calls', session, functions, () => database.facts([], functions))
    return facts.missing.length > 0 || facts.functions.some(({ writes }) => writes)
  }

  #factsOf(kind: string, session: Session, names: readonly Relation[], ask: () => Promise<Facts>): Promise<Facts> {
    return this.#cache.getOrSet(queryKey(kind, [session.identity, JSON.stringify(names)]), ask, {
      ttl: this.#policy.catalogueTtlMs,
      tags: commonTags(this.#policy.name, session.database),
    })
  }

  /** The tags of rows by their keys, and of results with too many rows for tags of their own. */
  async tagsOfRows(database: Database, table: string, keys: readonly (readonly string[])[]): Promise<string[]> {
    const session = await database.session()
    const { name } = this.#policy
    const facts = await database.reach([relationOf(table)])
    return facts.tables.flatMap((each) => [
      manyRowsTag(name, session.database, each),
      ...keys.map((key) => rowTag(name, session.database, each, key)),
    ])
  }

  /** The tags of tables and of whatever changes with them. */
  async tagsOfNames(database: Database, tables: readonly string[]): Promise<readonly string[]> {
    return this.#tagsOfTables(database, await database.session(), tables.map(relationOf))
  }

  /** Invalidates tags, with the `hold` of the SQL cache. Resolves when this process has forgotten, and L2 too unless it cannot be reached. */
  async announce(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return
    const { holdMs } = this.#policy
    await this.#cache.invalidateTags([...new Set(tags)], holdMs > 0 ? { hold: holdMs } : undefined)
  }

  #root({ database }: Session): string {
    return rootTag(this.#policy.name, database)
  }
}

const UNKNOWN: Statement = { kind: 'unknown', reads: undefined, writes: [], functions: undefined }

/** Whether a SELECT calls functions that may write, as far as it is known. */
function mayWrite({ functions }: Statement): boolean {
  return functions === undefined || functions.length > 0
}
