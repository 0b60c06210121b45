// The decoders with bytes that no encoder wrote: a miss, never an exception, a hang or a large allocation.
import assert from 'node:assert'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { settle } from 'tiercache/testing'
import { describe, test } from 'vitest'
import { CorruptPayload, createEntryCodec, type EntryCodec, type EntryFields } from '../../src/codec/entry-codec.js'
import { newStamp } from '../../src/codec/envelope/stamp.js'
import { FieldWriter } from '../../src/codec/envelope/wire-fields.js'
import { createMsgpackCodec } from '../../src/codec/payload/msgpack.js'
import type { Codec } from '../../src/model/ports.js'
import { testKey } from '../support/keys.js'
import { SEED } from '../support/seed.js'
import { reseal } from '../unit/codec/reseal.js'
import { KEPT } from '../unit/codec/samples.js'
import { drawsOf, hostilePayload } from './hostile-payload.js'

const KEY = 'shop:user:1'
const SCOPES = ['c:shop']
const TOKEN = '00112233445566778899aabbccddeeff'

const fields = (value: unknown): EntryFields => ({
  key: KEY,
  value,
  createdAtMs: 1_760_000_000_000,
  freshForMs: 1000,
  staleForMs: 2000,
  usableForMs: Number.POSITIVE_INFINITY,
  loadMs: 3,
  labels: { labels: [...SCOPES, 't:a', 't:bü'], tokens: [TOKEN, TOKEN, TOKEN] },
  scopeCount: 1,
  etag: 'W/"1"',
})

const rich = {
  when: new Date(5),
  map: new Map([[1, new Set(['x'])]]),
  big: 2n ** 70n,
  bytes: Buffer.from('ab'),
  e: new TypeError('t'),
}
const plain = {
  id: 1,
  rows: [
    { a: 1, b: 'x' },
    { a: 2, b: 'y' },
    { a: 3, b: 'é' },
  ],
  text: 'z'.repeat(60),
  f: 0.5,
}

const codec = createEntryCodec()
const encrypted = createEntryCodec({ encrypt: { keys: { k1: testKey('1') }, active: 'k1' } })

const ENVELOPES: readonly (readonly [name: string, by: EntryCodec, bytes: Buffer])[] = [
  ['plain', codec, codec.encode(fields(plain))],
  ['rich', codec, codec.encode(fields(rich))],
  ['compressed', codec, codec.encode(fields('tiercache'.repeat(500)))],
  ['encrypted', encrypted, encrypted.encode(fields(plain))],
  ['with its key', codec, codec.encode({ ...fields(null), keepKey: true })],
]

