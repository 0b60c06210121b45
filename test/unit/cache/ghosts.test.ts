// `l1.ghosts`: which misses count as hits that a larger L1 would have had. How good the estimate is: test/properties/larger-l1.test.ts.
import { type Cache, type CacheOptions, createCache } from 'tiercache'
import { prometheusText } from 'tiercache/prometheus'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()
const L1 = { maxEntries: 2, ghosts: true } as const

const hitsOf = (cache: Cache) => cache.stats().l1.ghosts?.larger.map(({ hits }) => hits)

/** A cache that has evicted `a`, and then `b`. */
async function evicting(options: Omit<CacheOptions, 'clock' | 'l2'> = {}, set: object = {}) {
  const opened = l1Only({ l1: L1, ...options })
  for (const key of ['a', 'b', 'c', 'd']) await opened.cache.set(key, key, set)
  return opened
}

async function reserveAndFill(cache: Cache) {
  const reserved = await cache.reserve('a')
  if (!reserved.hit) await reserved.fill(1)
}

describe('a read of an evicted key is a hit of a larger L1', () => {
  const reads: [string, (cache: Cache) => Promise<unknown>][] = [
    ['get', (cache) => cache.get('a')],
    ['lookup', (cache) => cache.lookup('a')],
    ['getMany', (cache) => cache.getMany(['a'])],
    ['getOrSet', (cache) => cache.getOrSet('a', () => 1)],
    ['getOrSetEntry', (cache) => cache.getOrSetEntry('a', () => 1)],
    ['getOrSetMany', (cache) => cache.getOrSetMany(['a'], () => [1])],
    ['reserve', reserveAndFill],
  ]

  test.each(reads)('of %s', async (_name, read) => {
    const { cache } = await evicting()
    await read(cache)
    expect(hitsOf(cache)).toEqual([1, 1])
  })

  test('once: then L1 has it again, and another key is the ghost', async () => {
    const { cache } = await evicting()
    for (let i = 0; i < 3; i++) await cache.getOrSet('a', () => 1)
    expect(hitsOf(cache)).toEqual([1, 1])
    expect(cache.stats().l1.ghosts?.entries).toBe(2)
  })

  test('for each caller that waits for one load', async () => {
    const { cache } = await evicting()
    await Promise.all([1, 2, 3].map(() => cache.getOrSet('a', async () => 1)))
    expect(hitsOf(cache)).toEqual([3, 3])
  })

  test('of the one of four times the entries only, if more were evicted since', async () => {
    const { cache } = await evicting()
    for (const key of ['e', 'f']) await cache.set(key, 1)
    await cache.get('a')
    expect(hitsOf(cache)).toEqual([0, 1])
    await cache.get('d')
    expect(hitsOf(cache)).toEqual([1, 2])
  })

  test('in a namespace too; the numbers are those of the whole cache', async () => {
    const { cache } = await evicting()
    const namespace = cache.namespace('n')
    for (const key of ['a', 'b', 'c']) await namespace.set(key, 1)
    await namespace.get('a')
    expect(hitsOf(cache)).toEqual([1, 1])
    expect(namespace.stats().l1.ghosts).toEqual(cache.stats().l1.ghosts)
  })
})

describe('no hit of a larger L1 is', () => {
  const ends: [string, (cache: Cache) => Promise<unknown>][] = [
    ['deleted', (cache) => cache.delete('a')],
    ['soft-expired', (cache) => cache.expire('a')],
    ['invalidated by a tag', (cache) => cache.invalidateTags('t')],
    ['soft-expired by a tag', (cache) => cache.expireTags('t')],
    ['deleted by its prefix', (cache) => cache.deleteByPrefix('a')],
    ['cleared', (cache) => cache.clear()],
  ]

  test.each(ends)('a key that was %s', async (_name, end) => {
    const { cache } = await evicting({ staleIfError: '1h' }, { tags: ['t'] })
    await end(cache)
    await cache.get('a')
    expect(hitsOf(cache)).toEqual([0, 0])
  })

  test('an entry that would be served no longer, while one within staleWhileRevalidate would be', async () => {
    const { cache, clock } = await evicting({ ttl: 1_000, staleWhileRevalidate: 500 })
    await clock.advance(1_499)
    await cache.get('a')
    expect(hitsOf(cache)).toEqual([1, 1])
    await clock.advance(1)
    await cache.get('b')
    expect(hitsOf(cache)).toEqual([1, 1])
  })

  test('a read of L2 only, or a key that another process has deleted', async () => {
    const { a, b, clock } = await fleet({ l1: L1 })
    for (const key of ['a', 'b', 'c', 'd']) await a.cache.set(key, 1)
    await a.cache.get('a', { tiers: 'l2' })
    await b.cache.delete('a')
    await clock.advance(1)
    await a.cache.get('a')
    expect(hitsOf(a.cache)).toEqual([0, 0])
    await a.cache.get('b')
    expect(hitsOf(a.cache)).toEqual([1, 1])
  })
})

describe('the numbers', () => {
  test('are absent unless they are asked for', async () => {
    const { cache } = await evicting({ l1: { maxEntries: 2 } })
    expect(cache.stats().l1.ghosts).toBeUndefined()
    expect(prometheusText(cache)).not.toContain('tiercache_l1_ghost_hits_total{')
  })

  test('are the hit ratio of L1, and of the larger ones', async () => {
    const { cache } = await evicting()
    expect(cache.stats().l1.ghosts).toMatchObject({ sample: 1, entries: 2, hitRatio: 0 })
    for (const key of ['d', 'a', 'never']) await cache.get(key)
    const { hitRatio, larger } = cache.stats().l1.ghosts ?? {}
    expect(hitRatio).toBeCloseTo(1 / 3)
    expect(larger).toEqual([
      { factor: 2, hits: 1, hitRatio: expect.closeTo(2 / 3) },
      { factor: 4, hits: 1, hitRatio: expect.closeTo(2 / 3) },
    ])
  })

  test('are a metric by the factor', async () => {
    const { cache } = await evicting({ name: 'shop' })
    await cache.get('a')
    expect(prometheusText(cache)).toContain('tiercache_l1_ghost_hits_total{cache="shop",factor="2"} 1\n')
    expect(prometheusText(cache)).toContain('tiercache_l1_ghost_hits_total{cache="shop",factor="4"} 1\n')
  })

  test('of remembered keys is 0 after clear()', async () => {
    const { cache } = await evicting()
    await cache.clear()
    expect(cache.stats().l1.ghosts?.entries).toBe(0)
  })

  test('need a boolean', () => {
    expect(() => createCache({ l1: { ghosts: 'yes' as never } })).toThrow('l1.ghosts must be true or false; got "yes"')
  })
})
