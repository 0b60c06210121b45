// The values that msgpackr has no exact form for. One row for each kind: what is written of a value, and how it is made again from that.

import { isWellFormed } from '../../model/text/well-formed.js'
import { type DataKind, ERRORS, errorIndexOf, VIEWS, viewIndexOf } from '../../model/values/data-kinds.js'
import type { DecodeBudget } from './decode-budget.js'
import { binary, container, index, list, malformed, number, pairs, text, utf16 } from './parts.js'

/** The kinds on the wire. Numbers are for ever: add, never change. */
export const Kind = {
  undefined: 0,
  /** A string that a decoder of UTF-8 would change, as UTF-16: with lone surrogates, or with a byte order mark in front. */
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
  /** A plain object with a key that msgpackr would change or take for something else. */
  entries: 10,
  /** A plain object or array that is deep, or that other places refer to. */
  node: 11,
  /** The same object as an earlier one. */
  reference: 12,
  buffer: 13,
  arrayBuffer: 14,
  url: 15,
  /** `-0`, which msgpackr would write as 0. */
  negativeZero: 16,
  /** `VIEWS[kind - firstView]`. */
  firstView: 32,
} as const

/** What is written of a special value. The items of a list may be special again; the others are written as they are. */
export type Part = string | number | Uint8Array | unknown[]

/** How values of a kind are written and made again. */
export interface SpecialKind<V = unknown> {
  /** About what an empty one takes in memory, the bookkeeping of its hole included. */
  readonly bytes: number
  readonly partOf: (value: V) => Part
  /** Takes from the budget what its part stands for; both sides call it. */
  readonly hold?: (part: unknown, budget: DecodeBudget) => void
  /** The value, still empty if it may refer to others. `before` are the values of earlier holes. Throws if no writer made the part. */
  readonly make: (part: unknown, before: readonly unknown[]) => V
  /** Fills it from its part, in which no hole is left. */
  readonly fill?: (value: V, part: unknown, budget: DecodeBudget) => void
}

const NEGATIVE_ZERO = '-0'
const LARGEST_ARRAY = 2 ** 32 - 1

const KINDS: Readonly<Record<number, SpecialKind>> = {
  [Kind.undefined]: { bytes: 16, partOf: noPart, make: () => undefined },
  [Kind.illFormed]: kind<string>({ bytes: 48, partOf: (value) => Buffer.from(value, 'utf16le'), make: utf16 }),
  [Kind.bigint]: kind<bigint>({
    bytes: 48,
    partOf: (value) => value.toString(16),
    hold: (part, budget) => budget.bigint(bigintOf(part)),
    make: bigintOf,
  }),
  [Kind.date]: kind<Date>({
    bytes: 128,
    partOf: (value) => Date.prototype.getTime.call(value),
    make: (part) => new Date(number(part)),
  }),
  [Kind.map]: kind<Map<unknown, unknown>>({
    bytes: 256,
    partOf: (value) => [...value].flat(),
    make: () => new Map(),
    fill(map, part, budget) {
      const items = pairs(part)
      budget.fill(items.length / 2, (i) => map.set(items[2 * i], items[2 * i + 1]))
    },
  }),
  [Kind.set]: kind<Set<unknown>>({
    bytes: 256,
    partOf: (value) => [...value],
    make: () => new Set(),
    fill(set, part, budget) {
      const items = list(part)
      budget.fill(items.length, (i) => set.add(items[i]))
    },
  }),
  [Kind.regexp]: kind<RegExp>({
    bytes: 256,
    partOf: partOfRegExp,
    hold(part, budget) {
      const { source, flags } = readRegExp(part)
      budget.regexp(source, flags)
    },
    make: regexpOf,
  }),
  [Kind.error]: kind<Error>({
    // Less memory, but its constructor walks the stack.
    bytes: 4096,
    partOf: partOfError,
    hold: holdError,
    make: errorOf,
    fill: fillError,
  }),
  [Kind.sparse]: kind<unknown[]>({
    bytes: 64,
    partOf: (value) => [value.length, ...Object.entries(value).flat()],
    hold: (part, budget) => budget.sparse(lengthOf(part), list(part).length >> 1),
    make: () => [],
    fill: fillSparse,
  }),
  [Kind.bare]: kind<object>({ bytes: 128, ...properties(() => Object.create(null)) }),
  [Kind.entries]: kind<object>({ bytes: 64, ...properties(() => ({})) }),
  [Kind.node]: { bytes: 16, partOf: noPart, make: container },
  [Kind.reference]: kind<unknown>({
    bytes: 16,
    partOf: number,
    make: (part, before) => before[index(part, before.length)],
  }),
  [Kind.buffer]: kind<Buffer>({ bytes: 128, partOf: bytesOf, make: (part) => Buffer.from(binary(part)) }),
  [Kind.arrayBuffer]: kind<ArrayBuffer>({ bytes: 192, partOf: (value) => new Uint8Array(value), make: copyOf }),
  [Kind.url]: kind<URL>({ bytes: 512, partOf: ({ href }) => href, make: (part) => new URL(text(part)) }),
  [Kind.negativeZero]: kind<number>({
    bytes: 16,
    partOf: () => NEGATIVE_ZERO,
    make(part) {
      if (part !== NEGATIVE_ZERO) throw malformed('zero')
      return -0
    },
  }),
}

