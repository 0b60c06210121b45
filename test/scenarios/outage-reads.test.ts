// Reads and writes while Redis hangs, is down or drops its link: none hangs or fails.
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

/** More than the failures that open the breaker plus a few trials, and fewer than the reads. */
const FEW_OPERATIONS = 100

/** The application's own client with default settings: an offline queue, commands sent again, endless retries. */
const lentClients: [string, (port: number) => Redis][] = [
  ['ioredis 6 with its defaults', (port) => new Redis(port)],
  ['ioredis 5 with its defaults', (port) => new Redis5(port) as unknown as Redis],
  [
    'ioredis 6 whose commands never settle when its link drops',
    (port) => new Redis(port, { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: null }),
  ],
]

describe.each(lentClients)('with the documented defaults and %s', (_, connect) => {
  test.each([
    ['hung', (own: RedisServer) => own.pause()],
    ['killed', (own: RedisServer) => own.kill()],
  ] as const)('with a %s Redis no read and no write hangs or fails', async (_, break_) => {
    const client = connect(server.port)
    client.on('error', () => undefined)
    const cache = createCache({ name: 'shop', l2: redisTier(client) })
    await cache.getOrSet('k', () => 'v')
    await cache.drain()
    await break_(server)
    const before = cache.stats().l2Operations
    for (let i = 0; i < 10; i++) expect(await cache.getOrSet(`k${i}`, () => i)).toBe(i)
    expect(cache.stats().l2.available).toBe(false)
    for (let i = 0; i < 500; i++) expect(await cache.getOrSet(`m${i}`, () => i)).toBe(i)
    // Once the breaker is open, reads do not ask L2: only a few reads waited for it.
    expect(cache.stats().l2Operations - before).toBeLessThan(FEW_OPERATIONS)
    expect(await cache.set('k', 'w')).toBe('queued')
    expect(await cache.delete('k')).toBe('queued')
    await cache.close()
    client.disconnect()
  })

  test('a link that drops while commands are in flight leaves no caller waiting', async () => {
    await using proxy = await startProxy(server.port)
    const client = connect(proxy.port)
    client.on('error', () => undefined)
    const cache = createCache({ name: 'shop', l2: redisTier(client) })
    await cache.getOrSet('k', () => 'v')
    proxy.hold('replies')
    const reads = Promise.all(Array.from({ length: 50 }, (_, i) => cache.getOrSet(`k${i}`, () => i)))
    await sleep(20)
    await proxy.refuse()
    expect(await reads).toEqual(Array.from({ length: 50 }, (_, i) => i))
    await proxy.restore()
    await waitFor('recovery', () => cache.stats().l2.available)
    await cache.close()
    client.disconnect()
  })
})

test('a value that L2 cannot store reaches its caller all the same', async () => {
  const cache = createCache({ name: 'shop', l2: redisTier(server.url) })
  const failures: unknown[] = []
  cache.on('storeFailed', ({ error }) => failures.push(error))
  const value = { act: () => 'a function cannot be kept' }
  expect(await cache.getOrSet('k', () => value)).toBe(value)
  await cache.drain()
  expect(failures).toMatchObject([{ code: 'UNSUPPORTED_VALUE' }])
  await cache.close()
})

test('a stale value is served while the loader fails and Redis hangs', async () => {
  // A long staleness: without Redis the value may be served for l1.maxStaleness only (G3).
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
  expect(await cache.getOrSet('k', () => Promise.reject(new Error('down')))).toBe('stale')
  server.resume()
  await cache.close()
})
