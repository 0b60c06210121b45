import assert from 'node:assert'
import { randomBytes } from 'node:crypto'
import { brotliCompressSync, brotliDecompressSync, deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  CorruptPayload,
  createEntryCodec,
  type EntryCodec,
  type EntryFields,
  type StoredEntry,
} from '../../../src/codec/entry-codec.js'
import { FullKey, KeyPrefix } from '../../../src/codec/envelope/key-bytes.js'
import { newStamp, stateOf } from '../../../src/codec/envelope/stamp.js'
import { createMsgpackCodec } from '../../../src/codec/payload/msgpack.js'
import { CacheError } from '../../../src/model/errors.js'
import type { Codec, Compressor } from '../../../src/model/ports.js'
import { testKey } from '../../support/keys.js'
import { reseal } from './reseal.js'

const KEY = 'shop/catalog@3:item:1'
const SCOPES = ['c:shop', 'c:shop/catalog@3']
const TOKENS = ['0123456789abcdef0011223344556677', 'ffeeddccbbaa99887766554433221100', 'a'.repeat(32), '0'.repeat(32)]

const fields = (changes: Partial<EntryFields> = {}): EntryFields => ({
  key: KEY,
  value: { id: 1, name: 'Ada' },
  createdAtMs: 1_760_000_000_123,
  freshForMs: 300_000,
  staleForMs: 330_000,
  usableForMs: 3_930_000,
  loadMs: 42,
  labels: { labels: [...SCOPES, 't:org:7', 't:büro\ud800'], tokens: TOKENS },
  scopeCount: 2,
  ...changes,
})

const codec = createEntryCodec()
const SECRET_HEX = testKey('secret').toString('hex')

function open(bytes: Uint8Array, by: EntryCodec = codec, key = KEY, scopes = SCOPES): StoredEntry {
  const opened = by.open(bytes, key, scopes)
  if ('corrupt' in opened) throw new Error(`it is ${opened.corrupt}`)
  return opened
}

const problemOf = (bytes: Uint8Array, by: EntryCodec = codec, key = KEY, scopes = SCOPES) => {
  const opened = by.open(bytes, key, scopes)
  return 'corrupt' in opened ? opened.corrupt : undefined
}

function payloadProblemOf(opened: StoredEntry): string {
  try {
    opened.value()
  } catch (error) {
    assert(error instanceof CorruptPayload)
    return error.reason
  }
  throw new Error('it has a value')
}

