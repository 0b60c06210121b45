// Someone who can write to the same Redis, without an encryption key. The entries are intact except for their content: a few bytes that
// expand to much memory or that take long to decode.
import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  CorruptPayload,
  createEntryCodec,
  type EntryCodec,
  type EntryFields,
  type StoredEntry,
} from '../../src/codec/entry-codec.js'
import { FieldWriter } from '../../src/codec/envelope/wire-fields.js'
import { DecodeBudget, OverBudget } from '../../src/codec/payload/decode-budget.js'
import { Kind } from '../../src/codec/payload/special-kinds.js'
import type { Codec, Compressor } from '../../src/model/ports.js'
import { reseal } from '../unit/codec/reseal.js'

const KEY = 'shop:user:1'
const SCOPES = ['c:shop']
const TOKEN = '00112233445566778899aabbccddeeff'
const MIB = 1024 * 1024

const victim = createEntryCodec()

describe('an entry of a few kilobytes', () => {
  test('that would inflate to 64 MB is refused before it is inflated', () => {
    const opened = victim.open(compressed(Buffer.alloc(64 * MIB, 0x90), { maxValueBytes: 64 * MIB }), KEY, SCOPES)
    expect(opened).toEqual({ corrupt: 'too-large' })
  })

  test.each([
    ['empty arrays', 0x90],
    ['empty objects', 0x80],
  ])('that inflates to 8 MB of %s is refused once the budget of the decoder is used up', (_, token) => {
    const containers = Buffer.alloc(8 * MIB - 100, token)
    // An array of 2^23 containers.
    Buffer.from([0xdd, 0, 0x7f, 0xff, 0x97]).copy(containers)
    expect(causeOf(compressed(containers))).toBeInstanceOf(OverBudget)
  })

  test('that inflates to 64 MB of empty arrays is refused by the budget also where values may be that large', () => {
    const containers = Buffer.alloc(64 * MIB - 100, 0x90)
    Buffer.from([0xdd, 0x03, 0xff, 0xff, 0x00]).copy(containers)
    const large = { maxValueBytes: 64 * MIB }
    expect(causeOf(compressed(containers, large), large)).toBeInstanceOf(OverBudget)
  })

  test('that inflates to a million objects with one large index each is refused by the budget', () => {
    // V8 needs 12 KB for { "1000": 0 }.
    const object = Buffer.from([0x81, 0xa4, 0x31, 0x30, 0x30, 0x30, 0])
    expect(causeOf(compressed(arrayOf(object, 1_000_000)))).toBeInstanceOf(OverBudget)
  })

  test('that inflates to a million records with one large index each is refused by the budget', () => {
    const definition = Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa4, 0x31, 0x30, 0x30, 0x30, 0])
    const record = Buffer.from([0x40, 0])
    const rows = Buffer.concat([definition, ...Array.from({ length: 1_000_000 }, () => record)])
    expect(causeOf(compressed(Buffer.concat([Buffer.from([0xdd, 0, 0x0f, 0x42, 0x41]), rows])))).toBeInstanceOf(
      OverBudget,
    )
  })

  test.each([
    ['Maps', Kind.map, Buffer.from([0x90])],
    ['Sets', Kind.set, Buffer.from([0x90])],
    ['errors', Kind.error, Buffer.from([0x91, 0])],
    ['views', Kind.firstView, Buffer.from([0xc6, 0, 0, 0, 0])],
    ['URLs', Kind.url, Buffer.from([0xa3, 0x61, 0x3a, 0x62])],
    ['objects of one large index', Kind.entries, Buffer.from([0x92, 0xa4, 0x31, 0x30, 0x30, 0x30, 0])],
    ['arrays with a thousand holes', Kind.sparse, Buffer.from([0x91, 0xcd, 0x03, 0xe8])],
  ])('that inflates to a million %s is refused by the budget', (_, kind, part) => {
    const count = Math.min(1_150_000, Math.floor((8 * MIB - 100) / (part.length + 2)))
    expect(causeOf(compressed(specials(kind, part, count)))).toBeInstanceOf(OverBudget)
  })

  test('that inflates to more than its header says is refused while it is inflated', () => {
    const bytes = forged(deflateRawSync(Buffer.alloc(4 * MIB)), { compressor: 1, rawBytes: 1000 })
    expect(problemOf(bytes)).toBe('bad-compression')
  })
})

