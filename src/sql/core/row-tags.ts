// Tags of rows: by them, results that contain one row are invalidated and others stay.
import type { Table } from './database.js'
import { manyRowsTag, rowTag } from './tags.js'

/** For tables by their id: the keys of the rows that a result contains, each as the texts of its columns. */
export type RowKeys = ReadonlyMap<number, readonly (readonly string[])[]>

/** An entry has at most 1,000 tags. */
const MOST_ROW_TAGS = 500

/** The tags of the rows of a result. Above the limit one tag stands for all rows of a table. */
export function rowTagsOf(prefix: string, database: string, tables: readonly Table[], keys: RowKeys): string[] {
  const tags: string[] = []
  for (const table of tables) {
    const rows = keys.get(table.id)
    if (rows === undefined) continue
    const own = new Set(rows.map((key) => rowTag(prefix, database, table, key)))
    if (tags.length + own.size > MOST_ROW_TAGS) tags.push(manyRowsTag(prefix, database, table))
    else tags.push(...own)
  }
  return tags
}