describe('an envelope', () => {
  test('returns every field as it was encoded', () => {
    const opened = open(codec.encode(fields({ etag: '"v1-é"' })))
    expect(opened).toMatchObject({
      state: 'live',
      createdAtMs: 1_760_000_000_123,
      freshForMs: 300_000,
      staleForMs: 330_000,
      usableForMs: 3_930_000,
      loadMs: 42,
      labels: fields().labels,
      etag: '"v1-é"',
    })
    expect(opened.value()).toEqual({ id: 1, name: 'Ada' })
  })

  test('begins with its stamp', () => {
    const bytes = codec.encode(fields())
    expect(stateOf(bytes)).toBe('live')
    expect(open(bytes).stamp).toEqual(bytes.subarray(0, 16))
  })

  test('can be encoded as softly expired, and becomes so when only its stamp is replaced', () => {
    expect(open(codec.encode(fields({ state: 'expired' }))).state).toBe('expired')
    const bytes = codec.encode(fields())
    newStamp('expired').copy(bytes)
    expect(open(bytes).state).toBe('expired')
    expect(open(bytes).value()).toEqual({ id: 1, name: 'Ada' })
  })

  test('is refused if the time of its soft expiry is damaged', () => {
    const bytes = codec.encode(fields({ state: 'expired' }))
    for (let bit = 4 * 8; bit < 16 * 8; bit++) {
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7))
      expect(problemOf(damaged)).toBe('damaged-stamp')
    }
  })

  test('distinguishes an empty etag from no etag', () => {
    expect(open(codec.encode(fields({ etag: '' }))).etag).toBe('')
    expect(open(codec.encode(fields())).etag).toBeUndefined()
  })

  test('keeps infinite durations', () => {
    const forever = Number.POSITIVE_INFINITY
    const opened = open(codec.encode(fields({ freshForMs: forever, staleForMs: forever, usableForMs: forever })))
    expect([opened.freshForMs, opened.staleForMs, opened.usableForMs]).toEqual([forever, forever, forever])
  })

  test('keeps an idle life, and has none unless one is given', () => {
    expect(open(codec.encode(fields({ idleForMs: 1_800_000 }))).idleForMs).toBe(1_800_000)
    const forever = Number.POSITIVE_INFINITY
    for (const idleForMs of [forever, undefined]) {
      expect(open(codec.encode(fields({ idleForMs }))).idleForMs).toBe(forever)
    }
  })

  test('rounds fractions of a millisecond and never holds a negative time', () => {
    const opened = open(codec.encode(fields({ createdAtMs: 5.6, freshForMs: -3, loadMs: Number.NaN })))
    expect([opened.createdAtMs, opened.freshForMs, opened.loadMs]).toEqual([6, 0, 0])
  })

  test('needs no label', () => {
    const opened = open(codec.encode(fields({ labels: { labels: [], tokens: [] }, scopeCount: 0 })), codec, KEY, [])
    expect(opened.labels).toEqual({ labels: [], tokens: [] })
  })

  test('is small for a small entry', () => {
    const one = fields({ value: null, labels: { labels: ['c:shop'], tokens: [TOKENS[0]!] }, scopeCount: 1 })
    expect(codec.encode(one).length).toBeLessThanOrEqual(64)
  })

  test('decodes its value only when the value is asked for', () => {
    let decodes = 0
    const counting: Codec = {
      id: 64,
      name: 'counting',
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode(bytes) {
        decodes++
        return JSON.parse(Buffer.from(bytes).toString())
      },
    }
    const by = createEntryCodec({ codec: counting })
    const opened = open(by.encode(fields()), by)
    expect(decodes).toBe(0)
    expect(opened.value()).toEqual({ id: 1, name: 'Ada' })
    expect(decodes).toBe(1)
  })

  test('can be opened from a plain Uint8Array', () => {
    expect(open(new Uint8Array(codec.encode(fields()))).value()).toEqual({ id: 1, name: 'Ada' })
  })

  test('is opened with a key in two parts like with the joined one', () => {
    const key = new FullKey(new KeyPrefix('shop/catalog@3:'), 'item:1')
    for (const keepKey of [false, true]) {
      const opened = codec.open(codec.encode(fields({ keepKey })), key, SCOPES)
      expect(opened).toMatchObject({ key: KEY, createdAtMs: 1_760_000_000_123 })
    }
    const other = new FullKey(new KeyPrefix('shop/catalog@3:'), 'item:2')
    expect(codec.open(codec.encode(fields()), other, SCOPES)).toEqual({ corrupt: 'checksum' })
  })

  test('can have a header that is larger than usual', () => {
    const key = `shop:${'k'.repeat(5_000)}`
    const labels = { labels: [...SCOPES, `t:${'x'.repeat(1_000)}`], tokens: TOKENS.slice(0, 3) }
    const whole = { key, keepKey: true, labels, etag: 'e'.repeat(4_000), value: 'v'.repeat(10_000) }
    const opened = open(codec.encode(fields(whole)), codec, key)
    expect(opened.value()).toBe(whole.value)
    expect(opened).toMatchObject({ labels, etag: whole.etag, key })
  })

  test.each([2 ** 7, 2 ** 14, 2 ** 21, 2 ** 28, 2 ** 31, 2 ** 35, 2 ** 49])(
    'keeps times around %d, where a number takes another byte',
    (ms) => {
      for (const freshForMs of [ms - 1, ms, ms + 1]) {
        expect(open(codec.encode(fields({ freshForMs }))).freshForMs).toBe(freshForMs)
      }
    },
  )

  test('can hold 100 tags', () => {
    const tags = Array.from({ length: 100 }, (_, i) => `t:tag ${i}`)
    const labels = { labels: [...SCOPES, ...tags], tokens: [...SCOPES, ...tags].map((_, i) => TOKENS[i % 4]!) }
    expect(open(codec.encode(fields({ labels }))).labels).toEqual(labels)
  })
})

