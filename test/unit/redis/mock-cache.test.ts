// Caches on ioredis-mock, as in the tests of an application.
import { Redis } from 'ioredis'
import RedisMock from 'ioredis-mock'
import { type Cache, type CacheOptions, createCache } from 'tiercache'
import { type RedisBus, redisTier } from 'tiercache/redis'
import { deferred, FakeClock } from 'tiercache/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isClient } from '../../../src/redis/client/client.js'
import { isMockClient } from '../../../src/redis/mock/mock-client.js'

let host = ''
const caches: Cache[] = []

beforeEach(() => {
  host = `mock-${crypto.randomUUID()}`
})

afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(caches.splice(0).map((cache) => cache.close()))
})

/** A cache that represents a separate process. */
function cacheOn(mock = new RedisMock({ host }), options: Omit<CacheOptions, 'bus'> & { bus?: RedisBus } = {}): Cache {
  const { bus, ...rest } = options
  const cache = createCache({ name: 'shop', ttl: '5m', l2: redisTier(mock, { bus }), ...rest })
  caches.push(cache)
  return cache
}

test('a value that one cache stores is read by another', async () => {
  const [a, b] = [cacheOn(), cacheOn()]
  const value = { at: new Date(0), bytes: Buffer.from([0, 255]), many: new Map([[1n, undefined]]) }
  expect(await a.set('k', value)).toBe('applied')
  expect(await b.lookup('k')).toMatchObject({ found: true, tier: 'l2', value })
  expect(await b.lookup('k')).toMatchObject({ found: true, tier: 'l1', value })
})

test('a change in one cache is seen by another as soon as the call has resolved', async () => {
  const [a, b] = [cacheOn(), cacheOn()]
  await a.set('k', 1, { tags: ['t'] })
  for (const change of [
    () => a.set('k', 2, { tags: ['t'] }),
    () => a.delete('k'),
    () => a.expire('k'),
    () => a.invalidateTags(['t']),
    () => a.clear(),
  ]) {
    await a.set('k', 1, { tags: ['t'] })
    expect(await b.get('k')).toBe(1)
    expect(b.peek('k')).toBe(1)
    expect(await change()).toBe('applied')
    expect(b.peek('k')).toBeUndefined()
  }
})

test('a session lives as long as it is read, from memory too, and is gone after one idle life without', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const options = { ttl: Number.POSITIVE_INFINITY, idleTtl: '10s' } as const
  const [a, b] = [cacheOn(undefined, options), cacheOn(undefined, options)]
  await a.set('s', 'v')
  for (let seconds = 0; seconds < 30; seconds++) {
    vi.setSystemTime(Date.now() + 1_000)
    expect(await a.get('s')).toBe('v')
    await a.drain()
  }
  expect(await b.lookup('s')).toMatchObject({ tier: 'l2', value: 'v' })
  await b.drain()
  vi.setSystemTime(Date.now() + 10_000)
  expect([await a.get('s'), await b.get('s')]).toEqual([undefined, undefined])
})

test('a load runs once in all caches, and its value is not stored if the key was deleted meanwhile', async () => {
  const [a, b] = [cacheOn(), cacheOn()]
  let loads = 0
  const load = async () => ++loads
  expect(await Promise.all([a.getOrSet('k', load), b.getOrSet('k', load)])).toEqual([1, 1])
  const started = deferred<void>()
  const ended = deferred<string>()
  const loading = a.getOrSet('slow', () => {
    started.resolve()
    return ended.promise
  })
  await started.promise
  await b.delete('slow')
  ended.resolve('old')
  expect(await loading).toBe('old')
  await a.drain()
  expect(await a.get('slow')).toBeUndefined()
  expect(await b.get('slow')).toBeUndefined()
})

test('tags that are known only after the load are stored with the value', async () => {
  const [a, b] = [cacheOn(), cacheOn()]
  const user = { id: 1, org: 7 }
  await a.getOrSet('user:1', async () => user, { tags: ({ org }) => [`org:${org}`] })
  await a.drain()
  expect(await b.get('user:1')).toEqual(user)
  await b.invalidateTags(['org:7'])
  expect(await a.get('user:1')).toBeUndefined()
})

test('flushall between two tests empties L2', async () => {
  const a = cacheOn()
  await a.set('k', 1)
  await new RedisMock({ host }).flushall()
  expect(await cacheOn().get('k')).toBeUndefined()
})

test('flushall is noticed by a cache that stays open', async () => {
  const clock = new FakeClock()
  const a = cacheOn(undefined, { clock, l1: { maxStaleness: 150 } })
  await a.set('k', 1)
  await new RedisMock({ host }).flushall()
  await clock.advance(300)
  expect(await a.get('k')).toBeUndefined()
  await a.set('k', 2)
  expect(await cacheOn().get('k')).toBe(2)
})

test('entries and leases live by the faked timers', async () => {
  vi.useFakeTimers()
  const [a, b] = [cacheOn(), cacheOn()]
  await a.set('k', 1, { ttl: 100 })
  vi.advanceTimersByTime(99)
  expect(await b.get('k')).toBe(1)
  vi.advanceTimersByTime(1)
  expect(await b.get('k')).toBeUndefined()
  expect(await a.getOrSet('k', async () => 2)).toBe(2)
})

test('a mock that is disconnected is an unreachable L2', async () => {
  const clock = new FakeClock()
  const mock = new RedisMock({ host })
  const a = cacheOn(mock, { clock })
  const degraded = vi.fn()
  a.on('degraded', degraded)
  await a.set('k', 1)
  mock.disconnect()
  expect(await a.set('k', 2)).toBe('queued')
  expect(await a.getOrSet('other', async () => 3)).toBe(3)
  await clock.advance(1_000)
  expect(degraded).toHaveBeenCalledOnce()
  await mock.connect()
  await clock.advance(30_000)
  expect(await cacheOn().get('k')).toBe(2)
})

test('mocks that connect late, have a prefix or imitate a cluster are accepted', async () => {
  const lazy = cacheOn(new RedisMock({ host, lazyConnect: true }))
  expect(await lazy.set('k', 1)).toBe('applied')
  const prefixed = cacheOn(new RedisMock({ host, keyPrefix: 'app:' }))
  await prefixed.set('k', 2)
  expect((await new RedisMock({ host }).keys('app:*')).sort()).toEqual([
    'app:shop:k',
    'app:{shop}#bus',
    'app:{shop}#c:shop',
  ])
  expect(await lazy.get('k')).toBe(1)
  const cluster = createCache({ name: 'shop', l2: redisTier(new RedisMock.Cluster([{ host, port: 7000 }])) })
  expect(await cluster.set('k', 3)).toBe('applied')
  await cluster.clear()
  await cluster.close()
})

test('a tracking bus works like the stream bus, and without a bus no announcement is received', async () => {
  const [tracking, stream, deaf] = (['tracking', 'stream', false] as const).map((bus) => cacheOn(undefined, { bus }))
  await stream?.set('k', 1)
  expect([await tracking?.get('k'), await deaf?.get('k')]).toEqual([1, 1])
  await stream?.delete('k')
  expect(tracking?.peek('k')).toBeUndefined()
  expect(deaf?.peek('k')).toBe(1)
})

test('a mock is distinguished from a client and from other values', () => {
  const client = new Redis({ lazyConnect: true })
  expect([isClient(client), isMockClient(client)]).toEqual([true, false])
  expect(isMockClient(new RedisMock({ host }))).toBe(true)
  for (const value of [undefined, null, 'redis://x', {}, { connected: true, data: new Map(), expires: new Map() }]) {
    expect(isMockClient(value)).toBe(false)
  }
})
