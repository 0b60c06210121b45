// Someone who can write to the same Redis and has no key of `encrypt`: what they can do to encrypted entries, and what they cannot.
import { crc32 } from 'node:zlib'
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { CorruptPayload, createEntryCodec, type EntryFields } from '../../src/codec/entry-codec.js'
import { newExpiredStamp, newStamp, stateOf } from '../../src/codec/envelope/stamp.js'
import { testKey } from '../support/keys.js'
import { PATIENT } from '../support/patient.js'
import { startRedis } from '../support/redis-server.js'
import { reseal } from '../unit/codec/reseal.js'

const KEY = 'shop:user:1'
const SCOPES = ['c:shop']
const NOW_MS = 1_760_000_000_000
const keys = { k1: testKey('1'), k2: testKey('2') }
const codec = createEntryCodec({ encrypt: { keys, active: 'k1' } })

const fields = (changes: Partial<EntryFields> = {}): EntryFields => ({
  key: KEY,
  value: { balance: 5 },
  createdAtMs: NOW_MS,
  freshForMs: 1000,
  staleForMs: 2000,
  usableForMs: 3000,
  loadMs: 3,
  labels: { labels: SCOPES, tokens: ['00112233445566778899aabbccddeeff'] },
  scopeCount: 1,
  ...changes,
})

/** Why an entry has no value. */
function problemOf(bytes: Buffer, key = KEY): string | undefined {
  const opened = codec.open(bytes, key, SCOPES)
  if ('corrupt' in opened) return opened.corrupt
  try {
    opened.value()
    return undefined
  } catch (error) {
    if (error instanceof CorruptPayload) return error.reason
    throw error
  }
}

describe('the stamp of an encrypted entry', () => {
  const expired = () => {
    const bytes = codec.encode(fields())
    codec.expiredStamp(KEY, NOW_MS + 500).copy(bytes)
    return bytes
  }

  test('whose state is changed from expired to live is refused, even if its checksum fits', () => {
    const bytes = expired()
    expect(problemOf(bytes)).toBeUndefined()
    const generation = bytes.subarray(4, 12)
    const live = newStamp('live')
    generation.copy(live, 4)
    checksummed(live).copy(bytes)
    expect(stateOf(bytes)).toBe('live')
    expect(problemOf(bytes)).toBe('not-authentic')
  })

  test('that is replaced by a live one of the attacker, or by that of another entry, is refused', () => {
    for (const stamp of [newStamp('live'), codec.encode(fields()).subarray(0, 16)]) {
      const bytes = expired()
      bytes.set(stamp)
      expect(problemOf(bytes)).toBe('not-authentic')
    }
  })

  test('with another expiry time, or with any bit changed, is refused', () => {
    for (let bit = 3 * 8; bit < 16 * 8; bit++) {
      const bytes = expired()
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7))
      expect(problemOf(bytes), `bit ${bit}`).toBeDefined()
      expect(problemOf(resumed(bytes)), `bit ${bit}, with a checksum`).toBeDefined()
    }
  })

  test('made without the key is refused, also if it says expired', () => {
    const bytes = codec.encode(fields())
    newExpiredStamp(NOW_MS).copy(bytes)
    expect(problemOf(bytes)).toBe('not-authentic')
  })

  test('made for another cache key is refused', () => {
    const bytes = codec.encode(fields())
    codec.expiredStamp('shop:user:2', NOW_MS).copy(bytes)
    expect(problemOf(bytes)).toBe('not-authentic')
  })

  test('may be made with any encryption key of the reader, since it has no room for the id of one', () => {
    const rotated = createEntryCodec({ encrypt: { keys, active: 'k2' } })
    const bytes = codec.encode(fields())
    rotated.expiredStamp(KEY, NOW_MS).copy(bytes)
    expect(problemOf(bytes)).toBeUndefined()
  })
})

describe('what encryption does not prevent, as the guide says:', () => {
  test('an old envelope of the same cache key, written back whole, is accepted', () => {
    const old = codec.encode(fields({ value: { balance: 5 } }))
    const bytes = codec.encode(fields({ value: { balance: 0 } }))
    old.copy(bytes)
    expect(problemOf(bytes)).toBeUndefined()
  })
})

test('an entry that an attacker made live again is a miss with an event, and is loaded again', async () => {
  const clock = new FakeClock()
  const server = new MemoryServer({ clock })
  const open = () =>
    createCache({
      name: 'shop',
      clock,
      logger: false,
      l1: false,
      ttl: '1h',
      staleIfError: '1h',
      l2: memoryTier(server, { encrypt: { keys, active: 'k1' } }),
    })
  await using cache = open()
  const corrupt: unknown[] = []
  cache.on('corrupt', (event) => corrupt.push(event))
  await cache.set('user', 'revoked')
  await settle()
  expect(await cache.expire('user')).toBe('applied')
  const failing = () => Promise.reject(new Error('the database is down'))
  expect(await cache.getOrSet('user', failing)).toBe('revoked')
  const stored = server.keyspace.get('shop:user')
  if (stored?.type !== 'bytes') throw new Error('nothing is stored')
  const bytes = Buffer.from(stored.bytes)
  const live = newStamp('live')
  bytes.copy(live, 4, 4, 12)
  checksummed(live).copy(bytes)
  server.keyspace.replace('shop:user', { type: 'bytes', bytes })
  expect(await cache.getOrSet('user', () => 'loaded')).toBe('loaded')
  expect(corrupt).toHaveLength(1)
})

test('on Redis a soft expiry replaces the stamp in place, and an entry that is made live again there is a miss', async () => {
  await using server = await startRedis()
  const open = () =>
    createCache({
      name: 'shop',
      logger: false,
      l1: false,
      ttl: '1h',
      staleIfError: '1h',
      l2: redisTier(server.url, { ...PATIENT, encrypt: { keys, active: 'k1' } }),
    })
  await using a = open()
  await using b = open()
  await using attacker = {
    client: new Redis(server.url),
    [Symbol.asyncDispose]: async () => attacker.client.disconnect(),
  }
  const stored = async () => (await attacker.client.getBuffer('shop:user')) as Buffer
  const problems: string[] = []
  b.on('corrupt', ({ error }) => problems.push(error.message))
  await a.set('user', 'revoked')
  const before = await stored()
  expect(await a.expire('user')).toBe('applied')
  const expired = await stored()
  expect(expired.subarray(16)).toEqual(before.subarray(16))
  expect(await b.getOrSet('user', () => Promise.reject(new Error('down')))).toBe('revoked')
  expect(problems).toEqual([])
  const live = newStamp('live')
  expired.copy(live, 4, 4, 12)
  await attacker.client.setrange('shop:user', 0, checksummed(live))
  expect(await b.getOrSet('user', () => 'loaded')).toBe('loaded')
  expect(problems).toEqual([expect.stringContaining('not-authentic')])
})

/** Gives a stamp a correct checksum. */
function checksummed(stamp: Buffer): Buffer {
  stamp.writeUInt32LE(crc32(stamp.subarray(0, 12)), 12)
  return stamp
}

/** The same for an entry. */
function resumed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  checksummed(copy.subarray(0, 16))
  return reseal(copy, KEY)
}
