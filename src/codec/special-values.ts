// The values that msgpack has no form for, each with its kind on the wire. Plain data never gets here.
import { type DataKind, viewIndexOf } from '../model/values/data-kinds.js'

/** The kinds on the wire. Numbers are for ever: add, never change. */
export const Kind = {
  undefined: 0,
  /** A string with lone surrogates, as UTF-16: UTF-8 would replace them. */
  illFormed: 1,
  /** Beyond 64 bits, as hex digits. */
  bigint: 2,
  date: 3,
  map: 4,
  set: 5,
  regexp: 6,
  error: 7,
  /** An array with holes. */
  sparse: 8,
  /** An object without a prototype. */
  bare: 9,
  /** A plain object with a key that a map must not hold: `__proto__`, or one that UTF-8 would damage. */
  entries: 10,
  /** A plain object or array that is deep, or that other places refer to. */
  node: 11,
  /** The same object as an earlier one. */
  reference: 12,
  buffer: 13,
  arrayBuffer: 14,
  url: 15,
  /** `VIEWS[kind - firstView]`. */
  firstView: 32,
} as const

/** The kind on the wire of an object of a kind that msgpack has no form for. */
export function wireKindOf(value: object, kind: Exclude<DataKind, 'plain' | 'array'>): number {
  return kind === 'view' ? Kind.firstView + viewIndexOf(value as ArrayBufferView) : Kind[kind]
}
