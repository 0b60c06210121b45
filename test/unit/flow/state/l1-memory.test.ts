// Dead entries do not stay in memory for long. They are removed at once, when they are read, or by a sweep in slices.
import type { Cache } from 'tiercache'
import { settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { MemoryTier } from '../../../../src/tiers/memory-tier.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

/** The caches of the other tests are small. */
const LARGE = { l1: { maxEntries: 10_000 } } as const

const entriesOf = (cache: Cache) => cache.stats().l1.entries

async function fill(cache: Cache, count: number, options: object = {}, prefix = 'k') {
  for (let i = 0; i < count; i++) await cache.set(`${prefix}${i}`, new Array(10).fill(i), options)
}

describe('clear() of the whole cache', () => {
  test('frees memory at once', async () => {
    const { cache } = l1Only()
    await fill(cache, 500)
    await fill(cache.namespace('n'), 500)
    const clearing = cache.clear()
    expect(entriesOf(cache)).toBe(0)
    expect(cache.stats().l1.bytes).toBe(0)
    await clearing
  })

  test('frees the memory of the other processes too', async () => {
    const { a, b } = await fleet()
    await fill(a.cache, 20)
    for (let i = 0; i < 20; i++) await b.cache.get(`k${i}`)
    expect(entriesOf(b.cache)).toBe(20)
    await a.cache.clear()
    await settle()
    expect([entriesOf(a.cache), entriesOf(b.cache)]).toEqual([0, 0])
  })

  test('frees the memory of 1,000 long arrays', async () => {
    const { cache } = l1Only()
    const used = () => {
      globalThis.gc?.()
      return process.memoryUsage().heapUsed
    }
    for (let i = 0; i < 1_000; i++) await cache.set(`k${i}`, new Array(3_000).fill(i))
    const filled = used()
    await cache.clear()
    expect(filled - used()).toBeGreaterThan(15e6)
  })

  test('of a large L1 does not remove entries one by one', () => {
    const limits = { maxEntries: 20_000, maxBytes: Infinity, maxEntryBytes: Infinity, values: 'shared' } as const
    const evicted = vi.fn()
    const tier = new MemoryTier(limits, evicted)
    for (let i = 0; i < 20_000; i++) tier.set(`k${i}`, {} as never)
    tier.clear()
    expect(tier.size).toBe(0)
    tier.set('k', {} as never)
    expect(tier.size).toBe(1)
    expect(evicted).not.toHaveBeenCalled()
  })
})

describe('the background sweep', () => {
  test.each([
    ['clear() of a namespace', (cache: Cache) => cache.namespace('n').clear()],
    ['invalidateTags', (cache: Cache) => cache.invalidateTags('t')],
  ])('removes the entries that %s invalidated, and no others', async (_, invalidate) => {
    const { cache, clock } = l1Only(LARGE)
    await fill(cache, 100)
    await fill(cache.namespace('n'), 2_000, { tags: ['t'] })
    await invalidate(cache)
    await clock.advance(1_000)
    expect(entriesOf(cache)).toBe(100)
    for (let i = 0; i < 100; i++) expect(cache.peek(`k${i}`)).toBeDefined()
    expect(cache.stats().l1.evictions).toBe(0)
  })

  test('removes them in another process too', async () => {
    const { a, b, clock } = await fleet()
    await fill(a.cache, 20, { tags: ['t'] })
    await a.cache.set('other', 1)
    for (let i = 0; i < 20; i++) await b.cache.get(`k${i}`)
    await b.cache.get('other')
    await a.cache.invalidateTags('t')
    await clock.advance(1_000)
    expect([entriesOf(a.cache), entriesOf(b.cache)]).toEqual([1, 1])
  })

  test('visits a bounded number of entries at a time', async () => {
    const { cache, clock } = l1Only(LARGE)
    await fill(cache.namespace('n'), 3_000)
    await cache.namespace('n').clear()
    const sizes: number[] = []
    for (let i = 0; i < 300 && entriesOf(cache) > 0; i++) {
      await clock.advance(1)
      sizes.push(entriesOf(cache))
    }
    const dropped = sizes.map((size, i) => (i === 0 ? 3_000 : (sizes[i - 1] as number)) - size)
    expect(entriesOf(cache)).toBe(0)
    expect(Math.max(...dropped)).toBeLessThanOrEqual(500)
  })

  test('starts no timer for entries that are set, and leaves none when it ends', async () => {
    const { cache, clock } = l1Only()
    await fill(cache, 100, { ttl: 10 })
    expect(clock.pendingTimers).toBe(0)
    await cache.invalidateTags('t')
    await clock.advance(5_000)
    expect(clock.pendingTimers).toBe(0)
  })
})

test('an entry that is found expired or invalidated by a read is removed', async () => {
  const { cache, clock } = l1Only()
  await cache.set('over', 1, { ttl: 10 })
  await cache.set('invalid', 1, { tags: ['t'] })
  await cache.invalidateTags('t')
  await clock.advance(10)
  expect(entriesOf(cache)).toBe(2)
  await cache.get('over')
  expect(entriesOf(cache)).toBe(1)
  await cache.get('invalid')
  expect(entriesOf(cache)).toBe(0)
})

test('a full L1 removes expired entries before it evicts others', async () => {
  const { cache, clock } = l1Only({ l1: { maxEntries: 1_000 }, ttl: '1h' })
  await fill(cache, 500, {}, 'live')
  await fill(cache, 500, { ttl: 10 }, 'dead')
  await clock.advance(10)
  for (let i = 0; i < 4; i++) {
    await fill(cache, 100, {}, `new${i}:`)
    await clock.advance(300)
  }
  const alive = Array.from({ length: 500 }, (_, i) => cache.peek(`live${i}`)).filter((value) => value !== undefined)
  expect(alive.length).toBeGreaterThanOrEqual(460)
})

test('a value that exceeds the bound of L1 is not kept, and that is reported', async () => {
  const { cache } = l1Only({ l1: { maxBytes: 100_000 } })
  const notices: unknown[] = []
  cache.on('notice', (notice) => notices.push(notice))
  expect(await cache.getOrSet('k', () => 'x'.repeat(200_000))).toHaveLength(200_000)
  expect(notices).toMatchObject([{ code: 'L1_TOO_LARGE' }])
})
