// Value → bytes: msgpack with msgpackr's records, checked and written in one pass.
// What msgpack has no form for leaves a hole (0xc1, a byte that msgpack never uses) and is written behind the tree, by kind.
import { types } from 'node:util'
import { dataKindOf, hasSymbolKey } from '../model/values/data-kinds.js'
import { ByteSink } from './byte-sink.js'
import type { DecodeBudget } from './decode-budget.js'
import { DEFINE, isAwkwardKey, MAX_SHAPE_KEYS, RecordNumbers, type Shape, ShapeTree } from './shapes.js'
import { findShared } from './sharing.js'
import { partsOf, REFUSED } from './special-parts.js'
import { Kind, wireKindOf } from './special-values.js'

/** A byte that msgpack never uses: stands for a special value, and first of all marks the rich form. */
export const HOLE_TOKEN = 0xc1

const RECORD_DEFINITION = [0xd4, 0x72] as const
/** Room before the tree for what turns plain bytes into the rich form: 0xc1 0xdd and the count of parts. */
const PREFIX_BYTES = 6
/** Deeper objects are written behind the tree, so that neither side ever recurses further. */
const MAX_DEPTH = 100
/** Where output as large as this was written, look if a cycle or a fan of shared objects is what makes it large. */
const SUSPICIOUS_BYTES = 262_144
/** The same for special values, of which those that nest are written one after another. */
const SUSPICIOUS_SPECIALS = 1000
/** Arrays from this length on are expected to hold objects of one shape. */
const ROWS = 3

const EMPTY: object = {}
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** Thrown to begin again, now with what is shared known. */
const AGAIN = Symbol('again')

export class MsgpackWriter {
  isBusy = false
  private readonly sink = new ByteSink()
  private readonly shapes = new ShapeTree()
  private readonly records = new RecordNumbers()
  private depth = 0
  private suspectAt = SUSPICIOUS_BYTES
  private root: unknown = undefined
  private shared: Set<object> | undefined = undefined
  /** The hole at which each shared object was first met. */
  private known = new Map<object, number>()
  private kinds: number[] = []
  private specials: unknown[] = []
  /** Whether something enumerable stands on `Object.prototype`, which loops over keys would see. */
  private isPolluted = false

  /** `budget`: what a reader allows. */
  constructor(private readonly budget: DecodeBudget) {}

  /** Throws `REFUSED`, `OverBudget`, or whatever a getter of the value's throws. */
  write(value: unknown): Buffer {
    this.isBusy = true
    this.root = value
    this.shared = undefined
    this.isPolluted = hasEnumerable(EMPTY)
    try {
      return this.attempt()
    } catch (thrown) {
      if (thrown !== AGAIN) throw thrown
      return this.attempt()
    } finally {
      this.isBusy = false
      this.root = undefined
      this.shared = undefined
      this.forget()
    }
  }

  private attempt(): Buffer {
    this.forget()
    this.records.begin()
    this.budget.begin()
    this.depth = 0
    this.suspectAt = this.shared === undefined ? SUSPICIOUS_BYTES : Number.POSITIVE_INFINITY
    this.value(this.root, false)
    if (this.kinds.length === 0) return this.sink.copy(PREFIX_BYTES)
    this.writeSpecials()
    return this.sink.copy(0)
  }

  private forget(): void {
    this.sink.reset(PREFIX_BYTES)
    if (this.kinds.length > 0) {
      this.kinds = []
      this.specials = []
    }
    if (this.known.size > 0) this.known = new Map()
  }

  private value(value: unknown, isRow: boolean): void {
    const { sink } = this
    sink.reserve()
    switch (typeof value) {
      case 'string':
        if (!sink.string(value)) this.hole(Kind.illFormed, value)
        break
      case 'number':
        sink.number(value)
        break
      case 'object':
        if (value === null) sink.byte(0xc0)
        else this.object(value, isRow)
        break
      case 'boolean':
        sink.byte(value ? 0xc3 : 0xc2)
        break
      case 'undefined':
        this.hole(Kind.undefined, undefined)
        break
      case 'bigint':
        if (value >= MIN_INT64 && value <= MAX_INT64) sink.bigint64(value)
        else {
          this.budget.bigint(value)
          this.hole(Kind.bigint, value)
        }
        break
      default:
        throw REFUSED
    }
  }

