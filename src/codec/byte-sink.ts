// Where the codec writes: a growing buffer with the few msgpack forms that it needs. Big-endian, as msgpack is.
import { isWellFormed } from './well-formed.js'

const FIRST_BYTES = 16_384
/** A larger buffer is given back after use. */
const KEPT_BYTES = 1_048_576
/** Room that is always left: no scalar takes more. */
const MARGIN_BYTES = 16
/** Below this a loop beats the call into Node's own writer. */
const SHORT_CHARACTERS = 48

export class ByteSink {
  /** The next byte to write. */
  at = 0
  private bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  private view = viewOf(this.bytes)
  private limit = FIRST_BYTES - MARGIN_BYTES

  /** Makes sure that a scalar fits. To be called once before each value. */
  reserve(): void {
    if (this.at > this.limit) this.grow(MARGIN_BYTES)
  }

  byte(value: number): void {
    this.bytes[this.at++] = value
  }

  uint32(value: number): void {
    this.view.setUint32(this.at, value)
    this.at += 4
  }

  byteAt(position: number, value: number): void {
    this.bytes[position] = value
  }

  uint32At(position: number, value: number): void {
    this.view.setUint32(position, value)
  }

  number(value: number): void {
    const { bytes } = this
    if (value >>> 0 === value && !Object.is(value, -0)) {
      // 64 to 127 would be read as records.
      if (value < 0x40) bytes[this.at++] = value
      else if (value < 0x100) {
        bytes[this.at++] = 0xcc
        bytes[this.at++] = value
      } else if (value < 0x10000) {
        bytes[this.at++] = 0xcd
        bytes[this.at++] = value >> 8
        bytes[this.at++] = value
      } else {
        bytes[this.at++] = 0xce
        this.uint32(value)
      }
    } else if (value >> 0 === value && value !== 0) {
      if (value >= -0x20) bytes[this.at++] = value
      else {
        bytes[this.at++] = 0xd2
        this.view.setInt32(this.at, value)
        this.at += 4
      }
    } else {
      bytes[this.at++] = 0xcb
      this.view.setFloat64(this.at, value)
      this.at += 8
    }
  }

  bigint64(value: bigint): void {
    this.bytes[this.at++] = 0xd3
    this.view.setBigInt64(this.at, value)
    this.at += 8
  }

  mapHeader(size: number): void {
    this.header(size, 0x80, 0xde)
  }

  arrayHeader(size: number): void {
    this.header(size, 0x90, 0xdc)
  }

  binary(value: Uint8Array): void {
    this.room(value.length + 5)
    this.bytes[this.at++] = 0xc6
    this.uint32(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** Writes a string and answers `true`, or nothing and answers `false` when UTF-8 would damage it. */
  string(text: string): boolean {
    const { length } = text
    if (length >= SHORT_CHARACTERS) return this.longString(text)
    this.room(length + 2)
    const { bytes } = this
    let at = this.at
    if (length < 0x20) bytes[at++] = 0xa0 | length
    else {
      bytes[at++] = 0xd9
      bytes[at++] = length
    }
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return this.longString(text)
      bytes[at++] = unit
    }
    this.at = at
    return true
  }

  /** What was written, copied out, so that the buffer can be used again. */
  copy(from: number): Buffer {
    const copy = Buffer.allocUnsafe(this.at - from)
    this.bytes.copy(copy, 0, from, this.at)
    return copy
  }

  /** Back to the start. Gives memory back that only an exceptional value needed. */
  reset(at: number): void {
    this.at = at
    if (this.bytes.length > KEPT_BYTES) this.use(Buffer.allocUnsafeSlow(FIRST_BYTES))
  }

  private longString(text: string): boolean {
    const { length } = text
    this.room(length * 3 + 5)
    // Where it would stand if it were ASCII; most are, and then nothing moves.
    const guess = stringHeaderBytes(length)
    const written = this.bytes.write(text, this.at + guess, 'utf8')
    if (written !== length && !isWellFormed(text)) return false
    const needed = stringHeaderBytes(written)
    if (needed !== guess) this.bytes.copyWithin(this.at + needed, this.at + guess, this.at + guess + written)
    if (needed === 1) this.byte(0xa0 | written)
    else if (needed === 2) {
      this.byte(0xd9)
      this.byte(written)
    } else if (needed === 3) {
      this.byte(0xda)
      this.byte(written >> 8)
      this.byte(written)
    } else {
      this.byte(0xdb)
      this.uint32(written)
    }
    this.at += written
    return true
  }

  private header(size: number, short: number, long: number): void {
    const { bytes } = this
    if (size < 0x10) bytes[this.at++] = short | size
    else if (size < 0x10000) {
      bytes[this.at++] = long
      bytes[this.at++] = size >> 8
      bytes[this.at++] = size
    } else {
      bytes[this.at++] = long + 1
      this.uint32(size)
    }
  }

  private room(needed: number): void {
    if (this.at + needed > this.limit) this.grow(needed + MARGIN_BYTES)
  }

  private grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + needed))
    this.bytes.copy(larger, 0, 0, this.at)
    this.use(larger)
  }

  private use(bytes: Buffer): void {
    this.bytes = bytes
    this.view = viewOf(bytes)
    this.limit = bytes.length - MARGIN_BYTES
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function stringHeaderBytes(length: number): number {
  if (length < 0x20) return 1
  if (length < 0x100) return 2
  return length < 0x10000 ? 3 : 5
}
