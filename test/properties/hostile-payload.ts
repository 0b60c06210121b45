// Payloads and headers as an attacker would make them: nearly right, in shapes that expand a few bytes to much memory.
import { Kind } from '../../src/codec/payload/special-kinds.js'

/** Whole numbers from 0 to below `limit`, the same for the same seed (mulberry32). */
export function drawsOf(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

type Draw = (limit: number) => number

const KINDS = [...Object.values(Kind).filter((kind) => kind !== Kind.firstView), 32, 35, 41, 43, 44, 255]
const SOURCES = ['a', '(a{1,1000}){1,1000}', '\\p{L}', '[\\W]', '(?<=a)', '(', 'x'.repeat(300), '[a--b]']
const FLAGS = ['', 'i', 'u', 'iu', 'v', 'iv', 'uv', 'gimsuyd', 'zz']
const NAMES = [
  'a',
  '__proto__',
  'then',
  'toJSON',
  '0',
  '1000',
  '4294967295',
  'length',
  'constructor',
  '$tiercache',
  'é',
]
const LENGTHS = [0, 1, 3, 15, 16, 1000, 1023, 65_535, 999_999, 1_000_001, 2 ** 31, 2 ** 32 - 1]

/** A payload of the default codec. Every third one is plain msgpack. */
export function hostilePayload(draw: Draw): Buffer {
  const out: number[] = []
  if (draw(3) === 0) {
    new Payload(draw, out).value(0)
    return Buffer.from(out)
  }
  const payload = new Payload(draw, out)
  const kinds = Array.from({ length: draw(6) }, () => KINDS[draw(KINDS.length)]!)
  const parts = kinds.filter((kind) => kind !== Kind.undefined).length
  out.push(0xc1, 0xdd, ...uint(parts + 2 + (draw(20) === 0 ? 1 : 0), 4))
  payload.tree(kinds.length)
  for (const kind of kinds) if (kind !== Kind.undefined) payload.part(kind)
  out.push(0xc6, ...uint(kinds.length, 4), ...kinds)
  for (let changes = draw(3); changes > 0; changes--) out[draw(out.length)] = draw(256)
  return Buffer.from(out)
}

class Payload {
  constructor(
    private readonly draw: Draw,
    private readonly out: number[],
  ) {}

  /** An array of holes, mostly as many as there are special values. */
  tree(holes: number): void {
    const count = this.draw(8) === 0 ? this.draw(6) : holes
    this.arrayHeader(count)
    for (let i = 0; i < count; i++) this.out.push(0xc1)
  }

  /** A payload that a special value of `kind` may have. */
  part(kind: number): void {
    const { draw } = this
    if (draw(10) === 0) {
      this.value(1)
      return
    }
    switch (kind) {
      case Kind.bigint:
        this.text(`${draw(2) === 0 ? '-' : ''}${'f'.repeat(draw(6) === 0 ? 20_000 : draw(40))}`)
        break
      case Kind.regexp:
        this.text(`${draw(3)}/${FLAGS[draw(FLAGS.length)]}/${this.source()}`)
        break
      case Kind.url:
        this.text(['http://a/b', 'http://é', 'nothing', 'data:,'][draw(4)]!)
        break
      case Kind.sparse:
        this.arrayHeader(3)
        this.number(LENGTHS[draw(LENGTHS.length)]!)
        this.text(String(LENGTHS[draw(LENGTHS.length)]))
        this.value(2)
        break
      case Kind.error:
        this.arrayHeader(4)
        this.number(draw(10))
        this.text(NAMES[draw(NAMES.length)]!)
        this.out.push(0xc2 + draw(2))
        this.value(2)
        break
      case Kind.date:
      case Kind.reference:
        this.number(LENGTHS[draw(LENGTHS.length)]!)
        break
      case Kind.map:
      case Kind.set:
      case Kind.bare:
      case Kind.entries:
        this.pairs()
        break
      case Kind.node:
        this.value(1)
        break
      default:
        this.binary(draw(40))
    }
  }

  value(depth: number): void {
    const { draw, out } = this
    switch (depth > 5 ? draw(6) : draw(14)) {
      case 0:
        out.push(draw(256))
        break
      case 1:
        out.push(0xc1)
        break
      case 2:
        this.number(LENGTHS[draw(LENGTHS.length)]!)
        break
      case 3:
        this.text(NAMES[draw(NAMES.length)]!)
        break
      case 4:
        this.binary(draw(20))
        break
      case 5:
        out.push(0xc0 + draw(4))
        break
      case 6:
        // A length that may be wrong.
        out.push(0xdd, ...uint(LENGTHS[draw(LENGTHS.length)]!, 4))
        break
      case 7:
        out.push(...new Array<number>(draw(300)).fill(draw(2) === 0 ? 0x91 : 0x90))
        break
      case 8:
        out.push(0xd4, 0x72, 0x40 + draw(4), 0x92)
        this.text(NAMES[draw(NAMES.length)]!)
        this.text(NAMES[draw(NAMES.length)]!)
        this.value(depth + 1)
        this.value(depth + 1)
        break
      case 9:
        out.push(0x40 + draw(4))
        this.value(depth + 1)
        this.value(depth + 1)
        break
      default: {
        const size = draw(4)
        const isMap = draw(2) === 0
        out.push((isMap ? 0x80 : 0x90) | size)
        for (let i = 0; i < size; i++) {
          if (isMap) this.text(NAMES[draw(NAMES.length)]!)
          this.value(depth + 1)
        }
      }
    }
  }

  private source(): string {
    const { draw } = this
    // Rarely, since each takes milliseconds to create.
    if (draw(2000) === 0) return '\\p{RGI_Emoji}'.repeat(1 + draw(6))
    return SOURCES[draw(SOURCES.length)]!.repeat(1 + draw(4) ** 3)
  }

  private pairs(): void {
    const count = this.draw(5)
    this.arrayHeader(count)
    for (let i = 0; i < count; i++) {
      if (i % 2 === 0) this.text(NAMES[this.draw(NAMES.length)]!)
      else this.value(2)
    }
  }

  private arrayHeader(length: number): void {
    this.out.push(0xdc, ...uint(length, 2))
  }

  private number(value: number): void {
    this.out.push(0xce, ...uint(value, 4))
  }

  private text(characters: string): void {
    const bytes = Buffer.from(characters)
    this.out.push(0xdb, ...uint(bytes.length, 4), ...bytes)
  }

  private binary(length: number): void {
    this.out.push(0xc6, ...uint(length, 4))
    for (let i = 0; i < length; i++) this.out.push(this.draw(256))
  }
}

function uint(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** (size - 1 - i)) % 256)
}