  private object(value: object, isRow: boolean): void {
    if (this.shared?.has(value)) this.sharedObject(value)
    else {
      if (this.sink.at > this.suspectAt) this.suspect()
      this.unsharedObject(value, isRow)
    }
  }

  private unsharedObject(value: object, isRow: boolean): void {
    const prototype = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) this.plainObject(value, isRow)
    else if (prototype === Array.prototype && Array.isArray(value)) this.array(value)
    else this.otherObject(value, isRow)
  }

  private otherObject(value: object, isRow: boolean): void {
    const kind = dataKindOf(value)
    if (kind === undefined) throw REFUSED
    if (kind === 'plain') this.plainObject(value, isRow)
    else if (kind === 'array') this.array(value as unknown[])
    else this.hole(wireKindOf(value, kind), value)
  }

  private sharedObject(value: object): void {
    const first = this.known.get(value)
    if (first !== undefined) {
      this.hole(Kind.reference, first)
      return
    }
    this.known.set(value, this.kinds.length)
    // As if it stood too deep: then it leaves a hole whatever it is.
    const { depth } = this
    this.depth = MAX_DEPTH
    this.unsharedObject(value, false)
    this.depth = depth
  }

  /** Once per encoding: if the value refers to something twice, begin again with that known. */
  private suspect(): void {
    if (this.suspectAt === Number.POSITIVE_INFINITY) return
    this.suspectAt = Number.POSITIVE_INFINITY
    const shared = findShared(this.root as object)
    if (shared.size === 0) return
    this.shared = shared
    throw AGAIN
  }

  private isTooDeep(): boolean {
    if (this.depth < MAX_DEPTH) return false
    this.suspect()
    return true
  }

  private plainObject(value: object, isRow: boolean): void {
    if (hasSymbolKey(value)) throw REFUSED
    const own: Record<string, unknown> = this.isPolluted
      ? Object.assign(Object.create(null), value)
      : (value as Record<string, unknown>)
    let shape = this.shapes.root
    let size = 0
    for (const key in own) {
      if (++size > MAX_SHAPE_KEYS) break
      shape = shape.nextKey === key ? shape.next! : this.shapes.extend(shape, key)
    }
    if (size > MAX_SHAPE_KEYS) this.dictionary(own)
    else if (shape.isAwkward) this.hole(Kind.entries, value)
    else if (this.isTooDeep()) this.hole(Kind.node, value)
    else this.shapedObject(own, shape, size, isRow)
  }

  private shapedObject(own: Record<string, unknown>, shape: Shape, size: number, isRow: boolean): void {
    this.depth++
    this.budget.object(size)
    if (shape.hasIndex) this.budget.indices(Object.keys(own))
    let missing = size
    const record = this.records.of(shape, isRow)
    if (record !== 0) {
      if (record === DEFINE) this.recordDefinition(shape)
      else this.sink.byte(record)
      for (const key in own) {
        missing--
        this.value(own[key], false)
      }
    } else {
      this.sink.mapHeader(size)
      for (const key in own) {
        missing--
        this.sink.string(key)
        this.value(own[key], false)
      }
    }
    this.depth--
    // A getter changed the object meanwhile.
    if (missing !== 0) throw REFUSED
  }

  private recordDefinition(shape: Shape): void {
    const { sink } = this
    sink.byte(RECORD_DEFINITION[0])
    sink.byte(RECORD_DEFINITION[1])
    sink.byte(shape.record)
    const keys = shape.keys()
    sink.arrayHeader(keys.length)
    for (const key of keys) {
      sink.reserve()
      sink.string(key)
    }
    sink.reserve()
  }

  private dictionary(value: Record<string, unknown>): void {
    const keys = Object.keys(value)
    if (keys.some(isAwkwardKey)) this.hole(Kind.entries, value)
    else if (this.isTooDeep()) this.hole(Kind.node, value)
    else {
      this.depth++
      this.budget.object(keys.length)
      this.budget.indices(keys)
      this.sink.mapHeader(keys.length)
      for (const key of keys) {
        this.sink.reserve()
        this.sink.string(key)
        this.value(value[key], true)
      }
      this.depth--
    }
  }

  private array(value: readonly unknown[]): void {
    const { length } = value
    const keys = Object.keys(value).length
    if (keys > length || hasSymbolKey(value)) throw REFUSED
    if (keys < length) this.sparseArray(value)
    else if (this.isTooDeep()) this.hole(Kind.node, value)
    else {
      this.depth++
      this.budget.array(length)
      this.sink.arrayHeader(length)
      const isRow = length >= ROWS
      for (let i = 0; i < length; i++) {
        const item = value[i]
        // As many keys as elements and still a hole: then one of the keys is no index.
        if (item === undefined && !(i in value)) throw REFUSED
        if (typeof item === 'number') this.number(item)
        else this.value(item, isRow)
      }
      this.depth--
    }
  }

  private number(value: number): void {
    this.sink.reserve()
    this.sink.number(value)
  }

  private sparseArray(value: readonly unknown[]): void {
    if (!Object.keys(value).every((key) => isIndex(key, value.length))) throw REFUSED
    this.hole(Kind.sparse, value)
  }

  private hole(kind: number, special: unknown): void {
    this.budget.special(kind)
    this.sink.byte(HOLE_TOKEN)
    this.kinds.push(kind)
    this.specials.push(special)
  }

  /** Each special value may leave holes of its own, which join the end of the same list. */
  private writeSpecials(): void {
    const { sink, kinds } = this
    let parts = 1
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i]!
      if (kind === Kind.undefined) continue
      if (sink.at > this.suspectAt || i === SUSPICIOUS_SPECIALS) this.suspect()
      sink.reserve()
      this.depth = 0
      this.special(kind, this.specials[i])
      parts++
    }
    this.budget.array(parts + 1)
    sink.binary(Uint8Array.from(kinds))
    sink.byteAt(0, HOLE_TOKEN)
    sink.byteAt(1, 0xdd)
    sink.uint32At(2, parts + 1)
  }

  private special(kind: number, special: unknown): void {
    if (kind === Kind.node) {
      if (Array.isArray(special)) this.array(special)
      else this.plainObject(special as object, true)
      return
    }
    if (kind === Kind.regexp) this.budget.regexp((special as RegExp).source, (special as RegExp).flags)
    const parts = partsOf(kind, special)
    if (typeof parts === 'string') this.sink.string(parts)
    else if (typeof parts === 'number') this.sink.number(parts)
    else if (types.isUint8Array(parts)) this.sink.binary(parts)
    else {
      this.holdToBudget(kind, parts)
      this.list(parts)
    }
  }

  private holdToBudget(kind: number, parts: readonly unknown[]): void {
    if (kind === Kind.sparse) this.budget.sparse(parts[0] as number, parts.length >> 1)
    else if (kind === Kind.error) this.budget.error(Math.floor(parts.length / 3))
    else if (kind === Kind.bare || kind === Kind.entries) {
      this.budget.indices(parts.filter((_, i): boolean => i % 2 === 0) as string[])
    }
  }

  private list(items: readonly unknown[]): void {
    this.depth++
    this.budget.array(items.length)
    this.sink.arrayHeader(items.length)
    for (const item of items) this.value(item, true)
    this.depth--
  }
}

function hasEnumerable(object: object): boolean {
  for (const _ in object) return true
  return false
}

function isIndex(key: string, length: number): boolean {
  const index = Number(key)
  return Number.isInteger(index) && index >= 0 && index < length && String(index) === key
}
