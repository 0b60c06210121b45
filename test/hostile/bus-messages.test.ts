// Someone who can append to the stream of announcements. No message stops, deafens or overloads a process, or makes it forget entries.
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const BUS = '{shop}#bus'
const LARGEST_ID = '18446744073709551615-18446744073709551615'

let server: RedisServer
let stranger: Redis
let a: Cache
let b: Cache

const open = () => createCache({ name: 'shop', l2: redisTier(server.url, PATIENT), ttl: '1h', logger: false })
const isInUse = (cache: Cache) => cache.stats().l2?.available === true && cache.stats().bus?.trusted === true

beforeEach(async () => {
  server = await startRedis()
  stranger = new Redis(server.url)
  a = open()
  b = open()
  await waitFor('both being in use', () => isInUse(a) && isInUse(b))
})

afterEach(async () => {
  await Promise.all([a.close(), b.close()])
  stranger.disconnect()
  await server.stop()
})

/** Checks that `b` receives the announcements of `a` and still serves its entries. */
async function expectToHear(): Promise<void> {
  expect(await a.set('heard', 'old')).toBe('applied')
  expect(await b.get('heard')).toBe('old')
  expect(await a.set('heard', 'new')).toBe('applied')
  await waitFor('the other process hearing of it', async () => (await b.get('heard')) === 'new')
  await waitFor('trust', () => isInUse(b))
}

/** The number of connections that the server has accepted. */
async function connections(): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await stranger.info('stats'))?.[1])
}