describe('an entry with RegExps that take long to compile', () => {
  test('is refused if one has many property escapes, each of which takes V8 tens of milliseconds', () => {
    const source = '\\p{RGI_Emoji}'.repeat(80)
    expect(causeOf(forged(special(Kind.regexp, text(`0/iv/${source}`))))).toBeInstanceOf(OverBudget)
  })

  test('is refused if there are too many of them together', () => {
    const part = text('0/v/\\p{RGI_Emoji}')
    expect(causeOf(forged(specials(Kind.regexp, part, 5)))).toBeInstanceOf(OverBudget)
    expect(decoded(forged(specials(Kind.regexp, part, 4)))).toHaveLength(4)
  })

  test('is refused if their sources are too long', () => {
    const source = '[\\W]'.repeat(10_000)
    expect(causeOf(forged(special(Kind.regexp, text(`0/iv/${source}`))))).toBeInstanceOf(OverBudget)
    expect(causeOf(forged(specials(Kind.regexp, text(`0/iv/${source.slice(0, 4000)}`), 9)))).toBeInstanceOf(OverBudget)
  })

  test('is accepted if one nests counted repetitions, which cost time only when it is run', () => {
    let source = 'a{1,1000}'
    for (let depth = 0; depth < 100; depth++) source = `(${source}){1,1000}`
    expect(decoded(forged(special(Kind.regexp, text(`0//${source}`))))).toHaveProperty([0, 'source'], source)
  })
})

describe('an entry that claims more than it holds', () => {
  test('is refused with an array of 2^32 - 1 holes', () => {
    expect(causeOf(forged(special(Kind.sparse, Buffer.from([0x91, 0xce, 255, 255, 255, 255]))))).toBeInstanceOf(
      OverBudget,
    )
  })

  test('is refused with arrays that have 1.1 million holes together', () => {
    const part = Buffer.from([0x91, 0xce, 0, 1, 0x86, 0xa0])
    expect(causeOf(forged(specials(Kind.sparse, part, 11)))).toBeInstanceOf(OverBudget)
  })

  test('is refused with a BigInt of a million digits', () => {
    expect(causeOf(forged(special(Kind.bigint, text('f'.repeat(1_000_000)))))).toBeInstanceOf(OverBudget)
  })

  test('is refused with an error that has ten thousand properties', () => {
    const properties = Array.from({ length: 10_000 }, (_, i) => Buffer.concat([text(`p${i}`), Buffer.from([0xc3, 0])]))
    const head = Buffer.alloc(4)
    head[0] = 0xdc
    head.writeUInt16BE(30_001, 1)
    expect(causeOf(forged(special(Kind.error, Buffer.concat([head, ...properties]))))).toBeInstanceOf(OverBudget)
  })

  test('is refused if it is nested a million levels deep, in the tree or behind it', () => {
    expect(problemOf(forged(Buffer.alloc(MIB, 0x91)))).toBe('undecodable')
    expect(problemOf(forged(Buffer.concat([Buffer.from([0xc1]), Buffer.alloc(MIB, 0x91)])))).toBe('undecodable')
  })

  test('is refused if it claims to hold values of extensions and is a list of a hundred thousand levels', () => {
    let list: unknown
    for (let level = 0; level < 100_000; level++) list = { next: list }
    const bytes = victim.encode(fields(list))
    bytes[21] = bytes[21]! | 8
    expect(problemOf(reseal(bytes, KEY))).toBe('undecodable')
  })
})

describe('an entry whose keys all have the same hash', () => {
  // V8 hashes the last 64 bits of a BigInt, without a seed.
  const part = (i: number) => text(`${(i + 1).toString(16)}${'0'.repeat(16)}`)

  test.each([
    ['a Set', Kind.set, 1],
    ['a Map', Kind.map, 2],
  ])('is a miss instead of minutes of computing, with %s', (_, kind, itemsPerKey) => {
    const count = 100_000
    const items = Buffer.alloc(count * itemsPerKey, itemsPerKey === 1 ? Buffer.from([0xc1]) : Buffer.from([0xc1, 0xc0]))
    const bytes = richForm(
      [arrayHead(count * itemsPerKey, items), ...Array.from({ length: count }, (_, i) => part(i))],
      [kind, ...new Array<number>(count).fill(Kind.bigint)],
    )
    expect(causeOf(forged(bytes))).toMatchObject({ message: expect.stringContaining('collide') })
  })

  test('is read if the keys are few, and so are many keys with different hashes', () => {
    const few = Array.from({ length: 500 }, (_, i) => BigInt(i + 1) << 64n)
    expect(decoded(victim.encode(fields(new Set(few))))).toEqual(new Set(few))
    const many = new Map(Array.from({ length: 300_000 }, (_, i) => [i * 1.5, i]))
    expect((decoded(victim.encode(fields(many))) as Map<number, number>).size).toBe(300_000)
  })
})

test('an entry that takes many times its bytes in memory counts in L1 with its real size', () => {
  const opened = openedOf(victim.encode(fields(Array.from({ length: 100_000 }, () => []))))
  opened.value()
  expect(opened.weightBytes).toBeGreaterThan(4 * opened.rawBytes)
  const rows = Array.from({ length: 1000 }, (_, id) => ({
    id: id + 100_000,
    name: `name ${id}`,
    mail: `${id}@example.org`,
  }))
  const usual = openedOf(victim.encode(fields(rows)))
  usual.value()
  expect(usual.weightBytes).toBe(usual.rawBytes)
})

