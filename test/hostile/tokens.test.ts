// Someone who can write under the key of a token. Whatever is not one of our tokens is replaced, so no load is repeated because of it.
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'

let server: RedisServer
let a: Cache
let b: Cache

const open = () => createCache({ name: 'shop', ttl: '1h', logger: false, l2: redisTier(server.url, PATIENT) })

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

beforeEach(async () => {
  await server.command('FLUSHALL')
  a = open()
  b = open()
  await Promise.all([a.ready(), b.ready()])
})

afterEach(() => Promise.all([a.close(), b.close()]))

test.each([
  ['32 bytes of anything', 'this is not a token of the cache'],
  ['32 digits in upper case', 'ABCDEF00112233445566778899AABBCC'],
  ['bytes of another length', 'abc'],
  ['nothing', ''],
  ['the mark of a hold that never ends', 'hold'],
])('%s in place of a token is replaced by a token that expires', async (_, planted) => {
  await server.command('SET', '{shop}#t:x', planted)
  let loads = 0
  const load = () => ++loads
  expect(await a.getOrSet('k', load, { tags: ['x'] })).toBe(1)
  await a.drain()
  for (const cache of [a, b, a, b]) expect(await cache.getOrSet('k', load, { tags: ['x'] })).toBe(1)
  expect(await server.command('GET', '{shop}#t:x')).toMatch(/^[0-9a-f]{32}$/)
  expect(Number(await server.command('PTTL', '{shop}#t:x'))).toBeGreaterThan(0)
})

test('a token from which a stranger removed the expiry gets a new expiry and stays the same', async () => {
  await a.getOrSet('k', () => 1, { tags: ['x'] })
  await a.drain()
  const token = await server.command('GET', '{shop}#t:x')
  await server.command('PERSIST', '{shop}#t:x')
  await b.getOrSet('other', () => 2, { tags: ['x'] })
  expect(await server.command('GET', '{shop}#t:x')).toBe(token)
  expect(Number(await server.command('PTTL', '{shop}#t:x'))).toBeGreaterThan(0)
})

test('an invalidation removes what a stranger put in place of a token', async () => {
  await a.getOrSet('k', () => 1, { tags: ['x'] })
  await a.drain()
  await server.command('SET', '{shop}#t:x', 'this is not a token of the cache')
  await a.expireTags(['x'])
  expect(await b.getOrSet('k', () => 2, { tags: ['x'] })).toBe(2)
})