describe.each(ENVELOPES)('an envelope, %s:', (_, by, bytes) => {
  test('every truncation is a miss', () => {
    for (let length = 0; length < bytes.length; length++) assert(isMiss(by, bytes.subarray(0, length)), `at ${length}`)
  })

  test('every flipped bit is a miss', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) assert(isMiss(by, flip(bytes, bit)), `bit ${bit}`)
  })

  test('every flipped bit is harmless even if the checksum is made to fit', () => {
    // A number may be different then, but nothing throws, hangs or grows.
    for (let bit = 20 * 8; bit < bytes.length * 8; bit++) readAll(by, reseal(flip(bytes, bit), KEY))
  })

  test('every truncation is harmless even if the checksum is made to fit', () => {
    for (let length = 20; length < bytes.length; length++)
      readAll(by, reseal(Buffer.from(bytes.subarray(0, length)), KEY))
  })

  test('random changes are harmless even if the checksum is made to fit', () => {
    const change = fc.tuple(fc.nat({ max: bytes.length - 21 }), fc.nat({ max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const changed = Buffer.from(bytes)
        for (const [at, byte] of changes) changed[20 + at] = byte
        readAll(by, reseal(changed, KEY))
      }),
      { numRuns: 2000 },
    )
  })

  test('inserted or removed bytes are a miss', () => {
    const cut = fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.uint8Array({ maxLength: 20 }), fc.nat({ max: 20 }))
    fc.assert(
      fc.property(cut, ([at, put, left]) => {
        const changed = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + left)])
        fc.pre(!changed.equals(bytes))
        assert(isMiss(by, changed))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('foreign bytes', () => {
  test('of any content are a miss', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => isMiss(codec, bytes)),
      { numRuns: 3000 },
    )
  })

  test('after an intact stamp are a miss', () => {
    const live = newStamp('live')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => isMiss(codec, Buffer.concat([live, bytes]))),
      { numRuns: 3000 },
    )
  })

  test('after an intact stamp, with a checksum that fits, are harmless', () => {
    const head = Buffer.concat([newStamp('live'), Buffer.alloc(4)])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        readAll(codec, reseal(Buffer.concat([head, bytes]), KEY))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the msgpack decoder', () => {
  const msgpack = createMsgpackCodec()

  test('returns a value or throws for any bytes, within bounded memory', () => {
    const tokens = fc.constantFrom(0xc1, 0xdd, 0xdf, 0xdb, 0xc6, 0xd4, 0x72, 0x40, 0x91, 0x81, 0xa1, 0xff, 0, 1, 12)
    const anyBytes = fc
      .array(fc.oneof(tokens, fc.nat({ max: 255 })), { maxLength: 200 })
      .map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(anyBytes, (bytes) => answersOrThrows(() => msgpack.decode(bytes))),
      { numRuns: 20_000 },
    )
  })

  test('returns a value or throws for any change of encoded bytes', () => {
    const samples = Object.values(KEPT)
      .map((make) => msgpack.encode(make()) as Buffer)
      .filter((bytes) => bytes.length < 5000)
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
        (bytes, changes) => {
          const changed = Buffer.from(bytes)
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          answersOrThrows(() => msgpack.decode(changed))
        },
      ),
      { numRuns: 20_000 },
    )
  })

  test('lets no bytes reach a prototype', () => {
    const proto = Buffer.from('__proto__')
    const key = Buffer.concat([Buffer.from([0xa9]), proto])
    const forged = [
      Buffer.concat([Buffer.from([0x81]), key, Buffer.from([0x81, 0xa1, 0x78, 1])]),
      Buffer.concat([Buffer.from([0xd4, 0x72, 0x40, 0x91]), key, Buffer.from([0x81, 0xa1, 0x78, 1])]),
      Buffer.concat([Buffer.from([0x81, 0xd9, 9]), proto, Buffer.from([0x81, 0xa1, 0x78, 1])]),
    ]
    for (const bytes of forged) assert.throws(() => msgpack.decode(bytes), /wrong key/)
    const own = msgpack.decode(msgpack.encode(JSON.parse('{"__proto__":{"x":1}}'))) as object
    assert.deepStrictEqual(Object.keys(own), ['__proto__'])
    assert.strictEqual(Object.getPrototypeOf(own), Object.prototype)
    assert.strictEqual(({} as { x?: number }).x, undefined)
  })

  test('allocates nothing for a length that the remaining bytes cannot hold', () => {
    const claims = [
      [0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xdf, 0xff, 0xff, 0xff, 0xff],
      [0xdb, 0xff, 0xff, 0xff, 0xff],
      [0xc6, 0xff, 0xff, 0xff, 0xff],
      [0xd4, 0x72, 0x40, 0xdc, 0xff, 0xff],
    ]
    const before = process.memoryUsage()
    for (const claim of claims) assert.throws(() => msgpack.decode(Buffer.from(claim)))
    // The rich form of `[<hole>, [999,999], <kind sparse>]`: an array of holes only.
    const sparse = msgpack.decode(Buffer.from([0xc1, 0x93, 0xc1, 0x91, 0xce, 0, 0x0f, 0x42, 0x3f, 0xc6, 0, 0, 0, 1, 8]))
    assert.strictEqual((sparse as unknown[]).length, 999_999)
    const after = process.memoryUsage()
    assert(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers < 10_000_000)
  })

  test('refuses endless nesting before the stack overflows', () => {
    assert.throws(() => msgpack.decode(Buffer.alloc(1_000_000, 0x91)), /wrong depth/)
    assert.throws(
      () => msgpack.decode(Buffer.concat([Buffer.from([0xc1]), Buffer.alloc(1_000_000, 0x91)])),
      /wrong depth/,
    )
  })
})

// `FUZZ_INPUTS` inputs for each of the two tests.
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 10_000)
const TIMEOUT_MS = 60_000 + INPUTS