describe('a hole where a value belongs', () => {
  test.each([
    ['as the value', [0xc1]],
    ['in a plain object', [0x81, 0xa1, 0x61, 0xc1]],
    ['in a plain array', [0x91, 0xc1]],
    ['as the tree of the rich form, for which there is no special value', [0xc1, 0x92, 0xc1, 0xc6, 0, 0, 0, 0]],
    ['as a part of the rich form', [0xc1, 0x93, 0xc1, 0xc1, 0xc6, 0, 0, 0, 1, Kind.node]],
  ])('%s is refused', (_, bytes) => {
    expect(problemOf(forged(Buffer.from(bytes)))).toBe('undecodable')
  })
})

describe('a header', () => {
  test('that names 500,000 tags is refused before one of them is read', () => {
    const tag = Buffer.alloc(1 + 16)
    const bytes = withTags(500_000, Buffer.concat(Array.from({ length: 500_000 }, () => tag)))
    expect(victim.open(bytes, KEY, SCOPES)).toEqual({ corrupt: 'too-large' })
  })

  test('that names 2^53 - 1 tags and holds none is refused', () => {
    expect(victim.open(withTags(Number.MAX_SAFE_INTEGER, Buffer.alloc(0)), KEY, SCOPES)).toEqual({
      corrupt: 'too-large',
    })
  })

  test('with an etag of a megabyte is refused', () => {
    const bytes = forged(Buffer.from([0xc0]), { etag: 'e'.repeat(MIB) })
    expect(victim.open(bytes, KEY, SCOPES)).toEqual({ corrupt: 'too-large' })
  })

  test('before a payload that is larger than any entry may be is refused before its checksum is made', () => {
    const bytes = forged(Buffer.alloc(17 * MIB), { rawBytes: 10 })
    expect(victim.open(bytes, KEY, SCOPES)).toEqual({ corrupt: 'too-large' })
  })
})

