// Someone who can write under the key of an entry. No lease, fence or entry of a later format that they plant prevents a load.
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newStamp } from '../../src/codec/envelope/stamp.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'

let server: RedisServer
let stranger: Redis
let cache: Cache
let notices: string[]

beforeAll(async () => {
  server = await startRedis()
  stranger = new Redis(server.url)
})

afterAll(async () => {
  stranger.disconnect()
  await server.stop()
})

beforeEach(async () => {
  await server.command('FLUSHALL')
  cache = createCache({
    name: 'shop',
    l2: redisTier(server.url, { timeout: '5s', leaseTtl: '200ms' }),
    ttl: '1h',
    hardTimeout: '20s',
    logger: false,
  })
  notices = []
  cache.on('notice', ({ code }) => notices.push(code))
  await cache.ready()
})

afterEach(() => cache.close())

const moment = '0000000000000001'
const later = () => {
  const stamp = newStamp('live')
  stamp[2] = 9
  return Buffer.concat([stamp, Buffer.alloc(64)])
}

/** Loads a value and checks that another process finds it in L2. */
async function expectToLoadAndStore(key: string): Promise<void> {
  expect(await cache.getOrSet(key, () => 'loaded')).toBe('loaded')
  await cache.drain()
  await using other = createCache({ name: 'shop', l2: redisTier(server.url, { timeout: '5s' }), logger: false })
  await other.ready()
  expect(await other.get(key)).toBe('loaded')
}

describe('without an expiry', () => {
  test.each([
    ['a lease', () => newStamp('lease')],
    ['a lease with the moment of its planting', () => Buffer.concat([newStamp('lease'), Buffer.from(moment)])],
    ['a fence', () => newStamp('fence')],
    ['an entry of a later format', later],
  ])('%s that a stranger planted under a key is replaced: the value is loaded and stored', async (_, make) => {
    await stranger.set('shop:k', make())
    await expectToLoadAndStore('k')
    expect(notices).toEqual(['WRONG_LIFE'])
  })

  test('a lease that a stranger planted for the refresh of a value does not block its load', async () => {
    await cache.set('k', 'old', { ttl: '50ms', staleIfError: '1h' })
    const generation = ((await stranger.getBuffer('shop:k')) as Buffer).subarray(0, 16).toString('hex')
    await stranger.set(`shop#r:${generation}`, newStamp('lease'))
    await sleep(100)
    await expectToLoadAndStore('k')
  })
})

test.each([
  ['a lease', () => newStamp('lease')],
  ['a fence', () => newStamp('fence')],
])('%s that expires in a year is replaced', async (_, make) => {
  await stranger.set('shop:k', make(), 'PX', 365 * 24 * 3_600_000)
  await expectToLoadAndStore('k')
})

test('our own lease from which a stranger removed the expiry is replaced, and its load stores nothing', async () => {
  let isLoading = false
  let isOver = false
  const first = cache.getOrSet('k', async () => {
    isLoading = true
    await waitFor('the end', () => isOver)
    return 'first'
  })
  await waitFor('the load', () => isLoading)
  const untilMs = performance.now() + 1_000
  const persisting = (async () => {
    while (performance.now() < untilMs) await stranger.persist('shop:k')
  })()
  await using other = createCache({
    name: 'shop',
    l2: redisTier(server.url, { timeout: '5s', leaseTtl: '200ms' }),
    ttl: '1h',
    logger: false,
  })
  await other.ready()
  expect(await other.getOrSet('k', () => 'second')).toBe('second')
  await persisting
  await other.drain()
  isOver = true
  expect(await first).toBe('first')
  await cache.drain()
  await using third = createCache({ name: 'shop', l2: redisTier(server.url, { timeout: '5s' }), logger: false })
  await third.ready()
  expect(await third.get('k')).toBe('second')
})

test('leases that a stranger plants repeatedly delay a read by half of its hardTimeout; its load has the other half', async () => {
  let isOver = false
  const planting = (async () => {
    while (!isOver) await stranger.set('shop:k', Buffer.concat([newStamp('lease'), Buffer.from(moment)]), 'PX', 1_000)
  })()
  const load = async () => {
    await sleep(300)
    return 'loaded'
  }
  expect(await cache.getOrSet('k', load, { hardTimeout: '2s' })).toBe('loaded')
  isOver = true
  await planting
})

test('leases that a stranger plants repeatedly do not block a refresh, which waits for no lease', async () => {
  let isOver = false
  const planting = (async () => {
    while (!isOver) await stranger.set('shop:rows:1', newStamp('lease'), 'PX', 1_000)
  })()
  const rows = cache.source('rows', { load: () => 'loaded' })
  expect(await rows.refresh(1)).toBe('loaded')
  isOver = true
  await planting
})
