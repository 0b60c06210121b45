// The fields that envelope headers are made of: varints, strings and tokens, written to and read from bytes.
import type { Bytes, Token } from '../../model/ports.js'
import { isWellFormed } from '../../model/text/well-formed.js'

export const TOKEN_BYTES = 16

/** What a varint can hold at most; a duration without end is written as this. */
export const LARGEST_VARINT = Number.MAX_SAFE_INTEGER

const LONGEST_VARINT_BYTES = 8
/** What bitwise operators can put together of whole bytes. */
const SHORT_VARINT_BITS = 28

const SHORT_CHARACTERS = 32

/** For most tags, and faster than a call into Node. */
function isShortAscii(text: string): boolean {
  if (text.length > SHORT_CHARACTERS) return false
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

/** Writes fields one after another: into the bytes given, and into larger ones once those are full. */
export class FieldWriter {
  constructor(
    public bytes: Buffer,
    public at: number,
  ) {}

  /** What was written, with what stood before it. */
  written(): Buffer {
    return this.bytes.subarray(0, this.at)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  /** Unsigned LEB128 of a safe integer. */
  varint(value: number): void {
    this.reserve(LONGEST_VARINT_BYTES)
    let rest = value
    // Bitwise operators would cut it to 32 bits.
    while (rest >= 0x80000000) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.at++] = rest
  }

  /** Bytes as they are. */
  append(bytes: Bytes): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Byte length doubled, plus 1 for UTF-16, which carries what UTF-8 cannot: lone surrogates. */
  string(text: string): void {
    if (isShortAscii(text)) {
      this.varint(text.length * 2)
      this.reserve(text.length)
      for (let i = 0; i < text.length; i++) this.bytes[this.at++] = text.charCodeAt(i)
      return
    }
    const isUtf8 = isWellFormed(text)
    const bytes = isUtf8 ? Buffer.byteLength(text) : text.length * 2
    this.varint(bytes * 2 + (isUtf8 ? 0 : 1))
    this.reserve(bytes)
    this.bytes.write(text, this.at, isUtf8 ? 'utf8' : 'utf16le')
    this.at += bytes
  }

  token(token: Token): void {
    this.reserve(TOKEN_BYTES)
    for (let i = 0; i < TOKEN_BYTES * 2; i += 2) {
      this.bytes[this.at++] = (digitOf(token.charCodeAt(i)) << 4) | digitOf(token.charCodeAt(i + 1))
    }
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return
    // Twice what is written, not twice the room: most of that may be for a payload.
    const larger = Buffer.allocUnsafe(Math.max(this.at * 2, this.at + bytes))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }
}

/** Reads fields one after another; throws when they are not there. */
export class FieldReader {
  constructor(
    private readonly bytes: Bytes,
    public at: number,
  ) {}

  byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new RangeError('the header ends early')
    return byte
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < SHORT_VARINT_BITS; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return this.longVarint(value)
  }

  /** The rest of a number whose first bytes are read: bitwise operators would cut it. */
  private longVarint(firstBits: number): number {
    let value = firstBits
    for (let factor = 2 ** SHORT_VARINT_BITS; factor <= LARGEST_VARINT; factor *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) break
    }
    if (value > LARGEST_VARINT) throw new RangeError('a number is too large')
    return value
  }

  string(): string {
    const header = this.varint()
    const length = Math.floor(header / 2)
    const end = this.skip(length)
    const bytes = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + end - length, length)
    return bytes.toString(header % 2 === 0 ? 'utf8' : 'utf16le')
  }

  token(): Token {
    const end = this.skip(TOKEN_BYTES)
    let token = ''
    for (let at = end - TOKEN_BYTES; at < end; at++) token += HEX[this.bytes[at]!]!
    return token
  }

  /** Passes over the first `length` of `expected` if they stand here; returns whether they do. */
  skipIfEqual(expected: Bytes, length: number): boolean {
    const { bytes, at } = this
    for (let i = 0; i < length; i++) if (bytes[at + i] !== expected[i]) return false
    this.at = at + length
    return true
  }

  /** Passes over a string. */
  skipString(): void {
    this.skip(Math.floor(this.varint() / 2))
  }

  /** Moves on and returns the new position. */
  skip(length: number): number {
    const end = this.at + length
    if (end > this.bytes.length) throw new RangeError('the header ends early')
    this.at = end
    return end
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The value of a lower-case hex digit, given as character code. */
function digitOf(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57
}
