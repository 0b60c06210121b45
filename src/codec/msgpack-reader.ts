// Bytes → value. Reads exactly what the writer writes and throws on everything else; bytes of another origin are not trusted.
// It generates no code, allocates nothing that a header merely claims and recurses no deeper than the writer.
// bench/micro/codec.ts compares it with JSON.parse and msgpackr.
import { beginsWithDigit, type DecodeBudget } from './decode-budget.js'

/** Stands in the tree where a special value belongs. */
export const HOLE = Symbol('hole')

const HOLE_TOKEN = 0xc1
const RECORD_TYPE = 0x72
const FIRST_RECORD = 0x40
/** The writer's limit and what the rich form adds. */
const MAX_DEPTH = 128
/** A slice of this length keeps the whole text alive (V8 copies shorter ones), which is fine as long as that is short. */
const SLICED_CHARACTERS = 13
const SHORT_TEXT = 1024
const CACHED_KEYS = 512
const LONGEST_CACHED_KEY = 24
/** Larger maps are dictionaries: their keys do not come again. */
const MAX_SHAPE_KEYS = 64

const NOTHING = Buffer.alloc(0)

/** The keys of a record, and whether indices are among them. */
interface RecordKeys {
  readonly keys: readonly string[]
  readonly hasIndex: boolean
}

export class MsgpackReader {
  private bytes: Buffer = NOTHING
  /** All bytes as characters: a short slice of it is a string without a call into Node. */
  private text = ''
  private at = 0
  private depth = 0
  private mayHaveHoles = false
  private records: RecordKeys[] = []
  private readonly keys: string[] = new Array(CACHED_KEYS).fill('')

  /** `budget`: of the payload at hand. */
  constructor(private readonly budget: DecodeBudget) {}

  /** The one value that `bytes` hold from `start` to the end. Only the rich form has holes. */
  read(bytes: Buffer, start: number, holes: 'holes' | 'none'): unknown {
    this.bytes = bytes
    this.text = bytes.toString('latin1')
    this.at = start
    this.depth = 0
    this.mayHaveHoles = holes === 'holes'
    try {
      const value = this.value()
      if (this.at !== bytes.length) throw malformed('end')
      return value
    } finally {
      this.bytes = NOTHING
      this.text = ''
      if (this.records.length > 0) this.records = []
    }
  }

  private value(): unknown {
    const token = this.bytes[this.at++]
    if (token === undefined) throw malformed('end')
    if (token < 0x40) return token
    if (token < 0x80) return this.record(this.records[token - FIRST_RECORD])
    if (token < 0x90) return this.map(token & 0x0f)
    if (token < 0xa0) return this.array(token & 0x0f)
    if (token < 0xc0) return this.string(token & 0x1f)
    if (token >= 0xe0) return token - 0x100
    switch (token) {
      case 0xc0:
        return null
      case HOLE_TOKEN:
        if (!this.mayHaveHoles) throw malformed('token')
        return HOLE
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc6:
        return this.binary(this.uint(4))
      case 0xcb:
        this.at += 8
        return this.bytes.readDoubleBE(this.at - 8)
      // Beyond the end these are NaN, and `read` then finds that it went too far.
      case 0xcc:
        return this.bytes[this.at++]
      case 0xcd:
        this.at += 2
        return this.bytes[this.at - 2]! * 256 + this.bytes[this.at - 1]!
      case 0xce:
        return this.uint(4)
      case 0xd2:
        return this.uint(4) | 0
      case 0xd3:
        this.at += 8
        return this.bytes.readBigInt64BE(this.at - 8)
      case 0xd4:
        return this.recordDefinition()
      case 0xd9:
        return this.string(this.uint(1))
      case 0xda:
        return this.string(this.uint(2))
      case 0xdb:
        return this.string(this.uint(4))
      case 0xdc:
        return this.array(this.uint(2))
      case 0xdd:
        return this.array(this.uint(4))
      case 0xde:
        return this.map(this.uint(2))
      case 0xdf:
        return this.map(this.uint(4))
      default:
        throw malformed('token')
    }
  }

