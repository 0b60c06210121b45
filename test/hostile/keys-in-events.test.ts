// Keys and tags may be personal data, and what the cache reports goes to logs, metrics and traces.
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { type CacheEventName, type CacheOptions, createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'

const KEY = 'user:anna@example.org'
const TAG = 'mail:anna@example.org'
const EVENTS: readonly CacheEventName[] = [
  ...(['hit', 'joined', 'miss', 'loaded', 'loadFailed', 'servedStale', 'stored', 'storeFailed', 'saveFailed'] as const),
  ...(['invalidated', 'evicted', 'corrupt', 'dropped', 'listenerFailed', 'notice', 'messageIgnored'] as const),
]
const hashOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 24)}`

/** All that listeners and a logger receive while many things happen to one key. */
async function told(
  eventKeys: CacheOptions['eventKeys'],
): Promise<{ readonly all: string; readonly names: Set<string> }> {
  const clock = new FakeClock()
  const server = new MemoryServer()
  const heard: unknown[] = []
  const names = new Set<string>()
  const say = (...line: unknown[]) => heard.push(line)
  const open = (options: CacheOptions = {}) => {
    const cache = createCache({
      clock,
      l2: memoryTier(server),
      eventKeys,
      logger: { warn: say, error: say },
      ...options,
    })
    for (const event of EVENTS)
      cache.on(event, (payload) => {
        names.add(event)
        heard.push([event, payload])
      })
    return cache
  }
  const caches = [open(), open(), open({ l1: { maxEntries: 1, maxBytes: 5_000 }, l2: undefined })] as const
  const [a, b, small] = caches
  const attempt = (work: Promise<unknown>) => work.then(undefined, (error: unknown) => heard.push(error))
  await a.getOrSet(KEY, () => 1, { tags: [TAG], ttl: '1s', staleWhileRevalidate: '1m' })
  await Promise.all([a.getOrSet(KEY, () => 2), a.getOrSet(`${KEY}2`, async () => 2), a.getOrSet(`${KEY}2`, () => 3)])
  await a.drain()
  await b.get(KEY)
  await clock.advance(2_000)
  await attempt(a.getOrSet(KEY, () => Promise.reject(new Error('no'))))
  await attempt(a.getOrSet(`${KEY}3`, () => Promise.reject(new Error('no'))))
  await attempt(a.getOrSet(`${KEY}4`, () => a.getOrSet(`${KEY}4`, () => 1)))
  await attempt(a.getOrSet(`${KEY}5`, () => () => 1))
  await attempt(a.getOrSet(`${KEY}6`, () => 1, { tags: () => 1 as never }))
  await a.delete(KEY)
  await a.invalidateTags(TAG)
  await a.expire(KEY)
  await small.set(KEY, 1)
  await small.set(`${KEY}7`, 1)
  await small.set(KEY, 'x'.repeat(10_000))
  const rows = a.source<string, number>('rows', {
    load: () => 1,
    save: () => Promise.reject(new Error('no')),
    write: 'behind',
  })
  await rows.save(KEY, 1)
  await clock.advance(5_000)
  heard.push((await a.explain(`${KEY}8`)).why)
  await Promise.all([...caches.map((cache) => cache.close()), settle(30), clock.advance(20_000)])
  return { all: inspect(heard, { depth: 99, maxArrayLength: null, maxStringLength: null }), names }
}

describe('keys and tags in events, errors and lines of a log', () => {
  test('are plain by default', async () => {
    const { all, names } = await told(undefined)
    expect(all).toContain(KEY)
    expect(all).toContain(TAG)
    for (const name of [
      'hit',
      'loaded',
      'loadFailed',
      'servedStale',
      'storeFailed',
      'saveFailed',
      'invalidated',
      'evicted',
      'notice',
    ])
      expect(names).toContain(name)
  })

  test('can be hashed: the same key always has the same hash', async () => {
    const { all } = await told('hashed')
    expect(all).not.toContain('anna')
    expect(all).toContain(hashOf(KEY))
    expect(all).toContain(hashOf(TAG))
  })

  test('can be omitted', async () => {
    const { all } = await told('omitted')
    expect(all).not.toContain('anna')
    expect(all).not.toContain(hashOf(KEY))
    expect(all).toContain('(omitted)')
  })

  test('are cut if they are long', async () => {
    await using cache = createCache({ logger: false })
    const keys: string[] = []
    for (const event of ['miss', 'loaded', 'stored', 'hit'] as const) cache.on(event, ({ key }) => keys.push(key))
    const long = 'k'.repeat(100_000)
    await cache.getOrSet(long, () => 1)
    await cache.getOrSet(long, () => 1)
    expect(new Set(keys).size).toBe(1)
    expect(keys).toHaveLength(4)
    expect(keys[0]?.length).toBeLessThan(1_100)
  })

  test('cannot be shown in any other form', () => {
    expect(() => createCache({ eventKeys: 'hidden' as never })).toThrow(
      /eventKeys must be 'plain' or 'hashed' or 'omitted'/,
    )
  })
})
