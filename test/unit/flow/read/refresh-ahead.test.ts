// `refreshAhead`: a deterministic threshold before the end of the ttl. `forceFresh` and `cache.refresh`: loading although a value is fresh.
import { settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('refreshAhead', () => {
  test('a read refreshes in the background once less than this part of the ttl is left, and not before', async () => {
    const { cache, clock } = l1Only({ ttl: 1_000, refreshAhead: 0.2 })
    const load = vi.fn(async () => 'new')
    await cache.set('k', 'old')
    await clock.advance(799)
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(load).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(load).toHaveBeenCalledTimes(1)
    expect(await cache.getOrSet('k', load)).toBe('new')
    expect(await cache.lookup('k')).toMatchObject({ freshForMs: 1_000 })
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('with a shorter l1Ttl, the part counts from the ttl: a copy in memory that ends asks L2, and loads nothing', async () => {
    const { a, clock } = await fleet({ ttl: 10_000, l1Ttl: 1_000, refreshAhead: 0.2 })
    const load = vi.fn(async () => 'new')
    await a.cache.set('k', 'old')
    for (let i = 0; i < 7; i++) {
      await clock.advance(999)
      expect(await a.cache.getOrSet('k', load)).toBe('old')
      await settle()
    }
    expect(load).not.toHaveBeenCalled()
    await clock.advance(1_500)
    await a.cache.getOrSet('k', load)
    await a.cache.getOrSet('k', load)
    await clock.advance(1)
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('one process of the fleet refreshes, and an endless entry is never refreshed', async () => {
    const { a, b, clock } = await fleet({ ttl: 1_000, refreshAhead: 0.5 })
    const load = vi.fn(async () => 'new')
    await a.cache.set('k', 'old')
    await a.cache.set('endless', 'old', { ttl: Number.POSITIVE_INFINITY })
    await clock.advance(1)
    await b.cache.get('k')
    await clock.advance(600)
    await Promise.all([a, b].map(({ cache }) => cache.getOrSet('k', load)))
    await a.cache.getOrSet('endless', load)
    await clock.advance(50)
    // The other one finds the new value in L2 when it would refresh.
    expect(await b.cache.getOrSet('k', load)).toBe('old')
    await clock.advance(50)
    expect(load).toHaveBeenCalledTimes(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual(['new', 'new'])
  })

  test.each([-0.1, 1.1, Number.NaN, true, '20%'])('%s is refused', (refreshAhead) => {
    expect(() => l1Only({ refreshAhead: refreshAhead as never })).toThrow(/refreshAhead must be a number from 0 to 1/)
  })
})

describe.each(['refresh', 'forceFresh', 'forceFresh of getOrSetEntry'] as const)('%s', (how) => {
  const renew = async (cache: ReturnType<typeof l1Only>['cache'], load: () => unknown, options = {}) => {
    if (how === 'refresh') return cache.refresh('k', load, options)
    if (how === 'forceFresh') return cache.getOrSet('k', load, { ...options, forceFresh: true })
    return (await cache.getOrSetEntry('k', load, { ...options, forceFresh: true })).value
  }

  test('loads although a fresh value is there, and stores the new one in both tiers', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'old')
    await clock.advance(1)
    const renewing = renew(a.cache, () => 'new', { tags: ['t'] })
    await clock.advance(1)
    expect(await renewing).toBe('new')
    await clock.advance(1)
    expect([await a.cache.get('k'), await a.cache.lookup('k')]).toMatchObject(['new', { tags: ['t'] }])
    expect(await b.cache.get('k')).toBe('new')
  })

  test('rejects with the error of the loader although a stale value could be served', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleIfError: '1h' })
    await cache.set('k', 'old')
    await clock.advance(20)
    await expect(renew(cache, () => Promise.reject(new Error('down')))).rejects.toThrow('down')
  })

  test('of several callers shares one load', async () => {
    const { cache } = l1Only()
    const load = vi.fn(async () => 'new')
    expect(await Promise.all([renew(cache, load), renew(cache, load)])).toEqual(['new', 'new'])
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('in a request scope changes what the scope has read', async () => {
    const { cache } = l1Only()
    await cache.set('k', 'old')
    await cache.requestScope(async () => {
      expect(await cache.get('k')).toBe('old')
      expect(await renew(cache, () => 'new')).toBe('new')
      expect(await cache.get('k')).toBe('new')
    })
  })
})

test('forceFresh counts as one read, and forceFresh: false as no option', async () => {
  const { cache } = l1Only()
  await cache.getOrSet('k', () => 1, { forceFresh: true })
  await cache.getOrSet('k', () => 2, { forceFresh: true })
  await cache.getOrSet('k', () => Promise.reject(new Error('down')), { forceFresh: true }).catch(() => undefined)
  expect(await cache.getOrSet('k', () => 3, { forceFresh: false })).toBe(2)
  expect(cache.stats().reads).toMatchObject({ total: 4, loaded: 2, failed: 1, hit: { l1: 1 } })
  await expect(cache.getOrSet('k', () => 1, { forceFresh: 1 as never })).rejects.toThrow(
    /forceFresh must be true or false/,
  )
})

test('getOrSetMany with forceFresh loads every key, in one batch', async () => {
  const { cache } = l1Only()
  await cache.set('a', 'old')
  const load = vi.fn(async (keys: readonly string[]) => keys.map((key) => `${key} new`))
  expect(await cache.getOrSetMany(['a', 'b'], load, { forceFresh: true })).toEqual(['a new', 'b new'])
  expect(load).toHaveBeenCalledTimes(1)
  expect(await cache.getMany(['a', 'b'])).toEqual(['a new', 'b new'])
})
