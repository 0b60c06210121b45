// The tags of results: one for everything of a database, one per table, one per row.
import type { Table } from './database.js'

/** The tags that every result carries: one of the whole SQL cache, one of its database. */
export function commonTags(prefix: string, database: string): readonly string[] {
  return [prefix, rootTag(prefix, database)]
}

/** The tag that every result of a database carries. */
export function rootTag(prefix: string, database: string): string {
  return `${prefix}:${database}`
}

/** The tag of the results that depend on a table. */
export function tableTag(prefix: string, database: string, table: Pick<Table, 'schema' | 'name'>): string {
  return `${prefix}:${database}:${table.schema}.${table.name}`
}

/** The tag of the results that contain a row, by the values of its key as the server writes them. */
export function rowTag(
  prefix: string,
  database: string,
  table: Pick<Table, 'schema' | 'name'>,
  key: readonly string[],
): string {
  return `${tableTag(prefix, database, table)}:${key.map((part) => encodeURIComponent(part)).join(',')}`
}

/** The tag of the results that contain more rows of a table than an entry may have tags. Every invalidation of a row invalidates it, too. */
export function manyRowsTag(prefix: string, database: string, table: Pick<Table, 'schema' | 'name'>): string {
  return `${tableTag(prefix, database, table)}:*`
}
