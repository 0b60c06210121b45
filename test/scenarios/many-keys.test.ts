// Many keys or tags: no command blocks the server's other clients for long, no call visits all of memory, and nothing is missing.
import { LRUCache } from 'lru-cache'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { monitor } from '../support/monitor.js'
import { PATIENT } from '../support/patient.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const MANY = 2_500
const LARGEST = 1_100

let server: RedisServer
let a: Cache
let b: Cache

// The leases outlast a stall of the machine: a value that comes after the end of its lease is not stored.
const TIER = { ...PATIENT, leaseTtl: '1m' } as const
const open = () => createCache({ name: 'shop', ttl: '1h', logger: false, l2: redisTier(server.url, TIER) })

beforeAll(async () => {
  server = await startRedis()
  a = open()
  b = open()
  await Promise.all([a.ready(), b.ready()])
})

afterAll(async () => {
  await Promise.all([a.close(), b.close()])
  await server.stop()
})

/** The largest number of keys in one command while `run` ran. */
async function largestCommand(run: () => Promise<void>): Promise<number> {
  let largest = 0
  let isOver = false
  const stop = await monitor(server.port, ([command = '', ...args]) => {
    if (command === 'ECHO') isOver = true
    if (/^mget$/i.test(command)) largest = Math.max(largest, args.length)
    if (/^evalsha$/i.test(command)) largest = Math.max(largest, Number(args[1]))
  })
  await run()
  await server.command('ECHO', 'over')
  await waitFor('all commands to be seen', () => isOver)
  stop()
  return largest
}

/** Waits until the other process has received all announcements. */
const hasForgotten = (some: readonly string[]) =>
  waitFor('the other process to hear of it', () => some.every((key) => b.peek(key) === undefined))

const keys = Array.from({ length: MANY }, (_, i) => `k${i}`)

test('keys are written, read and deleted in commands of at most about a thousand', async () => {
  const largest = await largestCommand(async () => {
    await a.setMany(keys.map((key) => [key, key]))
    expect(await b.getMany(keys)).toEqual(keys)
    await a.delete(keys)
    await hasForgotten(keys)
    expect(await b.getMany(keys)).toEqual(keys.map(() => undefined))
  })
  expect(largest).toBeGreaterThan(100)
  expect(largest).toBeLessThan(LARGEST)
})

test('entries with one tag each are written, read and invalidated in commands of at most about a thousand', async () => {
  const largest = await largestCommand(async () => {
    await Promise.all(keys.map((key) => a.getOrSet(key, () => key, { tags: [`tag of ${key}`] })))
    await a.drain()
    expect(await b.getMany(keys)).toEqual(keys)
    expect(await a.invalidateTags(keys.map((key) => `tag of ${key}`))).toBe('applied')
    await hasForgotten(keys)
    expect(await b.getMany(keys)).toEqual(keys.map(() => undefined))
  })
  expect(largest).toBeGreaterThan(100)
  expect(largest).toBeLessThan(LARGEST)
})

test('one call invalidates hundreds of thousands of tags, and other entries are not affected', async () => {
  const some = keys.slice(0, 100)
  await Promise.all(some.map((key) => a.set(key, key, { tags: [`tag of ${key}`] })))
  expect(await b.getMany(some)).toEqual(some)
  const tags = Array.from({ length: 250_000 }, (_, i) => `tag of k${i}`)
  expect(await a.invalidateTags(tags)).toBe('applied')
  await hasForgotten(some)
  expect(await b.getMany(some)).toEqual(some.map(() => undefined))
  expect(a.stats().l2?.waiting).toBe(0)
})

test('clear() of a namespace looks at none of 100,000 other keys in memory', async () => {
  const cache = createCache({ name: 'shop', ttl: '1h', l1: { maxEntries: 200_000 } })
  const small = cache.namespace('small')
  await cache.setMany(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i] as const))
  await small.set('k', 1)
  expect(cache.stats().l1.entries).toBe(100_001)
  // The background sweep removes invalidated entries later, in slices.
  const looks = ['get', 'peek', 'has', 'delete'] as const
  const walks = [
    'entries',
    'rentries',
    'keys',
    'rkeys',
    'values',
    'rvalues',
    'forEach',
    'rforEach',
    'find',
    'dump',
  ] as const
  const spyOn = (name: (typeof looks)[number] | (typeof walks)[number]) => vi.spyOn(LRUCache.prototype, name)
  const [looked, walked] = [looks.map(spyOn), walks.map(spyOn)]
  const cleared = small.clear()
  const calls = [looked, walked].map((spies) => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0))
  vi.restoreAllMocks()
  expect(calls[0]).toBeLessThan(10)
  expect(calls[1]).toBe(0)
  await cleared
  expect(cache.stats().l1.entries).toBeGreaterThanOrEqual(100_000)
  expect(await small.get('k')).toBeUndefined()
  expect(await cache.get('k99999')).toBe(99_999)
  await cache.close()
})