const announcement = (words: object) => JSON.stringify({ v: 1, s: 'stranger', ...words })
const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`

test.each([
  ['a version that throws when it is printed', '{"v":{"toString":0}}'],
  ['a version that is nested deeply', `{"v":${deep}}`],
  ['nothing but nesting', deep],
  ['a version of another age', '{"v":1e308,"s":"x"}'],
  ['bytes that are not text', Buffer.from([0xff, 0xfe, 0x00])],
  ['a megabyte of text', announcement({ k: ['x'.repeat(1_000_000)] })],
  ['lists of the wrong things', announcement({ k: [{ toString: 0 }], p: 5 })],
  ['pairs that are not pairs', announcement({ x: [[], [1], ['t:a', 'x']] })],
  ['a sender that is not text', '{"v":1,"s":{"toJSON":0}}'],
  ['null', 'null'],
  ['an own __proto__', '{"v":1,"__proto__":{"s":"x"}}'],
])(
  'an announcement with %s is skipped and reported as an event, and the connection goes on listening',
  async (_, bytes) => {
    const ignored: string[] = []
    b.on('messageIgnored', ({ error }) => ignored.push(error.code))
    const before = await connections()
    await stranger.xadd(BUS, '*', 'm', bytes)
    await waitFor('the event', () => ignored.length > 0)
    expect(ignored).toEqual(['BUS_MESSAGE_INVALID'])
    await expectToHear()
    expect(await connections()).toBe(before)
  },
)

test('stream entries with unknown fields, or with an empty message, are skipped', async () => {
  await stranger.xadd(BUS, '*', 'x', 'y', 'm2', 'z')
  await stranger.xadd(BUS, '*', 'm', '')
  await expectToHear()
})

test('a flood of bad messages is counted in full and reported about once a second', async () => {
  let told = 0
  b.on('messageIgnored', () => void told++)
  const pipeline = stranger.pipeline()
  for (let i = 0; i < 5_000; i++) pipeline.xadd(BUS, '*', 'm', `{"v":${i + 5}}`)
  const beganAt = performance.now()
  await pipeline.exec()
  await waitFor('all of them', () => b.stats().messagesIgnored === 5_000)
  const seconds = (performance.now() - beganAt) / 1_000
  expect(told).toBeGreaterThan(0)
  expect(told).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
  await expectToHear()
})

test('valid messages with tens of thousands of names are applied in one pass over the entries and loads of a process', async () => {
  await a.setMany(Array.from({ length: 3_000 }, (_, i) => [`key ${i}`, i] as const))
  const flights = Array.from({ length: 500 }, (_, i) =>
    b.getOrSet(`loading ${i}`, () => waitFor('the end', () => over)),
  )
  let over = false
  const names = Array.from({ length: 12_000 }, (_, i) => `\0${i}`)
  for (let i = 0; i < 20; i++) {
    await stranger.xadd(BUS, '*', 'm', announcement({ p: names.map((name) => name.slice(1)).slice(0, 8_000) }))
    await stranger.xadd(BUS, '*', 'm', announcement({ l: names.map((name) => `t:${name.slice(1)}`).slice(0, 6_000) }))
  }
  await expectToHear()
  over = true
  await Promise.all(flights)
})

test('a stream that can take no further id is replaced, and every write reaches the other process', async () => {
  const notices: string[] = []
  a.on('notice', ({ code }) => notices.push(code))
  await stranger.xadd(BUS, LARGEST_ID, 'm', announcement({}))
  expect(await a.set('k', 1)).toBe('applied')
  expect(notices).toContain('STREAM_REPLACED')
  await expectToHear()
})

test.each([
  ['invalidateTags', (cache: Cache) => cache.invalidateTags('t')],
  ['delete', (cache: Cache) => cache.delete('k')],
  ['expire', (cache: Cache) => cache.expire('k')],
  ['clear', (cache: Cache) => cache.clear()],
  ['deleteByPrefix', async (cache: Cache) => (await cache.deleteByPrefix('k')) === 0],
])('%s is announced although the stream could take no further id', async (_, change) => {
  await stranger.xadd(BUS, LARGEST_ID, 'm', announcement({}))
  await waitFor('it being heard', () => b.stats().bus?.trusted)
  const result = await change(a)
  expect(result === 'applied' || result === true).toBe(true)
  await expectToHear()
})

test('a value whose tags are known after its load is stored although the stream could take no further id', async () => {
  await stranger.xadd(BUS, LARGEST_ID, 'm', '{"v":9}')
  // From here `a` looks for later announcements.
  await waitFor('its being read', () => a.stats().messagesIgnored === 1)
  const load = () => a.getOrSet('late', () => 'v', { tags: (value) => [`tag:${String(value)}`] })
  expect(await load()).toBe('v')
  await a.drain()
  expect(a.stats().l2?.available).toBe(true)
  expect(a.stats().l2Failures).toBe(0)
})

test('a stream that is removed repeatedly makes a process reconnect only a few times', async () => {
  const before = await connections()
  const untilMs = performance.now() + 2_000
  let removals = 0
  while (performance.now() < untilMs) {
    await stranger.del(BUS)
    removals++
  }
  const dialled = (await connections()) - before
  expect(removals).toBeGreaterThan(200)
  // Two processes that pause for up to a second reconnect a few times in two seconds, not once per removal.
  expect(dialled).toBeLessThan(60)
  await expectToHear()
})

test('changes of large keys do not make the stream grow beyond its limit in bytes, and reach the other process', async () => {
  for (let round = 0; round < 40; round++) {
    await a.delete(Array.from({ length: 100 }, (_, i) => `${round}:${i}:${'x'.repeat(9_000)}`))
  }
  expect(Number(await stranger.memory('USAGE', BUS))).toBeLessThan(16 * 1024 * 1024)
  const large = 'y'.repeat(12_000)
  expect(await a.set(large, 1)).toBe('applied')
  expect(await b.get(large)).toBe(1)
  expect(await a.set(large, 2)).toBe('applied')
  await waitFor('the other process hearing of it', async () => (await b.get(large)) === 2)
})

test('a change of a key that is longer than an announcement may be reaches the other process', async () => {
  const huge = 'z'.repeat(20_000)
  expect(await a.set(huge, 1)).toBe('applied')
  expect(await b.get(huge)).toBe(1)
  expect(await a.set(huge, 2)).toBe('applied')
  await waitFor('the other process hearing of it', async () => (await b.get(huge)) === 2)
  expect(b.stats().messagesIgnored).toBe(0)
})