describe('the encoder refuses what no decoder would accept:', () => {
  test('tags and etags beyond their limits', () => {
    const tags = Array.from({ length: 1001 }, (_, i) => `t:${i}`)
    const labels = { labels: [...SCOPES, ...tags], tokens: [TOKEN, ...tags.map(() => TOKEN)] }
    expect(() => victim.encode(fields(1, { labels }))).toThrow(/at most 1000 tags.*got 1001/)
    expect(() => victim.encode(fields(1, { etag: 'e'.repeat(4097) }))).toThrow(/at most 4096 characters.*got 4097/)
  })

  test.each([
    ['half a million empty arrays', (length: number) => Array.from({ length }, () => []), 500_000],
    [
      'two thousand objects with one large index each',
      (length: number) => Array.from({ length }, () => ({ 1000: 0 })),
      2_000,
    ],
    ['a hundred thousand Maps', (length: number) => Array.from({ length }, () => new Map()), 100_000],
  ])('%s where maxValueBytes is small, but nothing that a decoder accepts', (_, make, tooMany) => {
    const options = { maxValueBytes: 500_000, compress: false } as const
    const small = createEntryCodec(options)
    expect(() => small.encode(fields(make(tooMany)))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VALUE' }))
    // Whatever is encoded at the limit of the budget can be decoded.
    let [written, refused] = [1, tooMany]
    while (refused - written > 1 + refused / 100) {
      const length = (written + refused) >> 1
      if (isWritten(small, make(length))) written = length
      else refused = length
    }
    expect(decoded(small.encode(fields(make(written))), options)).toHaveLength(written)
  })
})

test('the budget is the same for every payload, however much the one before it used', () => {
  const budget = new DecodeBudget(0)
  for (let payload = 0; payload < 3; payload++) {
    budget.begin()
    budget.array(1_500_000)
    expect(() => budget.array(1_500_000)).toThrow(OverBudget)
  }
})

const fields = (value: unknown, changes: Partial<EntryFields> = {}): EntryFields => ({
  key: KEY,
  value,
  createdAtMs: 1_760_000_000_000,
  freshForMs: 1000,
  staleForMs: 2000,
  usableForMs: 3000,
  loadMs: 3,
  labels: { labels: SCOPES, tokens: [TOKEN] },
  scopeCount: 1,
  ...changes,
})

function isWritten(by: EntryCodec, value: unknown): boolean {
  try {
    by.encode(fields(value))
    return true
  } catch {
    return false
  }
}

interface Forgery {
  readonly compressor?: number
  readonly rawBytes?: number
  readonly etag?: string
}

/** An envelope with any payload and a correct checksum. */
function forged(payload: Buffer, { compressor = 0, rawBytes = payload.length, etag }: Forgery = {}): Buffer {
  const etagBytes = etag === undefined ? 0 : etag.length + 8
  const head = Buffer.alloc(128 + etagBytes)
  victim.encode(fields(null)).copy(head, 0, 0, 20)
  const out = new FieldWriter(head, 20)
  out.byte(1)
  out.byte((compressor << 4) | (etag === undefined ? 0 : 4))
  for (const field of [1_760_000_000_000, 1000, 2000, 3000, 3, 0, 1]) out.varint(field)
  out.token(TOKEN)
  out.varint(0)
  if (etag !== undefined) out.string(etag)
  out.varint(rawBytes)
  return reseal(Buffer.concat([head.subarray(0, out.at), payload]), KEY)
}

function withTags(count: number, tags: Buffer): Buffer {
  const head = Buffer.alloc(128)
  victim.encode(fields(null)).copy(head, 0, 0, 20)
  const out = new FieldWriter(head, 20)
  for (const byte of [1, 0]) out.byte(byte)
  for (const field of [1_760_000_000_000, 1000, 2000, 3000, 3, 0, 1]) out.varint(field)
  out.token(TOKEN)
  out.varint(count)
  return reseal(Buffer.concat([head.subarray(0, out.at), tags, Buffer.from([1, 0xc0])]), KEY)
}

/** An entry of `payload`, made by a codec and a compressor of the attacker. */
function compressed(payload: Buffer, options: { readonly maxValueBytes?: number } = {}): Buffer {
  const given: Codec = { id: 1, name: 'given', encode: (value) => value as Buffer, decode: (bytes) => bytes }
  const deflate: Compressor = { id: 1, name: 'deflate', compress: (b) => deflateRawSync(b), decompress: (b) => b }
  const bytes = createEntryCodec({ codec: given, compress: deflate, ...options }).encode(fields(payload))
  expect(bytes.length).toBeLessThan(payload.length / 50)
  return bytes
}

/** Plain msgpack: an array of `count` equal items. */
function arrayOf(item: Buffer, count: number): Buffer {
  const head = Buffer.alloc(5)
  head[0] = 0xdd
  head.writeUInt32BE(count, 1)
  return Buffer.concat([head, Buffer.alloc(item.length * count, item)])
}

/** The rich form of an array of `count` equal special values. */
function specials(kind: number, part: Buffer, count: number): Buffer {
  const [parts, kinds] = [Buffer.alloc(6), Buffer.alloc(5)]
  parts[0] = 0xc1
  parts[1] = 0xdd
  parts.writeUInt32BE(count + 2, 2)
  kinds[0] = 0xc6
  kinds.writeUInt32BE(count, 1)
  const tree = arrayOf(Buffer.from([0xc1]), count)
  return Buffer.concat([parts, tree, Buffer.alloc(part.length * count, part), kinds, Buffer.alloc(count, kind)])
}

/** The rich form of one special value and the values in its part. */
function richForm(parts: readonly Buffer[], kinds: readonly number[]): Buffer {
  const [head, kindsHead] = [Buffer.alloc(6), Buffer.alloc(5)]
  head[0] = 0xc1
  head[1] = 0xdd
  head.writeUInt32BE(parts.length + 2, 2)
  kindsHead[0] = 0xc6
  kindsHead.writeUInt32BE(kinds.length, 1)
  return Buffer.concat([head, Buffer.from([0xc1]), ...parts, kindsHead, Buffer.from(kinds)])
}

function arrayHead(length: number, items: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head[0] = 0xdd
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, items])
}

const special = (kind: number, part: Buffer): Buffer => specials(kind, part, 1)

/** A string in msgpack. */
function text(characters: string): Buffer {
  const head = Buffer.alloc(5)
  head[0] = 0xdb
  head.writeUInt32BE(characters.length, 1)
  return Buffer.concat([head, Buffer.from(characters, 'latin1')])
}

function openedOf(bytes: Buffer, options: { readonly maxValueBytes?: number } = {}): StoredEntry {
  const opened = createEntryCodec(options).open(bytes, KEY, SCOPES)
  if ('corrupt' in opened) throw new Error(`it is ${opened.corrupt}`)
  return opened
}

function decoded(bytes: Buffer, options: { readonly maxValueBytes?: number } = {}): unknown {
  return openedOf(bytes, options).value()
}

function refusalOf(bytes: Buffer, options: { readonly maxValueBytes?: number } = {}): CorruptPayload {
  try {
    decoded(bytes, options)
  } catch (error) {
    if (error instanceof CorruptPayload) return error
    throw error
  }
  throw new Error('it has a value')
}

const problemOf = (bytes: Buffer) => refusalOf(bytes).reason
const causeOf = (bytes: Buffer, options: { readonly maxValueBytes?: number } = {}) => refusalOf(bytes, options).cause