describe('label sets', () => {
  test('with equal content are the same object', () => {
    expect(open(codec.encode(fields())).labels).toBe(open(codec.encode(fields({ value: 2 }))).labels)
  })

  test('with equal bytes under different scopes are kept apart', () => {
    const bytes = codec.encode(fields({ key: 'other/a@1:k' }))
    expect(open(codec.encode(fields())).labels.labels[0]).toBe('c:shop')
    expect(open(bytes, codec, 'other/a@1:k', ['c:other', 'c:other/a@1']).labels.labels[0]).toBe('c:other')
    expect(open(codec.encode(fields())).labels.labels[0]).toBe('c:shop')
  })

  test('are bounded in number, so that endless new tags do not fill the memory', () => {
    const first = open(codec.encode(fields())).labels
    for (let i = 0; i < 2100; i++) {
      open(codec.encode(fields({ labels: { labels: [...SCOPES, `t:${i}`], tokens: TOKENS.slice(0, 3) } })))
    }
    const again = open(codec.encode(fields())).labels
    expect(again).not.toBe(first)
    expect(again).toEqual(first)
  })
})

describe('bytes that are not an intact entry of the requested key', () => {
  test('are refused if they belong to another key, version or namespace', () => {
    const bytes = codec.encode(fields())
    for (const key of ['shop/catalog@3:item:2', 'shop/catalog@4:item:1', 'shop/catalog:item:1', '', `${KEY} `]) {
      expect(problemOf(bytes, codec, key)).toBe('checksum')
    }
  })

  test('are refused if they belong to another ill-formed key', () => {
    const bytes = codec.encode(fields({ key: 'shop:x\ud800', keepKey: true }))
    expect(problemOf(bytes, codec, 'shop:x\ud800')).toBeUndefined()
    expect(problemOf(bytes, codec, 'shop:x\ud801')).toBe('checksum')
  })

  test('are refused if the key has the same hash but differs from the key in the envelope', () => {
    const long = `shop:${'k'.repeat(1_000_000)}`
    const bytes = codec.encode(fields({ key: long, keepKey: true }))
    expect(open(bytes, codec, long).value()).toEqual({ id: 1, name: 'Ada' })
    // The checksum made to fit another key, as a collision would.
    expect(problemOf(reseal(bytes, `${long.slice(0, -1)}j`), codec, `${long.slice(0, -1)}j`)).toBe('other-key')
  })

  test('are refused if they are a lease or a fence', () => {
    expect(problemOf(newStamp('lease'))).toBe('not-an-entry')
    expect(problemOf(newStamp('fence'))).toBe('not-an-entry')
  })

  test('are refused if they are the stamp of an entry without an entry', () => {
    expect(problemOf(newStamp('live'))).toBe('checksum')
  })

  test('of a later format are distinguished from damaged ones', () => {
    const bytes = codec.encode(fields())
    bytes[2] = 2
    expect(problemOf(bytes)).toBe('later-format')
  })

  test('are refused if they have another number of scopes than the key', () => {
    expect(problemOf(codec.encode(fields()), codec, KEY, ['c:shop'])).toBe('malformed')
  })

  test('are refused if their codec or compressor is unknown', () => {
    const custom: Codec = { id: 77, name: 'json', encode: (v) => Buffer.from(JSON.stringify(v)), decode: String }
    const stored: Compressor = {
      id: 9,
      name: 'half',
      compress: (b) => b.subarray(0, b.length / 2),
      decompress: (b) => b,
    }
    const options = { codec: custom, compress: { compressor: stored, threshold: 0 } }
    expect(problemOf(createEntryCodec({ codec: custom }).encode(fields()))).toBe('unknown-codec')
    expect(problemOf(createEntryCodec({ compress: options.compress }).encode(fields()))).toBe('unknown-compressor')
  })

  test('throw only CorruptPayload if their payload cannot be decoded', () => {
    const bytes = codec.encode(fields({ value: 'text' }))
    // A token that msgpack never uses, checksum made to fit.
    bytes[bytes.length - 5] = 0xc1
    expect(payloadProblemOf(open(reseal(bytes, KEY)))).toBe('undecodable')
  })
})

