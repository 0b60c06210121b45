// The check of a payload before msgpackr reads it: that library trusts its input, while here anybody may have written it. It passes over the
// bytes once, accepts only what this codec writes, and takes what each part will need from the budget.
import type { DecodeBudget } from './decode-budget.js'
import { MAX_RECORD_KEYS } from './hole-maker.js'
import { BINARY_TOKEN, HOLE_TOKEN } from './msgpackr.js'

const RECORD_TYPE = 0x72
const FIRST_RECORD = 0x40
const RECORDS = 0x40
/** The writer's limit and what the rich form adds. */
const MAX_DEPTH = 128
const FORBIDDEN_KEY = '__proto__'
const UNDERSCORE = 0x5f

type ByToken = Readonly<Record<number, number>>
/** How many bytes a number takes. */
const NUMBER_BYTES: ByToken = { 204: 1, 208: 1, 205: 2, 209: 2, 206: 4, 210: 4, 203: 8, 211: 8 }
/** How many bytes the length of a text takes. */
const TEXT_LENGTH_BYTES: ByToken = { 217: 1, 218: 2, 219: 4 }

/** The keys of a record: how many, and those that may be indices. */
interface RecordShape {
  readonly size: number
  readonly indices: readonly string[]
}

/**
 * Throws if `bytes` are not exactly one value as this codec writes it, or one beyond the budget. Afterwards a decoder may read them: it
 * recurses at most 128 levels, allocates nothing that a length merely claims, meets no extension but records, and no key `__proto__`.
 */
export function checkPayload(bytes: Buffer, form: 'plain' | 'rich', budget: DecodeBudget): void {
  new PayloadCheck(bytes, form, budget).run()
}

class PayloadCheck {
  private at: number
  private depth = 0
  private readonly records: (RecordShape | undefined)[] = []

  constructor(
    private readonly bytes: Buffer,
    private readonly form: 'plain' | 'rich',
    private readonly budget: DecodeBudget,
  ) {
    this.at = form === 'rich' ? 1 : 0
  }

  run(): void {
    this.value()
    // Also where the last value claims more than there is.
    if (this.at !== this.bytes.length) throw malformed('end')
  }

  private value(): void {
    const token = this.bytes[this.at++]
    if (token === undefined) throw malformed('end')
    if (token < 0x40 || token >= 0xe0) return
    if (token < 0x80) this.record(this.records[token - FIRST_RECORD])
    else if (token < 0x90) this.map(token & 0x0f)
    else if (token < 0xa0) this.array(token & 0x0f)
    else if (token < 0xc0) this.at += token & 0x1f
    else this.longValue(token)
  }

  private longValue(token: number): void {
    const numberBytes = NUMBER_BYTES[token]
    const lengthBytes = TEXT_LENGTH_BYTES[token]
    if (numberBytes !== undefined) this.at += numberBytes
    else if (lengthBytes !== undefined) this.skip(this.uint(lengthBytes))
    else if (token === 0xc0 || token === 0xc2 || token === 0xc3) return
    else if (token === 0xdc) this.array(this.uint(2))
    else if (token === 0xdd) this.array(this.uint(4))
    else if (token === 0xde) this.map(this.uint(2))
    else if (token === 0xdf) this.map(this.uint(4))
    else if (token === 0xd4) this.recordDefinition()
    else if (this.form === 'plain') throw malformed('token')
    else if (token === BINARY_TOKEN) this.skip(this.uint(4))
    else if (token !== HOLE_TOKEN) throw malformed('token')
  }

  private array(length: number): void {
    this.enter(length)
    this.budget.array(length)
    for (let i = 0; i < length; i++) this.value()
    this.depth--
  }

  private map(size: number): void {
    this.enter(size)
    this.budget.object(size)
    let slots = 0
    for (let i = 0; i < size; i++) {
      const index = this.key()
      if (index !== undefined) slots = this.budget.index(index, slots)
      this.value()
    }
    this.depth--
  }

  private recordDefinition(): void {
    if (this.uint(1) !== RECORD_TYPE) throw malformed('extension')
    const id = this.uint(1) - FIRST_RECORD
    const header = this.uint(1)
    const size = header === 0xdc ? this.uint(2) : header - 0x90
    const isArray = header === 0xdc || (header >= 0x90 && header < 0xa0)
    if (!isArray || size > MAX_RECORD_KEYS || id < 0 || id >= RECORDS) throw malformed('record')
    const indices: string[] = []
    for (let i = 0; i < size; i++) {
      const index = this.key()
      if (index !== undefined) indices.push(index)
    }
    const record = { size, indices }
    this.records[id] = record
    this.record(record)
  }

  private record(record: RecordShape | undefined): void {
    if (record === undefined) throw malformed('record')
    this.enter(record.size)
    this.budget.object(record.size)
    if (record.indices.length > 0) this.budget.indices(record.indices)
    for (let i = 0; i < record.size; i++) this.value()
    this.depth--
  }

  /** Every element takes a byte at least, so a length beyond what is left is a lie. */
  private enter(length: number): void {
    if (length > this.bytes.length - this.at) throw malformed('length')
    if (++this.depth > MAX_DEPTH) throw malformed('depth')
  }

  /** Passes over a key; returns it if it may be an index. */
  private key(): string | undefined {
    const token = this.uint(1)
    if (token < 0xa0 || (token >= 0xc0 && token < 0xd9) || token > 0xdb) throw malformed('key')
    const length = token < 0xc0 ? token & 0x1f : this.uint(2 ** (token - 0xd9))
    const from = this.at
    this.at += length
    if (length === FORBIDDEN_KEY.length && this.bytes[from] === UNDERSCORE && this.text(from) === FORBIDDEN_KEY)
      throw malformed('key')
    const first = this.bytes[from]!
    return length > 0 && first >= 0x30 && first <= 0x39 ? this.text(from) : undefined
  }

  private skip(length: number): void {
    this.at += length
  }

  private text(from: number): string {
    return this.bytes.toString('utf8', from, this.at)
  }

  private uint(size: number): number {
    const { bytes } = this
    const end = this.at + size
    if (end > bytes.length) throw malformed('end')
    let value = 0
    while (this.at < end) value = value * 256 + bytes[this.at++]!
    return value
  }
}

function malformed(what: string): Error {
  return new Error(`not what this codec writes: wrong ${what}`)
}