const VIEW_KINDS = VIEWS.map((View) =>
  kind<ArrayBufferView>({ bytes: 256, partOf: bytesOf, make: (part) => new View(copyOf(part)) }),
)

/** The row of a kind on the wire. Throws if there is none. */
export function specialKind(kindOnWire: number): SpecialKind {
  const found = KINDS[kindOnWire] ?? VIEW_KINDS[kindOnWire - Kind.firstView]
  if (found === undefined) throw malformed('kind')
  return found
}

/** The kind on the wire of an object that is neither plain nor an array. */
export function wireKindOf(value: object, dataKind: Exclude<DataKind, 'plain' | 'array'>): number {
  return dataKind === 'view' ? Kind.firstView + viewIndexOf(value as ArrayBufferView) : Kind[dataKind]
}

/** A row whose values are of one type: its kind says so. */
function kind<V>(row: SpecialKind<V>): SpecialKind {
  return row as unknown as SpecialKind
}

function noPart(): never {
  throw new Error('values of this kind have no part, or are their own')
}

function bigintOf(part: unknown): bigint {
  const hex = text(part)
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
}

function partOfRegExp({ source, flags, lastIndex }: RegExp): string | Uint8Array {
  const whole = `${lastIndex}/${flags}/${source}`
  return isWellFormed(whole) ? whole : Buffer.from(whole, 'utf16le')
}

function readRegExp(part: unknown): { source: string; flags: string; lastIndex: number } {
  const whole = typeof part === 'string' ? part : utf16(part)
  const flagsAt = whole.indexOf('/') + 1
  const sourceAt = whole.indexOf('/', flagsAt) + 1
  const lastIndex = index(Number(whole.slice(0, flagsAt - 1)), Number.MAX_SAFE_INTEGER)
  return { source: whole.slice(sourceAt), flags: whole.slice(flagsAt, sourceAt - 1), lastIndex }
}

function regexpOf(part: unknown): RegExp {
  const { source, flags, lastIndex } = readRegExp(part)
  const regexp = new RegExp(source, flags)
  regexp.lastIndex = lastIndex
  return regexp
}

/** The number of its class, then name, enumerability and value of each own property. */
function partOfError(error: Error): unknown[] {
  const part: unknown[] = [errorIndexOf(error)]
  for (const name of Object.getOwnPropertyNames(error)) {
    // Read, not taken from the descriptor: `stack` is an accessor in newer V8.
    part.push(name, Object.prototype.propertyIsEnumerable.call(error, name), Reflect.get(error, name))
  }
  return part
}

function errorOf(part: unknown): Error {
  const prototype = ERRORS[number(list(part)[0])]?.prototype
  if (prototype === undefined) throw malformed('error')
  // Made by the plainest constructor: each of the others wants other arguments.
  const error = Object.setPrototypeOf(new Error(), prototype)
  // Ours would tell where it was decoded; the original one, if kept, is among the properties.
  delete error.stack
  return error
}

function holdError(part: unknown, budget: DecodeBudget): void {
  const names = namesOf(part)
  budget.error(names.length)
  budget.indices(names)
}

function fillError(error: Error, part: unknown): void {
  const items = list(part)
  for (const [i, name] of namesOf(part).entries()) define(error, name, items[3 * i + 3], items[3 * i + 2] === true)
}

function namesOf(part: unknown): string[] {
  return list(part)
    .filter((_, i) => i % 3 === 1)
    .map(text)
}

/** Of an array with holes: its length, then index and value of each element. */
function lengthOf(part: unknown): number {
  return index(list(part)[0], LARGEST_ARRAY + 1)
}

function fillSparse(array: unknown[], part: unknown): void {
  const items = list(part)
  const length = lengthOf(part)
  if (length === 0) return
  // Reaching far beyond the end makes V8 keep a table; setting `length` would make it allocate every hole.
  array[length - 1] = undefined
  delete array[length - 1]
  for (let i = 1; i < items.length; i += 2) array[index(Number(items[i]), length)] = items[i + 1]
}

/** The rows of objects whose part is a list of key, value, key, value … */
function properties(make: () => object): Omit<SpecialKind<object>, 'bytes'> {
  return {
    partOf: (value) => Object.entries(value).flat(),
    hold: (part, budget) =>
      budget.indices(
        pairs(part)
          .filter((_, i) => i % 2 === 0)
          .map(text),
      ),
    make,
    fill(object, part) {
      const items = pairs(part)
      for (let i = 0; i < items.length; i += 2) define(object, text(items[i]), items[i + 1], true)
    },
  }
}

/** Defined, not assigned: `__proto__` becomes an own property and nothing else. */
function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function copyOf(part: unknown): ArrayBuffer {
  return Uint8Array.prototype.slice.call(binary(part)).buffer as ArrayBuffer
}
