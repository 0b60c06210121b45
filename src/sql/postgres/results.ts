// Results of pg as plain data: the texts that the server sent, and how to make of them what pg would have made.
import type { RowKeys } from '../core/row-tags.js'
import type { PgField, PgQueryConfig, PgResult, TypeParsers } from './types.js'

/** A result as the server sent it. */
export interface RawResult {
  readonly command: string
  readonly rowCount: number | null
  readonly oid: number | null
  readonly fields: readonly PgField[]
  /** Per row the columns in their order: text, or bytes of a binary format. */
  readonly rows: readonly (readonly (string | Uint8Array | null)[])[]
}

/** What pg's own result class can do, which every copy of pg has. */
interface ResultClass {
  new (
    rowMode: string | undefined,
    types: TypeParsers | undefined,
  ): PgResult & {
    addFields(fields: readonly PgField[]): void
    parseRow(raw: readonly unknown[]): unknown
  }
}

const asSent: TypeParsers = { getTypeParser: () => (raw) => raw }

/** The query that returns what the server sends, without parsing it. */
export function rawQuery(config: PgQueryConfig): PgQueryConfig {
  return { ...config, rowMode: 'array', types: asSent }
}

/** The plain data of a result of `rawQuery`. */
export function rawResult({ command, rowCount, oid, fields, rows }: PgResult): RawResult {
  return { command, rowCount, oid, fields: fields.map((field) => ({ ...field })), rows: rows as RawResult['rows'] }
}

/** The bytes of a result as the server sent it, without its frames. */
export function bytesOf({ rows }: RawResult): number {
  let bytes = 0
  for (const row of rows) for (const value of row) bytes += value === null ? 4 : 4 + Buffer.byteLength(value as string)
  return bytes
}

/** The keys of rows by table: of each table whose columns are among those of the result. */
export function keysOf(
  { fields, rows }: RawResult,
  tables: readonly { readonly id: number; readonly key: readonly number[] }[],
): RowKeys {
  const keys = new Map<number, string[][]>()
  for (const { id, key } of tables) {
    const places = key.map((column) =>
      fields.findIndex(({ tableID, columnID }) => tableID === id && columnID === column),
    )
    if (places.length === 0 || places.includes(-1)) continue
    const complete = rows.filter((row) => places.every((place) => typeof row[place] === 'string'))
    keys.set(
      id,
      complete.map((row) => places.map((place) => row[place] as string)),
    )
  }
  return keys
}

/**
 * The result that pg makes of what the server sent: of its class, its fields of theirs, its rows by the parsers of this process. `sample` is any
 * result of the same pool.
 */
export function restored(raw: RawResult, sample: PgResult, { rowMode, types }: PgQueryConfig): PgResult {
  const Result = sample.constructor as ResultClass
  const result = new Result(rowMode, types ?? sample._types)
  const [field] = sample.fields
  if (raw.fields.length > 0) {
    const prototype = field === undefined ? Object.prototype : Object.getPrototypeOf(field)
    result.addFields(raw.fields.map((each) => Object.assign(Object.create(prototype), each)))
  }
  result.command = raw.command
  result.rowCount = raw.rowCount
  result.oid = raw.oid
  for (const row of raw.rows) result.rows.push(result.parseRow(row))
  return result
}
