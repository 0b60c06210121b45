// What peers do while Redis is in trouble, played on real Redis: rows 11, 12, 18, 21 and 34 of the measured list.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startProxy } from '../support/proxy.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'

let server: RedisServer

beforeEach(async () => {
  server = await startRedis()
})

afterEach(() => server.stop())

/** Only a hang takes longer: L2 may cost 200 ms until the breaker opens. */
const A_HANG_MS = 3_000

async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const startMs = performance.now()
  return [await work, performance.now() - startMs]
}

/** The application's own client as it comes: with an offline queue, resending what was under way, retrying for ever. */
const lentClients: [string, (port: number) => Redis][] = [
  ['ioredis 6 with its defaults', (port) => new Redis(port)],
  ['ioredis 5 with its defaults', (port) => new Redis5(port) as unknown as Redis],
  [
    'ioredis 6 whose commands never settle when its link drops (row 34)',
    (port) => new Redis(port, { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: null }),
  ],
]

describe.each(lentClients)('with the documented defaults and %s', (_, connect) => {
  test.each([
    ['hung', (own: RedisServer) => own.pause()],
    ['killed', (own: RedisServer) => own.kill()],
  ] as const)('no read of a %s Redis hangs or fails, and no write (row 21)', async (_, break_) => {
    const client = connect(server.port)
    client.on('error', () => undefined)
    const cache = createCache({ name: 'shop', l2: redisTier(client) })
    await cache.getOrSet('k', () => 'v')
    await cache.drain()
    await break_(server)
    for (let i = 0; i < 10; i++) {
      const [value, tookMs] = await timed(cache.getOrSet(`k${i}`, () => i))
      expect(value).toBe(i)
      expect(tookMs).toBeLessThan(A_HANG_MS)
    }
    const [many, tookMs] = await timed(
      Promise.all(Array.from({ length: 500 }, (_, i) => cache.getOrSet(`m${i}`, () => i))),
    )
    expect(many).toHaveLength(500)
    expect(tookMs).toBeLessThan(A_HANG_MS)
    expect(await cache.set('k', 'w')).toBe('queued')
    expect(await cache.delete('k')).toBe('queued')
    const [, closedAfterMs] = await timed(cache.close())
    expect(closedAfterMs).toBeLessThan(8_000)
    client.disconnect()
  })

  test('a link that drops with commands under way leaves no caller waiting (row 34)', async () => {
    await using proxy = await startProxy(server.port)
    const client = connect(proxy.port)
    client.on('error', () => undefined)
    const cache = createCache({ name: 'shop', l2: redisTier(client) })
    await cache.getOrSet('k', () => 'v')
    proxy.hold('replies')
    const reads = Promise.all(Array.from({ length: 50 }, (_, i) => cache.getOrSet(`k${i}`, () => i)))
    await sleep(20)
    await proxy.refuse()
    const [values, tookMs] = await timed(reads)
    expect(values).toHaveLength(50)
    expect(tookMs).toBeLessThan(A_HANG_MS)
    await proxy.restore()
    await waitFor('recovery', () => cache.stats().l2.available)
    await cache.close()
    client.disconnect()
  })
})

test('a value that L2 cannot take does not fail the read whose loader answered (row 11)', async () => {
  const cache = createCache({ name: 'shop', l2: redisTier(server.url) })
  const failures: unknown[] = []
  cache.on('storeFailed', ({ error }) => failures.push(error))
  const value = { act: () => 'a function cannot be kept' }
  expect(await cache.getOrSet('k', () => value)).toBe(value)
  await cache.drain()
  expect(failures).toMatchObject([{ code: 'UNSUPPORTED_VALUE' }])
  await cache.close()
})

test('a stale value answers while the loader fails and Redis hangs (row 12)', async () => {
  // Memory alone is not asked to vouch for it any longer than l1.maxStaleness: G3.
  const cache = createCache({
    name: 'shop',
    ttl: 50,
    staleIfError: '1h',
    l1: { maxStaleness: '1m' },
    l2: redisTier(server.url),
  })
  await waitFor('the bus being heard', () => cache.stats().bus.trusted)
  await cache.getOrSet('k', () => 'stale')
  await cache.drain()
  server.pause()
  await sleep(60)
  const [value, tookMs] = await timed(cache.getOrSet('k', () => Promise.reject(new Error('down'))))
  expect(value).toBe('stale')
  expect(tookMs).toBeLessThan(A_HANG_MS)
  server.resume()
  await cache.close()
})

test('clear() of a namespace costs the same with 100,000 other keys in memory as with none (row 18)', async () => {
  const cache = createCache({ name: 'shop', ttl: '1h', l1: { maxEntries: 200_000 } })
  const small = cache.namespace('small')
  /** The shortest of some, since the machine may be busy. */
  const blockedMs = async () => {
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      const startMs = performance.now()
      const cleared = small.clear()
      times.push(performance.now() - startMs)
      await cleared
    }
    return Math.min(...times)
  }
  const aloneMs = await blockedMs()
  const others = Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i] as const)
  await cache.setMany(others)
  await small.set('k', 1)
  const entries = cache.stats().l1.entries
  expect(entries).toBeGreaterThan(100_000)
  // The peer blocked for 77 ms, and this took microseconds: whoever visits all keys is some hundred times slower than who visits none.
  expect(await blockedMs()).toBeLessThan(50 * aloneMs + 1)
  expect(cache.stats().l1.entries).toBe(entries)
  expect(await small.get('k')).toBeUndefined()
  expect(await cache.get('k99999')).toBe(99_999)
  await cache.close()
})