  private map(size: number): Record<string, unknown> {
    this.enter(size)
    this.budget.object(size)
    const isShape = size <= MAX_SHAPE_KEYS
    const object: Record<string, unknown> = {}
    let slots = 0
    for (let i = 0; i < size; i++) {
      const key = isShape ? this.key() : this.longKey()
      if (beginsWithDigit(key)) slots = this.budget.index(key, slots)
      object[key] = this.value()
    }
    this.depth--
    return object
  }

  private recordDefinition(): Record<string, unknown> {
    if (this.uint(1) !== RECORD_TYPE) throw malformed('extension')
    const id = this.uint(1) - FIRST_RECORD
    const header = this.uint(1)
    const size = header === 0xdc ? this.uint(2) : header - 0x90
    if (size < 1 || size > MAX_SHAPE_KEYS || id < 0 || id >= 0x40) throw malformed('record')
    const keys: string[] = []
    for (let i = 0; i < size; i++) keys.push(this.key())
    const record: RecordKeys = { keys, hasIndex: keys.some(beginsWithDigit) }
    this.records[id] = record
    return this.record(record)
  }

  private record(record: RecordKeys | undefined): Record<string, unknown> {
    if (record === undefined) throw malformed('record')
    const { keys } = record
    this.enter(keys.length)
    this.budget.object(keys.length)
    if (record.hasIndex) this.budget.indices(keys)
    const object: Record<string, unknown> = {}
    for (let i = 0; i < keys.length; i++) object[keys[i]!] = this.value()
    this.depth--
    return object
  }

  private array(length: number): unknown[] {
    this.enter(length)
    this.budget.array(length)
    const array: unknown[] = []
    for (let i = 0; i < length; i++) array.push(this.value())
    this.depth--
    return array
  }

  /** Every element takes a byte at least, so a length beyond what is left is a lie. */
  private enter(length: number): void {
    if (length > this.bytes.length - this.at) throw malformed('length')
    if (++this.depth > MAX_DEPTH) throw malformed('depth')
  }

  private string(length: number): string {
    const { at, bytes } = this
    const end = this.skip(length)
    if (length >= SLICED_CHARACTERS && this.text.length > SHORT_TEXT) return bytes.toString('utf8', at, end)
    for (let i = at; i < end; i++) if (bytes[i]! > 0x7f) return bytes.toString('utf8', at, end)
    return this.text.slice(at, end)
  }

  private binary(length: number): Buffer {
    const { at } = this
    return this.bytes.subarray(at, this.skip(length))
  }

  /** Compared with the one that last had the same length and ends: the same string again is one that V8 finds at once. */
  private key(): string {
    const { bytes } = this
    const length = bytes[this.at]! - 0xa0
    if (!(length > 0 && length <= LONGEST_CACHED_KEY)) return this.longKey()
    const at = ++this.at
    const end = this.skip(length)
    const slot = (length * 37 + bytes[at]! * 5 + bytes[end - 1]! * 11) % CACHED_KEYS
    const known = this.keys[slot]!
    if (known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[at + i]) i++
      if (i === length) return known
    }
    this.at = at - 1
    return this.learnKey(slot)
  }

  private learnKey(slot: number): string {
    // As a property name it is the one copy of it that V8 keeps.
    const key = Object.keys({ [this.longKey()]: 0 })[0]!
    this.keys[slot] = key
    return key
  }

  private longKey(): string {
    const token = this.uint(1)
    if (token < 0xa0 || (token >= 0xc0 && token < 0xd9) || token > 0xdb) throw malformed('key')
    const key = this.string(token < 0xc0 ? token & 0x1f : this.uint(2 ** (token - 0xd9)))
    if (key === '__proto__') throw malformed('key')
    return key
  }

  private uint(size: number): number {
    const { bytes } = this
    const end = this.skip(size)
    let value = 0
    for (let at = end - size; at < end; at++) value = value * 256 + bytes[at]!
    return value
  }

  /** Moves on and answers the new position; what ends there must exist. */
  private skip(length: number): number {
    const end = this.at + length
    if (end > this.bytes.length) throw malformed('end')
    this.at = end
    return end
  }
}

function malformed(what: string): Error {
  return new Error(`not what this codec writes: wrong ${what}`)
}
