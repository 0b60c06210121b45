// Fills the holes of the rich form: puts Date, Map, cycles and the like where they belong (see docs/wire-format.md).
import { types } from 'node:util'
import { ERRORS, VIEWS } from '../model/values/data-kinds.js'
import { beginsWithDigit, type DecodeBudget } from './decode-budget.js'
import { HOLE } from './msgpack-reader.js'
import { Kind } from './special-values.js'

const LARGEST_ARRAY = 2 ** 32 - 1

/**
 * Throws on what the writer never writes. `parts` are the tree, the data of each special value, and their kinds; `budget` is that of the
 * payload, of which the tree has taken its part.
 */
export function assemble(parts: unknown, budget: DecodeBudget): unknown {
  return new Assembly(parts, budget).value()
}

/**
 * Puts the special values into their holes. First every one is made, empty where it can refer to others, then each is filled:
 * so cycles need no further thought.
 */
class Assembly {
  private readonly tree: { root: unknown }
  private readonly kinds: Uint8Array
  private readonly data: unknown[] = []
  private readonly values: unknown[] = []
  private nextHole = 0

  constructor(
    parts: unknown,
    private readonly budget: DecodeBudget,
  ) {
    if (!Array.isArray(parts) || parts.length < 2) throw malformed('parts')
    const kinds: unknown = parts.at(-1)
    if (!types.isUint8Array(kinds)) throw malformed('kinds')
    this.kinds = kinds
    this.tree = { root: parts[0] }
    this.distribute(parts)
  }

  value(): unknown {
    const { kinds, data, values, budget } = this
    for (let i = 0; i < kinds.length; i++) {
      budget.special(kinds[i]!)
      values.push(make(kinds[i]!, data[i], values, budget))
    }
    this.fillHoles(this.tree)
    for (let i = 0; i < kinds.length; i++) {
      if (isContainer(data[i])) this.fillHoles(data[i] as object)
      complete(kinds[i]!, data[i], values[i], budget)
    }
    if (this.nextHole !== kinds.length) throw malformed('count of holes')
    return this.tree.root
  }

  /** Gives every special value its part; `undefined` has none. */
  private distribute(parts: readonly unknown[]): void {
    let next = 1
    for (const kind of this.kinds) this.data.push(kind === Kind.undefined ? undefined : parts[next++])
    if (next !== parts.length - 1) throw malformed('count of parts')
  }

  private fillHoles(container: object): void {
    if (Array.isArray(container)) {
      for (let i = 0; i < container.length; i++) {
        const item: unknown = container[i]
        if (item === HOLE) container[i] = this.takeHole()
        else if (isContainer(item)) this.fillHoles(item)
      }
      return
    }
    const object = container as Record<string, unknown>
    for (const key in object) {
      const item = object[key]
      if (item === HOLE) object[key] = this.takeHole()
      // Somebody may have put an enumerable object on Object.prototype.
      else if (isContainer(item) && Object.hasOwn(object, key)) this.fillHoles(item)
    }
  }

  private takeHole(): unknown {
    if (this.nextHole === this.values.length) throw malformed('count of holes')
    return this.values[this.nextHole++]
  }
}

/** The special value, still empty if it can refer to others. */
function make(kind: number, data: unknown, before: readonly unknown[], budget: DecodeBudget): unknown {
  switch (kind) {
    case Kind.undefined:
      return undefined
    case Kind.illFormed:
      return utf16(binary(data))
    case Kind.bigint:
      return bigintOf(text(data), budget)
    case Kind.date:
      return new Date(number(data))
    case Kind.map:
      return new Map()
    case Kind.set:
      return new Set()
    case Kind.regexp:
      return regexpOf(typeof data === 'string' ? data : utf16(binary(data)), budget)
    case Kind.error:
      return errorOf(list(data))
    case Kind.sparse:
      return []
    case Kind.bare:
      return Object.create(null)
    case Kind.entries:
      return {}
    case Kind.node:
      if (!isContainer(data)) throw malformed('node')
      return data
    case Kind.reference:
      return before[index(data, before.length)]
    case Kind.buffer:
      return Buffer.from(binary(data))
    case Kind.arrayBuffer:
      return copyOf(binary(data))
    case Kind.url:
      return new URL(text(data))
    default:
      return viewOf(kind, binary(data))
  }
}

