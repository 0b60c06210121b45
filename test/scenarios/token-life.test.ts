// How long the token of a tag stays in Redis: longer than every entry that carries it, but not much longer.
import { type Cache, createCache, type LoadContext } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
let cache: Cache

beforeEach(async () => {
  server = await startRedis()
  cache = createCache({ name: 'shop', l2: redisTier(server.url) })
  await waitFor('L2 in use', () => cache.stats().l2.available)
})

afterEach(async () => {
  await cache.close()
  await server.stop()
})

const MINUTE_MS = 60_000

const leftMs = async (key: string): Promise<number> => Number(await server.command('PTTL', key))
const tokenLeftMs = (tag: string) => leftMs(`{shop}#t:${tag}`)

test('the tokens of 300 tags on entries that live a second expire after minutes, not days', async () => {
  await Promise.all(Array.from({ length: 300 }, (_, i) => cache.set(`k${i}`, i, { ttl: '1s', tags: [`t${i}`] })))
  const keys = (await server.command('KEYS', '{shop}#[tc]:*')) as string[]
  expect(keys).toHaveLength(301) // And the token of the cache itself.
  for (const key of keys) {
    expect(await leftMs(key)).toBeGreaterThan(4 * MINUTE_MS)
    expect(await leftMs(key)).toBeLessThan(10 * MINUTE_MS)
  }
})

test.each(['1s', '4m', '10m', '3h', '30d'] as const)(
  'tokens live longer than an entry of %s, by a factor of two at most',
  async (ttl) => {
    await cache.getOrSet('k', () => 'v', { ttl, tags: ['t'] })
    await cache.drain()
    const entryMs = await leftMs('shop:k')
    for (const tokenMs of [await tokenLeftMs('t'), await leftMs('{shop}#c:shop')]) {
      expect(tokenMs).toBeGreaterThan(entryMs)
      expect(tokenMs).toBeLessThan(Math.max(2 * entryMs + MINUTE_MS, 10 * MINUTE_MS))
    }
  },
)

test('an entry with a longer life extends the life of its token, and one with a shorter life does not shorten it', async () => {
  await cache.set('short', 1, { ttl: '1s', tags: ['t'] })
  await cache.set('long', 2, { ttl: '2d', tags: ['t'] })
  const renewedMs = await tokenLeftMs('t')
  expect(renewedMs).toBeGreaterThan(await leftMs('shop:long'))
  await cache.set('short', 3, { ttl: '1s', tags: ['t'] })
  expect(await tokenLeftMs('t')).toBeGreaterThan(renewedMs - MINUTE_MS)
  expect(await cache.get('long')).toBe(2)
})

test('a longer ttl chosen by the loader extends the life of the tokens that were read before the load', async () => {
  const load = (ctx: LoadContext) => {
    ctx.ttl('1d')
    return 'v'
  }
  await cache.getOrSet('k', load, { ttl: '1s', tags: ['t'] })
  await cache.drain()
  expect(await tokenLeftMs('t')).toBeGreaterThan(await leftMs('shop:k'))
  expect(await leftMs('{shop}#c:shop')).toBeGreaterThan(await leftMs('shop:k'))
})