describe('a codec', () => {
  const json: Codec = {
    id: 64,
    name: 'json',
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  }

  test('can be given by the application', () => {
    const by = createEntryCodec({ codec: json, compress: false })
    const bytes = by.encode(fields({ value: { visible: 'text' } }))
    expect(bytes.includes('{"visible":"text"}')).toBe(true)
    expect(open(bytes, by).value()).toEqual({ visible: 'text' })
  })

  test('can be replaced, and entries written with msgpack stay readable', () => {
    expect(open(codec.encode(fields()), createEntryCodec({ codec: json })).value()).toEqual({ id: 1, name: 'Ada' })
  })

  test('that throws causes UNSUPPORTED_VALUE with its error as the cause', () => {
    const error = thrownBy(() => createEntryCodec({ codec: json }).encode(fields({ value: 1n })))
    expect(error.code).toBe('UNSUPPORTED_VALUE')
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  test('with an id that does not fit the format is refused at once', () => {
    for (const id of [0, 256, 1.5, -1, '1' as unknown as number]) {
      expect(thrownBy(() => createEntryCodec({ codec: { ...json, id } })).code).toBe('INVALID_OPTION')
    }
  })
})

describe('size limits', () => {
  test('refuse a value above maxValueBytes when it is written', () => {
    const small = createEntryCodec({ maxValueBytes: 1000 })
    expect(thrownBy(() => small.encode(fields({ value: 'x'.repeat(2000) }))).message).toContain('maxValueBytes')
    expect(open(small.encode(fields({ value: 'x'.repeat(500) })), small).value()).toBe('x'.repeat(500))
  })

  test('refuse it when it is read, before it is decompressed', () => {
    const bytes = codec.encode(fields({ value: 'x'.repeat(2000) }))
    expect(problemOf(bytes, createEntryCodec({ maxValueBytes: 1000 }))).toBe('too-large')
  })

  test('refuse an option that is not a number of bytes', () => {
    for (const maxValueBytes of [-1, Number.NaN, 1.5]) {
      expect(thrownBy(() => createEntryCodec({ maxValueBytes })).code).toBe('INVALID_OPTION')
    }
  })
})

describe('compression', () => {
  const text = { text: 'tiercache '.repeat(500) }

  test('makes large values smaller and restores them', () => {
    const bytes = codec.encode(fields({ value: text }))
    expect(bytes.length).toBeLessThan(500)
    expect(open(bytes).value()).toEqual(text)
    expect(open(bytes).rawBytes).toBeGreaterThan(5000)
  })

  test('leaves small values unchanged', () => {
    const raw = createEntryCodec({ compress: false })
    const value = 'x'.repeat(900)
    expect(codec.encode(fields({ value })).length).toBe(raw.encode(fields({ value })).length)
  })

  test('is skipped if it saves less than a tenth', () => {
    const value = randomBytes(4000)
    const raw = createEntryCodec({ compress: false })
    expect(codec.encode(fields({ value })).length).toBe(raw.encode(fields({ value })).length)
  })

  test('can be switched off, and entries compressed before stay readable', () => {
    const off = createEntryCodec({ compress: false })
    expect(off.encode(fields({ value: text })).length).toBeGreaterThan(5000)
    expect(open(codec.encode(fields({ value: text })), off).value()).toEqual(text)
  })

  test('takes a threshold, or a compressor of one’s own', () => {
    const eager = createEntryCodec({ compress: { threshold: 10 } })
    expect(open(eager.encode(fields({ value: 'ab'.repeat(50) })), eager).value()).toBe('ab'.repeat(50))
    const brotli: Compressor = {
      id: 8,
      name: 'brotli',
      compress: (bytes) => brotliCompressSync(bytes),
      decompress: (bytes, maxBytes) => brotliDecompressSync(bytes, { maxOutputLength: maxBytes }),
    }
    const by = createEntryCodec({ compress: brotli })
    expect(open(by.encode(fields({ value: text })), by).value()).toEqual(text)
    expect(problemOf(by.encode(fields({ value: text })))).toBe('unknown-compressor')
  })

  test('refuses a bomb without unpacking it', () => {
    const zeros = Buffer.alloc(50_000_000)
    const bomb: Compressor = {
      id: 1,
      name: 'bomb',
      compress: () => deflateRawSync(zeros, { level: 9 }),
      decompress: (bytes) => bytes,
    }
    const bytes = createEntryCodec({ compress: bomb }).encode(fields({ value: 'x'.repeat(100_000) }))
    expect(bytes.length).toBeLessThan(60_000)
    const before = process.memoryUsage().arrayBuffers
    expect(payloadProblemOf(open(bytes))).toBe('bad-compression')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000)
  })

  test('refuses a payload that unpacks to less than its header says', () => {
    const short: Compressor = { id: 1, name: 'short', compress: () => deflateRawSync('x'), decompress: (b) => b }
    const bytes = createEntryCodec({ compress: short }).encode(fields({ value: 'x'.repeat(2000) }))
    expect(payloadProblemOf(open(bytes))).toBe('bad-compression')
  })

  test('refuses options that make no sense', () => {
    expect(thrownBy(() => createEntryCodec({ compress: { threshold: -5 } })).code).toBe('INVALID_OPTION')
    const none: Compressor = { id: 16, name: 'x', compress: (b) => b, decompress: (b) => b }
    expect(thrownBy(() => createEntryCodec({ compress: none })).code).toBe('INVALID_OPTION')
  })
})

describe('encryption', () => {
  const k1 = testKey('1')
  const k2 = testKey('2')
  const secret = createEntryCodec({ encrypt: { keys: { k1 }, active: 'k1' } })
  const value = { ssn: 'very secret text' }

  test('hides the payload, and the value is read back', () => {
    const bytes = secret.encode(fields({ value }))
    expect(bytes.includes('secret')).toBe(false)
    expect(open(bytes, secret).value()).toEqual(value)
  })

  test('never writes the same bytes twice', () => {
    const one = secret.encode(fields({ value }))
    expect(secret.encode(fields({ value })).subarray(-30)).not.toEqual(one.subarray(-30))
  })

  test('switches compression off unless both are requested', () => {
    const value = 'abc'.repeat(5000)
    expect(secret.encode(fields({ value })).length).toBeGreaterThan(15_000)
    const both = createEntryCodec({ encrypt: { keys: { k1 }, active: 'k1' }, compress: { threshold: 1000 } })
    const bytes = both.encode(fields({ value }))
    expect(bytes.length).toBeLessThan(500)
    expect(open(bytes, both).value()).toBe(value)
    expect(open(bytes, secret).value()).toBe(value)
  })

  test('hides the etag and the size before compression, and reads them back', () => {
    const opened = open(secret.encode(fields({ value, etag: '"very-secret"' })), secret)
    expect(secret.encode(fields({ value, etag: '"very-secret"' })).includes('very-secret')).toBe(false)
    expect(opened.value()).toEqual(value)
    expect(opened.etag).toBe('"very-secret"')
    expect(opened.rawBytes).toBe(createMsgpackCodec().encode(value).length)
    const none = open(secret.encode(fields({ value })), secret)
    none.value()
    expect(none.etag).toBeUndefined()
  })

  test('pads to a multiple of a size if requested, so that values of different lengths look alike', () => {
    const padded = createEntryCodec({ encrypt: { keys: { k1 }, active: 'k1', padding: 1000 } })
    const sizes = [1, 10, 500, 900].map((length) => padded.encode(fields({ value: 'x'.repeat(length) })).length)
    expect(new Set(sizes).size).toBe(1)
    expect(padded.encode(fields({ value: 'x'.repeat(1000) })).length).toBe(sizes[0]! + 1000)
    expect(open(padded.encode(fields({ value, etag: 'e' })), padded).value()).toEqual(value)
    expect(open(padded.encode(fields({ value })), secret).value()).toEqual(value)
  })

  test('refuses a value whose header claims more than maxValueBytes, even with the right key', () => {
    const large = createEntryCodec({ encrypt: { keys: { k1 }, active: 'k1' }, compress: { threshold: 1 } })
    const small = createEntryCodec({ encrypt: { keys: { k1 }, active: 'k1' }, maxValueBytes: 1000 })
    expect(payloadProblemOf(open(large.encode(fields({ value: 'x'.repeat(2000) })), small))).toBe('too-large')
  })

  test('rotates keys: old entries are read with the old key, new ones are written with the active key', () => {
    const rotated = createEntryCodec({ encrypt: { keys: { k1, k2 }, active: 'k2' } })
    expect(open(secret.encode(fields({ value })), rotated).value()).toEqual(value)
    expect(payloadProblemOf(open(rotated.encode(fields({ value })), secret))).toBe('unknown-key-id')
  })

  test('makes an entry of another key with the same id a miss', () => {
    const other = createEntryCodec({ encrypt: { keys: { k1: k2 }, active: 'k1' } })
    expect(payloadProblemOf(open(secret.encode(fields({ value })), other))).toBe('not-authentic')
  })

  test('still opens a softly expired entry, since its stamp is made without reading the entry', () => {
    const bytes = secret.encode(fields({ value }))
    secret.expiredStamp(KEY, 1_760_000_100_000).copy(bytes)
    expect(open(bytes, secret)).toMatchObject({ state: 'expired' })
    expect(open(bytes, secret).value()).toEqual(value)
    secret.renewedStamp(KEY, bytes.subarray(0, 16)).copy(bytes)
    expect(open(bytes, secret).value()).toEqual(value)
    const written = secret.encode(fields({ value, state: 'expired' }))
    expect(open(written, secret).value()).toEqual(value)
  })

  test('detects an entry that was moved to another cache key, even if its checksum fits', () => {
    const bytes = reseal(secret.encode(fields({ value })), 'shop:admin')
    expect(payloadProblemOf(open(bytes, secret, 'shop:admin'))).toBe('not-authentic')
  })

  test('detects any changed bit of header and payload, even if the checksum fits', () => {
    const bytes = secret.encode(fields({ value, etag: 'e' }))
    let refused = 0
    for (let bit = 20 * 8; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7))
      const opened = secret.open(reseal(changed, KEY), KEY, SCOPES)
      if (!('corrupt' in opened)) expect(['not-authentic', 'unknown-key-id']).toContain(payloadProblemOf(opened))
      refused++
    }
    expect(refused).toBe((bytes.length - 20) * 8)
  })

  test('detects any truncation', () => {
    const bytes = secret.encode(fields({ value }))
    for (let length = 20; length < bytes.length; length++) {
      const opened = secret.open(reseal(Buffer.from(bytes.subarray(0, length)), KEY), KEY, SCOPES)
      if (!('corrupt' in opened)) expect(['not-authentic', 'unknown-key-id']).toContain(payloadProblemOf(opened))
    }
  })

  test('does not read unencrypted entries, and a cache without keys does not read encrypted ones', () => {
    expect(problemOf(codec.encode(fields({ value })), secret)).toBe('encryption-mismatch')
    expect(problemOf(secret.encode(fields({ value })), codec)).toBe('encryption-mismatch')
  })

  test('takes keys as base64 or hex', () => {
    for (const text of [
      k1.toString('base64'),
      k1.toString('base64url'),
      k1.toString('hex'),
      k1.toString('hex').toUpperCase(),
    ]) {
      const by = createEntryCodec({ encrypt: { keys: { k1: text }, active: 'k1' } })
      expect(open(secret.encode(fields({ value })), by).value()).toEqual(value)
    }
  })

  test('copies the key, so that the caller can wipe it', () => {
    const mine = testKey('1')
    const by = createEntryCodec({ encrypt: { keys: { k1: mine }, active: 'k1' } })
    mine.fill(0)
    expect(open(secret.encode(fields({ value })), by).value()).toEqual(value)
  })

  test.each([
    ['no keys', { keys: {}, active: 'k1' }],
    ['keys that are not an object', { keys: 'secret', active: 'k1' }],
    ['a short key', { keys: { k1: k1.subarray(16) }, active: 'k1' }],
    ['a long key', { keys: { k1: Buffer.concat([k1, k1]) }, active: 'k1' }],
    ['a key of zeros', { keys: { k1: Buffer.alloc(32) }, active: 'k1' }],
    ['a key of zeros, in hex', { keys: { k1: '0'.repeat(64) }, active: 'k1' }],
    ['a key of one byte, repeated', { keys: { k1: Buffer.alloc(32, 0xa7) }, active: 'k1' }],
    ['a key of a repeated pattern', { keys: { k1: Buffer.alloc(32, Buffer.from('deadbeef', 'hex')) }, active: 'k1' }],
    [
      'a key whose bytes grow in equal steps',
      { keys: { k1: Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)) }, active: 'k1' },
    ],
    ['a passphrase of 32 characters', { keys: { k1: Buffer.from('correct horse battery staple 123') }, active: 'k1' }],
    [
      'the same in base64',
      { keys: { k1: Buffer.from('correct horse battery staple 123').toString('base64') }, active: 'k1' },
    ],
    ['hex digits that were not decoded', { keys: { k1: Buffer.from(SECRET_HEX.slice(0, 32)) }, active: 'k1' }],
    ['hex with a digit too many', { keys: { k1: `${SECRET_HEX}0` }, active: 'k1' }],
    ['hex with a digit too few', { keys: { k1: SECRET_HEX.slice(1) }, active: 'k1' }],
    [
      'base64 of 31 bytes',
      { keys: { k1: Buffer.from(SECRET_HEX, 'hex').subarray(1).toString('base64') }, active: 'k1' },
    ],
    [
      'base64 of 32 bytes with bits to spare',
      { keys: { k1: `${Buffer.alloc(31, k1).toString('base64').slice(0, 42)}B=` }, active: 'k1' },
    ],
    ['a key in place of the options', SECRET_HEX],
    ['a key in place of the keys', { keys: SECRET_HEX, active: 'k1' }],
    ['a key in place of the active id', { keys: { k1 }, active: SECRET_HEX }],
    ['a key in place of its id', { keys: { [SECRET_HEX]: k1 }, active: 'k1' }],
    ['a key in place of an option', { keys: { k1 }, active: 'k1', [SECRET_HEX]: 'k1' }],
    ['a padding that is not a number', { keys: { k1 }, active: 'k1', padding: '1kb' }],
    ['a passphrase', { keys: { k1: 'correct horse battery staple' }, active: 'k1' }],
    ['a key of no known kind', { keys: { k1: 5 }, active: 'k1' }],
    ['an active id without key', { keys: { k1 }, active: 'k2' }],
    ['no active id', { keys: { k1 } }],
    ['an id that is too long', { keys: { ['k'.repeat(33)]: k1 }, active: 'k1' }],
    ['an empty id', { keys: { '': k1 }, active: '' }],
    ['an inherited id', { keys: { k1 }, active: 'constructor' }],
  ])('%s is refused with a clear message', (_, encrypt) => {
    const error = thrownBy(() => createEntryCodec({ encrypt: encrypt as never }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toMatch(/^(encrypt|an id in encrypt)/)
    for (const secretText of ['correct', ...partsOf(SECRET_HEX), ...partsOf(k1.toString('base64'))])
      expect(error.message).not.toContain(secretText)
  })
})

/** Every substring of eight characters. */
function partsOf(text: string): string[] {
  return Array.from({ length: text.length - 7 }, (_, i) => text.slice(i, i + 8))
}

function thrownBy(run: () => unknown): CacheError {
  try {
    run()
  } catch (error) {
    assert(error instanceof CacheError)
    return error
  }
  throw new Error('nothing was thrown')
}
