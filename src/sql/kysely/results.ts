// Results of Kysely's drivers as plain data. Of the classes of pg, intervals are the one that is no data: its class comes from the driver.
import type { KyselyResult } from './types.js'

/** A result as it is kept: its rows are plain, and `intervals` says where instances of the class were: row, column, index within an array. */
export interface PlainResult {
  readonly result: KyselyResult
  readonly intervals: readonly (readonly [row: number, column: string, ...path: number[]])[]
}

type Row = Record<string, unknown>

/** The query whose result has an interval. */
export const INTERVAL_QUERY = "select '1 day'::interval as v"

/** The prototype of intervals in a result of `INTERVAL_QUERY`; `undefined` if the driver returns plain data. */
export function intervalClass(row: Row | undefined): object | undefined {
  const value = row?.v
  if (typeof value !== 'object' || value === null) return undefined
  const prototype = Object.getPrototypeOf(value) as object
  return prototype === Object.prototype ? undefined : prototype
}

/** The plain form of a result. */
export function plainResult(result: KyselyResult, prototype: object | undefined): PlainResult {
  const intervals: [number, string, ...number[]][] = []
  if (prototype === undefined) return { result, intervals }
  const rows = result.rows.map((row, i) => {
    let copy: Row | undefined
    for (const [column, value] of Object.entries(row as Row)) {
      const plain = plainValue(value, prototype, (path) => intervals.push([i, column, ...path]), [])
      if (plain === value) continue
      copy ??= { ...(row as Row) }
      copy[column] = plain
    }
    return copy ?? row
  })
  return { result: intervals.length === 0 ? result : { ...result, rows }, intervals }
}

function plainValue(value: unknown, prototype: object, found: (path: number[]) => void, path: number[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Object.getPrototypeOf(value) === prototype) {
    found(path)
    return { ...value }
  }
  if (!Array.isArray(value)) return value
  const plain = value.map((each, i) => plainValue(each, prototype, found, [...path, i]))
  return plain.some((each, i) => each !== value[i]) ? plain : value
}

/** The result that the driver gave. */
export function restoredResult({ result, intervals }: PlainResult, prototype: object | undefined): KyselyResult {
  if (intervals.length === 0 || prototype === undefined) return result
  const rows = structuredRows(result.rows as Row[], intervals)
  for (const [row, column, ...path] of intervals) {
    const places = [column, ...path]
    const last = places.pop() as string | number
    let holder = rows[row] as Row
    for (const place of places) holder = holder[place] as Row
    holder[last] = Object.assign(Object.create(prototype), holder[last])
  }
  return { ...result, rows }
}

/** Copies of what is going to be changed: what is stored stays as it is. */
function structuredRows(rows: readonly Row[], intervals: PlainResult['intervals']): Row[] {
  const copies = [...rows]
  for (const [row, column] of intervals) {
    const copy = { ...(copies[row] as Row) }
    if (Array.isArray(copy[column])) copy[column] = arrayCopy(copy[column] as unknown[])
    copies[row] = copy
  }
  return copies
}

function arrayCopy(array: readonly unknown[]): unknown[] {
  return array.map((each) => (Array.isArray(each) ? arrayCopy(each) : each))
}

/** About the bytes of the rows. */
export function sizeOf(rows: readonly unknown[]): number {
  let bytes = 0
  for (const row of rows) for (const value of Object.values(row as Row)) bytes += sizeOfValue(value)
  return bytes
}

function sizeOfValue(value: unknown): number {
  if (typeof value === 'string') return 4 + Buffer.byteLength(value)
  if (ArrayBuffer.isView(value)) return 4 + value.byteLength
  if (typeof value !== 'object' || value === null) return 12
  let bytes = 4
  for (const each of Object.values(value)) bytes += sizeOfValue(each)
  return bytes
}