describe(`hostile payloads, ${INPUTS} of seed ${SEED}`, () => {
  test(
    'are decoded to data or refused, within bounded memory and time',
    async () => {
      const msgpack = createMsgpackCodec()
      const draw = drawsOf(SEED)
      const watch = new Watch()
      let decoded = 0
      for (let i = 0; i < INPUTS; i++) {
        const bytes = hostilePayload(draw)
        const value = watch.run(i, () => decodedOf(msgpack, bytes))
        if (i % 500 === 499) await watch.rest(i)
        if (value === undefined) continue
        decoded++
        assert(!holdsSymbol(value), `input ${i} of seed ${SEED}: a symbol came out of ${bytes.toString('hex')}`)
      }
      // Otherwise only the outermost check was tested.
      assert(decoded > INPUTS / 20, `only ${decoded} were data`)
    },
    TIMEOUT_MS,
  )

  test(
    'in an envelope with hostile labels are a value or a miss',
    async () => {
      const draw = drawsOf(SEED + 1)
      const watch = new Watch()
      for (let i = 0; i < INPUTS; i++) {
        const bytes = hostileEnvelope(draw)
        watch.run(i, () => readAll(codec, bytes))
        if (i % 500 === 499) await watch.rest(i)
      }
    },
    TIMEOUT_MS,
  )
})

/** A limit for one input. It does not test speed, but finds hangs and unbounded growth. */
class Watch {
  private readonly startBytes = usedBytes()

  run<T>(input: number, work: () => T): T {
    const before = process.cpuUsage()
    const result = work()
    const { user, system } = process.cpuUsage(before)
    assert(user + system < 5_000_000, `input ${input} of seed ${SEED} took ${user + system} microseconds`)
    return result
  }

  /** Await this now and then: zlib defers some clean-up to the next tick whenever it fails. */
  async rest(input: number): Promise<void> {
    await settle(1)
    if (input % 10_000 !== 9_999) return
    globalThis.gc?.()
    assert(usedBytes() - this.startBytes < 200_000_000, `memory grew until input ${input} of seed ${SEED}`)
  }
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The value inside an array, `undefined` if there is none. */
function decodedOf(by: Codec, bytes: Buffer): readonly unknown[] | undefined {
  try {
    return [by.decode(bytes)]
  } catch (error) {
    assert(error instanceof Error)
    return undefined
  }
}

function holdsSymbol(root: unknown): boolean {
  const seen = new Set<unknown>()
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'symbol') return true
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) continue
    seen.add(value)
    if (value instanceof Map) for (const entry of value) open.push(...entry)
    else if (value instanceof Set) open.push(...value)
    for (const name of Object.keys(value)) open.push(Reflect.get(value, name))
  }
  return false
}

/** Intact except for the content of its fields. */
function hostileEnvelope(draw: (limit: number) => number): Buffer {
  const head = Buffer.alloc(400)
  LIVE.copy(head)
  const out = new FieldWriter(head, 20)
  out.byte(draw(8) === 0 ? draw(256) : 1)
  out.byte(draw(4) === 0 ? draw(256) : [0, 0, 4, 8, 16][draw(5)]!)
  for (let field = 0; field < 6; field++) out.varint(draw(2) === 0 ? draw(2 ** 31) : Number.MAX_SAFE_INTEGER)
  out.varint(draw(8) === 0 ? draw(3) : 1)
  out.token(TOKEN)
  const tags = draw(4)
  out.varint(draw(8) === 0 ? [1000, 1001, 500_000, Number.MAX_SAFE_INTEGER][draw(4)]! : tags)
  for (let tag = 0; tag < tags; tag++) {
    out.string('t'.repeat(draw(8)))
    out.token(TOKEN)
  }
  if (draw(4) === 0) out.string('e'.repeat(draw(20)))
  const payload = hostilePayload(draw)
  const stored = draw(4) === 0 ? deflateRawSync(payload) : payload
  out.varint(draw(6) === 0 ? draw(2 ** 24) : payload.length)
  return reseal(Buffer.concat([head.subarray(0, out.at), stored]), KEY)
}

const LIVE = newStamp('live')

function flip(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
  return flipped
}

/** Whether the bytes are a miss. Fails if anything but the documented error is thrown. */
function isMiss(by: EntryCodec, bytes: Uint8Array): boolean {
  return readAll(by, bytes) === 'miss'
}

function readAll(by: EntryCodec, bytes: Uint8Array): 'miss' | 'hit' {
  const opened = by.open(bytes, KEY, SCOPES)
  if ('corrupt' in opened) return 'miss'
  try {
    opened.value()
    return 'hit'
  } catch (error) {
    assert(error instanceof CorruptPayload, String(error))
    return 'miss'
  }
}

function answersOrThrows(run: () => unknown): void {
  try {
    run()
  } catch (error) {
    assert(error instanceof Error)
  }
}
