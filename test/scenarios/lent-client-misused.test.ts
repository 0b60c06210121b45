// A lent client that its application uses in a way in which it cannot carry commands of a cache. The cache reports it once and opens its own link.
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
let client: Redis
let cache: Cache
let notices: string[]
let corrupt: number

beforeEach(async () => {
  server = await startRedis()
  client = new Redis(server.port, { protocol: 2 } as object)
  client.on('error', () => undefined)
  await client.ping()
  open()
})

function open(): void {
  cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(client), logger: false })
  notices = []
  corrupt = 0
  cache.on('notice', ({ code, error }) => {
    notices.push(code)
    if (code.startsWith('CLIENT_') && code !== 'CLIENT_USABLE') expect(error).toMatchObject({ name: 'CacheError' })
  })
  cache.on('corrupt', () => void corrupt++)
}

afterEach(async () => {
  await cache.close()
  client.disconnect()
  await server.stop()
})

const worksAgain = () => waitFor('L2 in use', () => cache.stats().l2.available && cache.stats().l2.waiting === 0)

describe('a transaction that the application opened on the lent client', () => {
  test("delays no read, and changes are 'queued' until they are really applied", async () => {
    await cache.ready()
    await cache.set('k', 'old')
    await client.multi({ pipeline: false })
    expect(await cache.delete('k')).toBe('queued')
    expect(await cache.getOrSet('other', () => 'loaded')).toBe('loaded')
    await worksAgain()
    expect(await server.command('EXISTS', 'shop:k')).toBe(0)
    expect(await cache.set('k', 'new')).toBe('applied')
    await client.discard()
    await waitFor('the lent client', () => notices.includes('CLIENT_USABLE'))
    expect(await cache.get('k')).toBe('new')
    expect(notices.filter((code) => code === 'CLIENT_IN_MULTI')).toHaveLength(1)
    expect(corrupt).toBe(0)
  })

  test('is detected also if it was opened before the cache was created', async () => {
    await cache.close()
    await client.multi({ pipeline: false })
    open()
    expect(await cache.getOrSet('k', () => 'v')).toBe('v')
    await worksAgain()
    expect(notices).toContain('CLIENT_IN_MULTI')
    await client.discard()
  })
})

test('a foreign value with the text QUEUED is not taken for a transaction', async () => {
  await cache.ready()
  await server.command('SET', 'shop:k', 'QUEUED')
  expect(await cache.getOrSet('k', () => 'v')).toBe('v')
  await cache.drain()
  expect(notices.filter((code) => code.startsWith('CLIENT_'))).toEqual([])
})

test('while a lent client is subscribed the cache uses a connection of its own', async () => {
  await cache.ready()
  await client.subscribe('news')
  expect(await cache.set('k', 'v')).toBe('queued')
  await worksAgain()
  expect(notices).toContain('CLIENT_SUBSCRIBED')
  await client.unsubscribe('news')
  await waitFor('the lent client', () => notices.includes('CLIENT_USABLE'))
  expect(await cache.set('k', 'w')).toBe('applied')
})

test('when the application sends SELECT on a lent client, the cache stays on its own database with a connection of its own', async () => {
  await cache.ready()
  await cache.set('k', 'v')
  const selecting = client.select(3)
  await cache.set('during', 1)
  await selecting
  await worksAgain()
  expect(await cache.set('later', 2)).toBe('applied')
  expect(notices).toContain('CLIENT_DB_CHANGED')
  expect(await client.dbsize()).toBe(0)
  await client.select(0)
  await waitFor('the lent client', () => notices.includes('CLIENT_USABLE'))
  expect(await client.exists('shop:k', 'shop:later')).toBe(2)
})

describe('a subscriber connection', () => {
  test('that is the lent client itself is refused', () => {
    expect(() => redisTier(client, { subscriber: client })).toThrow(/subscriber must be a client of its own/)
  })

  test('that another cache uses, as subscriber or as client, is refused until that cache is closed', async () => {
    const subscriber = client.duplicate()
    subscriber.on('error', () => undefined)
    const first = createCache({ name: 'a', l2: redisTier(client, { subscriber }) })
    const second = () => createCache({ name: 'b', l2: redisTier(client, { subscriber }) })
    expect(second).toThrow(/^subscriber must be a client that nothing else uses; another cache already uses this one/)
    expect(() => createCache({ name: 'b', l2: redisTier(subscriber) })).toThrow(
      /this one is the subscriber of another cache/,
    )
    await first.close()
    await second().close()
    subscriber.disconnect()
  })
})