/** Fills `value` from its part, in which no hole is left. */
function complete(kind: number, data: unknown, value: unknown, budget: DecodeBudget): void {
  switch (kind) {
    case Kind.map: {
      const items = pairs(data)
      const map = value as Map<unknown, unknown>
      budget.fill(items.length / 2, (i) => map.set(items[2 * i], items[2 * i + 1]))
      return
    }
    case Kind.set: {
      const items = list(data)
      const set = value as Set<unknown>
      budget.fill(items.length, (i) => set.add(items[i]))
      return
    }
    case Kind.sparse:
      completeSparse(list(data), value as unknown[], budget)
      return
    case Kind.error:
      completeError(list(data), value as Error, budget)
      return
    case Kind.bare:
    case Kind.entries: {
      const items = pairs(data)
      let slots = 0
      for (let i = 0; i < items.length; i += 2) {
        const name = text(items[i])
        if (beginsWithDigit(name)) slots = budget.index(name, slots)
        define(value as object, name, items[i + 1], true)
      }
      return
    }
    default:
  }
}

function completeSparse(items: readonly unknown[], array: unknown[], budget: DecodeBudget): void {
  const length = index(items[0], LARGEST_ARRAY + 1)
  budget.sparse(length, items.length >> 1)
  if (length === 0) return
  // Reaching far beyond the end makes V8 keep a table; setting `length` would make it allocate every hole.
  array[length - 1] = undefined
  delete array[length - 1]
  for (let i = 1; i < items.length; i += 2) array[index(Number(items[i]), length)] = items[i + 1]
}

function completeError(items: readonly unknown[], error: Error, budget: DecodeBudget): void {
  budget.error(Math.floor(items.length / 3))
  let slots = 0
  for (let i = 1; i < items.length; i += 3) {
    const name = text(items[i])
    if (beginsWithDigit(name)) slots = budget.index(name, slots)
    define(error, name, items[i + 2], items[i + 1] === true)
  }
}

function errorOf(items: readonly unknown[]): Error {
  const prototype = ERRORS[number(items[0])]?.prototype
  if (prototype === undefined) throw malformed('error')
  // Made by the plainest constructor: each of the others wants other arguments.
  const error = Object.setPrototypeOf(new Error(), prototype)
  // Ours would tell where it was decoded; the original one, if kept, is among the properties.
  delete error.stack
  return error
}

function regexpOf(parts: string, budget: DecodeBudget): RegExp {
  const flagsAt = parts.indexOf('/') + 1
  const sourceAt = parts.indexOf('/', flagsAt) + 1
  const source = parts.slice(sourceAt)
  const flags = parts.slice(flagsAt, sourceAt - 1)
  // Before it is made: that is what takes long.
  budget.regexp(source, flags)
  const regexp = new RegExp(source, flags)
  regexp.lastIndex = index(Number(parts.slice(0, flagsAt - 1)), Number.MAX_SAFE_INTEGER)
  return regexp
}

function bigintOf(hex: string, budget: DecodeBudget): bigint {
  const value = hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
  budget.bigint(value)
  return value
}

function viewOf(kind: number, bytes: Uint8Array): ArrayBufferView {
  const View = VIEWS[kind - Kind.firstView]
  if (View === undefined) throw malformed('kind')
  return new View(copyOf(bytes))
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.prototype.slice.call(bytes).buffer as ArrayBuffer
}

/** Defined, not assigned: `__proto__` becomes an own property and nothing else. */
function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true })
}

function utf16(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le')
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}

function list(data: unknown): readonly unknown[] {
  if (!Array.isArray(data)) throw malformed('list')
  return data
}

/** A name or key and its value, one after the other. */
function pairs(data: unknown): readonly unknown[] {
  const items = list(data)
  if (items.length % 2 !== 0) throw malformed('list')
  return items
}

function text(data: unknown): string {
  if (typeof data !== 'string') throw malformed('text')
  return data
}

function number(data: unknown): number {
  if (typeof data !== 'number') throw malformed('number')
  return data
}

function index(data: unknown, length: number): number {
  if (!Number.isInteger(data) || (data as number) < 0 || (data as number) >= length) throw malformed('index')
  return data as number
}

function binary(data: unknown): Uint8Array {
  if (!types.isUint8Array(data)) throw malformed('binary')
  return data
}

function malformed(what: string): Error {
  return new Error(`the rich form has a wrong ${what}`)
}
