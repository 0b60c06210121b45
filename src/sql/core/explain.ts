// Why the result of a query is cached or not, for people.
import type { Explanation } from '../../index.js'
import { nameOf } from '../statements/statement.js'
import type { SqlCore } from './core.js'
import type { PlannedQuery } from './plans.js'

/** What `explain` says of a query. */
export interface SqlExplanation {
  /** Whether its result may be kept. */
  readonly cached: boolean
  /** The reasons, as sentences. */
  readonly why: readonly string[]
  /** The tables on which the result depends, those behind views included. */
  readonly tables: readonly string[]
  /** The tags of the result. */
  readonly tags: readonly string[]
  /** Its key in the namespace of the SQL cache. `undefined`: it has none. */
  readonly key: string | undefined
  /** What would invalidate it, as sentences. */
  readonly invalidatedBy: readonly string[]
  /** What the cache has for it now. */
  readonly entry: Explanation | undefined
}

/** Explains a query. Rejects only if the database cannot be asked. */
export async function explainQuery(core: SqlCore, query: PlannedQuery): Promise<SqlExplanation> {
  const plan = await core.plans.plan(query)
  const tables = plan.tables.map(nameOf)
  const { bypass } = core.reads
  const last = core.notices.lastOf(query.text)
  if ('refused' in plan) {
    return { cached: false, why: [plan.refused], tables, tags: [], key: undefined, invalidatedBy: [], entry: undefined }
  }
  const entry = await core.cache.explain(plan.key)
  const why = [
    bypass === undefined
      ? 'the result is kept: it is a SELECT, and all that it depends on is known'
      : `not now: it ${bypass}`,
    ...(last === undefined ? [] : [`the last time: ${last}`]),
    ...entry.why,
  ]
  const triggers = plan.tables
    .filter(({ hasTriggers }) => hasTriggers)
    .map((table) => `${nameOf(table)} has triggers; what they change is seen by sql.listen, or named in affects`)
  const invalidatedBy = [
    ...tables.map((table) => `a write to ${table} through an adapter, or by anybody where sql.listen has its triggers`),
    'a change of the schema through an adapter',
    `invalidateTags of ${plan.tags.join(', ')}`,
    ...triggers,
  ]
  return { cached: bypass === undefined, why, tables, tags: plan.tags, key: plan.key, invalidatedBy, entry }
}
