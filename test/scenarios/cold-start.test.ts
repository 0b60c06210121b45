// The first moments of a process: calls wait for a first connection that is being made, and not for one that failed.
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startChild } from '../support/child.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
let proxy: TcpProxy

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
})

afterEach(async () => {
  await proxy.stop()
  await server.stop()
})

interface Said {
  readonly value: string
  readonly loads: number
}

async function runOnce(): Promise<number> {
  await using child = startChild(new URL('./programs/starts-cold.ts', import.meta.url), { args: [server.url] })
  const { value, loads } = await child.next<Said>(undefined, 120_000)
  expect(value).toBe('v')
  expect(await child.exit).toEqual({ code: 0, signal: null })
  return loads
}

test('twelve short processes, four at a time, load a value once or twice in all and store it in Redis', async () => {
  let loads = 0
  for (let wave = 0; wave < 3; wave++) {
    const counts = await Promise.all(Array.from({ length: 4 }, runOnce))
    loads += counts.reduce((sum, count) => sum + count, 0)
  }
  expect(loads).toBeGreaterThan(0)
  expect(loads).toBeLessThanOrEqual(2)
  expect(await server.command('EXISTS', 'shop:k')).toBe(1)
}, 240_000)

/** The first connection takes longer than a command may. A busy machine may be slow with both. */
const PATIENT = { timeout: '1s', connectTimeout: '20s' } as const

describe('a first connection that is slower than the timeout of a command', () => {
  test.each([
    ['of a URL', () => redisTier(proxy.url, PATIENT)],
    ['of a lent client', () => redisTier(lent(proxy.port), PATIENT)],
  ])('%s is awaited by reads and writes, and the loaded value is stored', async (_, makeTier) => {
    proxy.hold()
    const cache = createCache({ name: 'shop', l2: makeTier() })
    const told: string[] = []
    const events = ['connected', 'degraded', 'stored', 'storeFailed', 'dropped'] as const
    for (const event of events) cache.on(event, () => void told.push(event))
    const reading = cache.getOrSet('k', () => 'v', { tags: ['t'] })
    const writing = cache.set('w', 1)
    const ready = cache.ready()
    setTimeout(() => void proxy.restore(), 1_800)
    expect(await reading).toBe('v')
    expect(await writing).toBe('applied')
    await ready
    await cache.close()
    expect([...new Set(told)]).toEqual(['connected', 'stored'])
    expect(await server.command('EXISTS', 'shop:k', 'shop:w')).toBe(2)
  })

  test('that never succeeds delays the first call by connectTimeout, and later calls not at all', async () => {
    proxy.silence()
    const cache = createCache({ name: 'shop', l2: redisTier(proxy.url, { connectTimeout: 300, timeout: 60_000 }) })
    expect(await cache.getOrSet('k', () => 'v')).toBe('v')
    // A read that waited for Redis would wait for a minute.
    for (let i = 0; i < 20; i++) expect(await cache.getOrSet(`k${i}`, () => i)).toBe(i)
    await expect(cache.ready({ timeout: 50 })).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    await cache.close()
  })
})

test('if Redis is down at the start no call waits for it, and ready() rejects with the reason', async () => {
  await server.kill()
  const cache = createCache({ name: 'shop', l2: redisTier(server.url, { connectTimeout: '1h', timeout: '1h' }) })
  expect(await cache.getOrSet('k', () => 'v')).toBe('v')
  expect(await cache.set('w', 1)).toBe('queued')
  const error = await cache.ready({ timeout: 200 }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    name: 'CacheError',
    message: expect.stringMatching(/^expected L2 to be in use within 200 ms; .*ECONNREFUSED/),
    cause: { cause: { code: 'ECONNREFUSED' } },
  })
  await server.start()
  await cache.ready({ timeout: '20s' })
  await waitFor('everything being published', () => cache.stats().l2.waiting === 0)
  await cache.close()
  await expect(cache.ready()).rejects.toMatchObject({ code: 'CLOSED' })
})

test('ready() resolves at once without an L2 and refuses unknown options', async () => {
  const cache = createCache()
  await cache.ready()
  await expect(cache.ready({ timout: 5 } as never)).rejects.toThrow('Did you mean timeout?')
  await expect(cache.ready({ timeout: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await cache.close()
})

const clients: Redis[] = []

function lent(port: number): Redis {
  const client = new Redis(port)
  client.on('error', () => undefined)
  clients.push(client)
  return client
}

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
})
