// The bus is cut, silent or emptied: missed announcements are caught up, and L1 is trusted for `l1.maxStaleness` at most (G3, G4).
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'

let server: RedisServer
let proxy: TcpProxy
const cleanups: (() => unknown)[] = []

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
})

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
  await proxy.stop()
  await server.stop()
})

const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)

function connect(port: number): Redis {
  const client = new Redis(port)
  client.on('error', () => undefined)
  cleanups.push(() => client.disconnect())
  return client
}

/** A process whose connections go to `port`, except its bus if `busPort` is given. */
async function open(maxStaleness: '1s' | '1h', port = server.port, busPort = port): Promise<Cache> {
  const options = { timeout: '1s', breaker: { openFor: '100ms', maxOpenFor: '200ms' } } as const
  const l2 =
    busPort === port
      ? redisTier(`redis://127.0.0.1:${port}`, options)
      : redisTier(connect(port), { ...options, subscriber: connect(busPort) })
  const cache = createCache({ name: 'shop', ttl: '1h', l1: { maxStaleness }, closeTimeout: '1s', l2 })
  cleanups.push(() => cache.close())
  await waitFor('the bus to be heard', () => cache.stats().bus.trusted)
  return cache
}

const setAll = (cache: Cache, value: string) =>
  cache.setMany(
    keys.map((key) => [key, value] as const),
    { tags: ['t'] },
  )

/** Waits until `cache` has `value` for every key in its memory. It reads them again in case an announcement came in between. */
async function holdsAll(cache: Cache, value: string): Promise<void> {
  await waitFor(`'${value}' in memory`, async () => {
    await cache.getMany(keys)
    return keys.every((key) => cache.peek(key) === value)
  })
}

// L1 is trusted for an hour in these tests, so only the announcements themselves can bring the changes.

test('announcements made while the bus of a process was cut are applied as soon as it is back', async () => {
  const a = await open('1h')
  const b = await open('1h', server.port, proxy.port)
  await setAll(a, 'old')
  await holdsAll(b, 'old')
  await proxy.refuse()
  await setAll(a, 'new')
  await a.invalidateTags('other')
  await proxy.restore()
  await holdsAll(b, 'new')
  await proxy.refuse()
  expect(await a.invalidateTags('t')).toBe('applied')
  await proxy.restore()
  await waitFor('the invalidation', async () => (await b.getMany(keys)).every((got) => got === undefined))
})

test('no change is lost when the server kills connections during the changes', async () => {
  const a = await open('1h')
  const b = await open('1h')
  await setAll(b, 'old')
  await holdsAll(a, 'old')
  for (let round = 0; round < 10; round++) {
    const listening = String(await server.command('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => /\bcmd=xread\b/.test(line))
      .map((line) => /\bid=(\d+)/.exec(line)?.[1] ?? '')
    expect(listening.length).toBeGreaterThan(0)
    const killing = listening.map((id) => server.command('CLIENT', 'KILL', 'ID', id))
    await Promise.all([setAll(a, `v${round}`), ...killing])
    await holdsAll(b, `v${round}`)
    await waitFor('the buses to listen', async () => {
      const list = String(await server.command('CLIENT', 'LIST'))
      return list.split('\n').filter((line) => /\bcmd=xread\b/.test(line)).length === 2
    })
  }
})

test('when all links of a process fall silent, L1 is served for maxStaleness at most; then the value is loaded', async () => {
  const a = await open('1s')
  const b = await open('1s', proxy.port)
  // It is its own value, so no announcement of it is in flight to this process.
  await b.set('k', 'old')
  proxy.silence()
  const silentAtMs = performance.now()
  expect(await a.set('k', 'new')).toBe('applied')
  const reads: { readonly afterMs: number; readonly value: string }[] = []
  while (performance.now() - silentAtMs < 3_000) {
    const afterMs = performance.now() - silentAtMs
    reads.push({ afterMs, value: await b.getOrSet('k', () => 'new') })
    await sleep(20)
  }
  // L1 was trusted at first. Otherwise the rest of this test would prove nothing.
  expect(reads[0]?.value).toBe('old')
  expect(reads.filter(({ afterMs, value }) => afterMs > 1_000 && value !== 'new')).toEqual([])
  expect(reads.at(-1)?.value).toBe('new')
  expect(b.stats().bus.trusted).toBe(false)
  // The link is back: silent links stay dead and are replaced.
  await proxy.restore()
  await waitFor('Redis to be used', () => b.stats().bus.trusted && b.stats().l2.available)
  await a.set('k', 'newer')
  await waitFor('the news', async () => (await b.get('k')) === 'newer')
})

test('when only the bus falls silent, L2 is read after maxStaleness and nothing is loaded', async () => {
  const a = await open('1s')
  const b = await open('1s', server.port, proxy.port)
  // It is its own value, so no announcement of it is in flight to this process.
  await b.set('k', 'old')
  proxy.silence()
  const silentAtMs = performance.now()
  await a.set('k', 'new')
  await sleep(1_000 - (performance.now() - silentAtMs))
  expect(await b.getOrSet('k', () => 'loaded')).toBe('new')
})

test('values that were invalidated while Redis was down do not come back when it restarts empty', async () => {
  const a = await open('1s')
  const b = await open('1s')
  await setAll(a, 'old')
  await holdsAll(b, 'old')
  await server.kill()
  expect(await a.invalidateTags('t')).toBe('queued')
  const nothing = keys.map(() => undefined)
  expect(await a.getMany(keys)).toEqual(nothing)
  await server.start()
  expect(await a.getMany(keys)).toEqual(nothing)
  await waitFor('the other process', async () => (await b.getMany(keys)).every((value) => value === undefined))
  for (const cache of [a, b])
    await waitFor('Redis to be used', () => cache.stats().l2.available && cache.stats().bus.trusted)
  expect(await b.getMany(keys)).toEqual(nothing)
  expect(await setAll(b, 'new')).toBe('applied')
  await waitFor('the new values', async () => (await a.getMany(keys)).every((value) => value === 'new'))
})
