// The check of a payload before msgpackr reads it: that library trusts its input, while here anybody may have written it. It passes over the
// bytes once, accepts only what this codec writes, and takes what each part will need from the budget.
import { isUtf8 } from 'node:buffer'
import type { DecodeBudget } from './decode-budget.js'
import { MAX_RECORD_KEYS } from './hole-maker.js'
import { BINARY_TOKEN, HOLE_TOKEN } from './msgpackr.js'

const RECORD_TYPE = 0x72
const BUNDLE_TYPE = 0x62
const FIRST_RECORD = 0x40
const RECORDS = 0x40
/** The writer's limit and what the rich form adds. */
const MAX_DEPTH = 128
const FORBIDDEN_KEY = '__proto__'
const UNDERSCORE = 0x5f
const BYTE_ORDER_MARK = 0xfeff

/** How many bytes a number takes. */
const NUMBER_BYTES = byToken({ 204: 1, 208: 1, 205: 2, 209: 2, 206: 4, 210: 4, 203: 8, 211: 8 })
/** How many bytes the length of a text takes. */
const TEXT_LENGTH_BYTES = byToken({ 217: 1, 218: 2, 219: 4 })

/** The keys of a record: how many, and those that may be indices. */
interface RecordShape {
  readonly size: number
  readonly indices: readonly string[]
}

/** What msgpackr makes of many texts of a payload: one text of those that are ASCII and one of the others, of which it cuts each. */
interface Bundle {
  readonly wide: string
  readonly ascii: string
  wideAt: number
  asciiAt: number
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
  /** Where the texts of the open bundle begin and end. Without one, the value ends where the bytes do. */
  private bundleAt: number
  private bundleEnd: number
  private bundle: Bundle | undefined
  private readonly records: (RecordShape | undefined)[] = []

  constructor(
    private readonly bytes: Buffer,
    private readonly form: 'plain' | 'rich',
    private readonly budget: DecodeBudget,
  ) {
    this.at = form === 'rich' ? 1 : 0
    this.bundleAt = bytes.length
    this.bundleEnd = bytes.length
  }

  run(): void {
    this.value()
    // Also where the last value claims more than there is.
    if (this.at !== this.bundleAt || this.bundleEnd !== this.bytes.length) throw malformed('end')
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
    const numberBytes = NUMBER_BYTES[token]!
    const lengthBytes = TEXT_LENGTH_BYTES[token]!
    if (numberBytes !== 0) this.at += numberBytes
    else if (lengthBytes !== 0) this.skip(this.uint(lengthBytes))
    else if (token === 0xc0 || token === 0xc2 || token === 0xc3) return
    else if (token === 0xdc) this.array(this.uint(2))
    else if (token === 0xdd) this.array(this.uint(4))
    else if (token === 0xde) this.map(this.uint(2))
    else if (token === 0xdf) this.map(this.uint(4))
    else if (token === 0xd4) this.recordDefinition()
    else if (this.form === 'rich') this.holeOrBinary(token)
    else if (token === HOLE_TOKEN) this.bundledLength(this.bundle)
    else this.bundledValue(token)
  }

  private holeOrBinary(token: number): void {
    if (token === BINARY_TOKEN) this.skip(this.uint(4))
    else if (token !== HOLE_TOKEN) throw malformed('token')
  }

  /** A value before which a bundle begins: the place of its two texts, and in 16 bits those of the bundle before. */
  private bundledValue(token: number): void {
    this.enter(0)
    this.openBundle(token)
    this.value()
    this.depth--
  }

  private openBundle(token: number): void {
    if (token !== 0xd6 && token !== 0xc8) throw malformed('token')
    const size = token === 0xd6 ? 4 : this.uint(2)
    if (this.uint(1) !== BUNDLE_TYPE) throw malformed('extension')
    const from = this.at
    const bundleAt = from + this.uint(4)
    // Behind the bundle before: so no text is read twice, however many bundles there are.
    if (size < 4 || bundleAt < from + size || (this.bundle && bundleAt < this.bundleEnd)) throw malformed('bundle')
    this.at = this.bundleAt = bundleAt
    this.bundle = { wide: this.bundleText(), ascii: this.bundleText(), wideAt: 0, asciiAt: 0 }
    this.bundleEnd = this.at
    this.at = from + size
  }

  /** Passes over a text of the bundle; returns its length, which stands here: negative if the text is not ASCII. */
  private bundledLength(bundle: Bundle | undefined): number {
    if (bundle === undefined) throw malformed('token')
    const length = this.integer()
    if (length > 0) bundle.asciiAt += length
    else bundle.wideAt -= length
    return length
  }

  private bundledText(bundle: Bundle): string {
    const length = this.bundledLength(bundle)
    return length > 0
      ? bundle.ascii.slice(bundle.asciiAt - length, bundle.asciiAt)
      : bundle.wide.slice(bundle.wideAt + length, bundle.wideAt)
  }

  private integer(): number {
    const token = this.uint(1)
    if (token < 0x40) return token
    if (token >= 0xe0) return token - 0x100
    if (token === 0xcc) return this.uint(1)
    if (token === 0xcd) return this.uint(2)
    if (token === 0xd0) return (this.uint(1) << 24) >> 24
    if (token === 0xd1) return (this.uint(2) << 16) >> 16
    throw malformed('length')
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
    const token = this.bytes[this.at]!
    if (token === 0xd6 || token === 0xc8) {
      this.at++
      this.enter(0)
      this.openBundle(token)
      const key = this.key()
      this.depth--
      return key
    }
    if (token === HOLE_TOKEN && this.bundle !== undefined) {
      this.at++
      return this.checkedKey(this.bundledText(this.bundle))
    }
    const length = this.textLength()
    const first = this.bytes[this.at]!
    const isOfInterest = length > 0 && (isDigit(first) || (length === FORBIDDEN_KEY.length && first === UNDERSCORE))
    return isOfInterest ? this.checkedKey(this.textOf(length)) : this.skip(length)
  }

  private checkedKey(key: string): string | undefined {
    if (key === FORBIDDEN_KEY) throw malformed('key')
    return isDigit(key.charCodeAt(0)) ? key : undefined
  }

  private textLength(): number {
    const token = this.uint(1)
    if (token >= 0xa0 && token < 0xc0) return token & 0x1f
    const lengthBytes = TEXT_LENGTH_BYTES[token]!
    if (lengthBytes === 0) throw malformed('key')
    return this.uint(lengthBytes)
  }

  /** What decoders read differently is refused, so that both cut at the same places: a byte order mark, and what is no UTF-8. */
  private bundleText(): string {
    const length = this.textLength()
    const text = this.textOf(length)
    const isValid = isUtf8(this.bytes.subarray(this.at - length, this.at))
    if (!isValid || text.charCodeAt(0) === BYTE_ORDER_MARK) throw malformed('bundle')
    return text
  }

  private textOf(length: number): string {
    this.skip(length)
    return this.bytes.toString('utf8', this.at - length, this.at)
  }

  private skip(length: number): undefined {
    this.at += length
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

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function byToken(bytes: Readonly<Record<number, number>>): Uint8Array {
  const table = new Uint8Array(256)
  for (const [token, count] of Object.entries(bytes)) table[Number(token)] = count
  return table
}

function malformed(what: string): Error {
  return new Error(`not what this codec writes: wrong ${what}`)
}
