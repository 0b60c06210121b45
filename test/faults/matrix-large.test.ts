// A value of 64 MB: whether or not the tiers store it, its callers get it, and other calls go on.
import { randomFillSync } from 'node:crypto'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { expect, test } from 'vitest'
import { startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const MIB = 1024 * 1024
/** The checksum of so many bytes takes a busy machine a while. */
const LIMIT = { limitMs: 50_000 }

test.each([
  ['64 MB, which is beyond maxValueBytes', 64 * MIB],
  ['60 MB of noise, which L2 is slow to take', 60 * MIB],
])('a value of %s reaches its callers, and other keys are slow for a short time at most', async (_, bytes) => {
  await using server = await startRedis()
  const breaker = { openFor: '100ms', maxOpenFor: '400ms' } as const
  const options = { breaker, maxValueBytes: 62 * MIB }
  const open = () => createCache({ name: 'shop', ttl: '1h', l2: redisTier(server.url, options) })
  await using a = open()
  await using b = open()
  const value = randomFillSync(new Uint8Array(bytes))
  const read = await a.getOrSet('large', () => value)
  expect(read.byteLength).toBe(bytes)
  expect(await b.getOrSet('other', () => 'fine')).toBe('fine')
  expect((await b.getOrSet('large', () => value)).byteLength).toBe(bytes)
  await a.drain()
  await waitFor('L2 being in use', () => a.stats().l2.available && b.stats().l2.available, LIMIT)
  expect(await a.set('small', 'new')).toMatch(/applied|queued/)
  await waitFor('the other process seeing it', async () => (await b.get('small')) === 'new', LIMIT)
})

test('set() refuses a value beyond maxValueBytes before it changes anything', async () => {
  await using server = await startRedis()
  await using cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(server.url, { maxValueBytes: MIB }) })
  await cache.set('k', 'old')
  await expect(cache.set('k', new Uint8Array(2 * MIB))).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
  expect(await cache.get('k')).toBe('old')
})
