// When a load is tried: early (XFetch), and again after a failure.
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('after a failed load, while a stale value is served', () => {
  /** `random` 0 makes each pause half as long as its step, 1 as long as the step. */
  const failing = (random: number) => {
    const { cache, clock } = l1Only({ ttl: 10, staleIfError: '1d', random: () => random })
    const load = vi.fn((): Promise<string> => Promise.reject(new Error('down')))
    return { cache, clock, load }
  }

  test('the next load waits 1 s, then twice as long each time up to a minute, the upper half of it at random', async () => {
    for (const random of [0, 1 - Number.EPSILON]) {
      const { cache, clock, load } = failing(random)
      await cache.set('k', 'old')
      await clock.advance(10)
      const half = random === 0 ? 0.5 : 1
      for (const [i, stepMs] of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000].entries()) {
        expect(await cache.getOrSet('k', load)).toBe('old')
        expect(load).toHaveBeenCalledTimes(i + 1)
        await clock.advance(stepMs * half - 1)
        expect(await cache.getOrSet('k', load)).toBe('old')
        expect(load).toHaveBeenCalledTimes(i + 1)
        await clock.advance(1)
      }
    }
  })

  test('a success resets the wait', async () => {
    const { cache, clock, load } = failing(0)
    await cache.set('k', 'old')
    await clock.advance(10)
    await cache.getOrSet('k', load)
    await clock.advance(500)
    await cache.getOrSet('k', load)
    await clock.advance(1000)
    load.mockResolvedValueOnce('new')
    expect(await cache.getOrSet('k', load)).toBe('new')
    await clock.advance(10)
    expect(await cache.getOrSet('k', load)).toBe('new')
    await clock.advance(500)
    await cache.getOrSet('k', load)
    expect(load).toHaveBeenCalledTimes(5)
  })

  test('a thousand reads cause one load', async () => {
    const { cache, clock, load } = failing(0)
    await cache.set('k', 'old')
    await clock.advance(10)
    for (let i = 0; i < 1000; i++) expect(await cache.getOrSet('k', load)).toBe('old')
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('without a stale value every call tries to load, since its error may differ', async () => {
    const { cache, load } = failing(0)
    await expect(cache.getOrSet('k', load)).rejects.toThrow('down')
    await expect(cache.getOrSet('k', load)).rejects.toThrow('down')
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('a stale value that only L2 had is kept in memory for the wait', async () => {
    const { a, b, clock } = await fleet({ ttl: 10, staleIfError: '1h' })
    await a.cache.set('k', 'old')
    await clock.advance(10)
    const load = vi.fn(() => Promise.reject(new Error('down')))
    expect(await b.cache.getOrSet('k', load)).toBe('old')
    b.tier.link.resetCounts()
    expect(await b.cache.getOrSet('k', load)).toBe('old')
    expect(b.tier.link.count()).toBe(0)
    expect(load).toHaveBeenCalledTimes(1)
    await clock.advance(1)
  })

  test('a stale value that was invalidated during the failing load is not served', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleIfError: '1h' })
    await cache.set('k', 'old')
    await clock.advance(10)
    const gate = deferred<string>()
    const outcome = cache.getOrSet('k', () => gate.promise).catch((error: unknown) => error)
    await settle()
    await cache.delete('k')
    const failure = new Error('down')
    gate.reject(failure)
    expect(await outcome).toBe(failure)
    expect(await cache.lookup('k')).toEqual({ found: false })
  })
})

describe('earlyRefresh (XFetch: refresh when now − delta · beta · ln(rand) ≥ expiry)', () => {
  /** A value whose load took 100 ms. `draw` is the next random number. */
  async function loaded(beta: number, draw: number) {
    let next = 0
    const { cache, clock } = l1Only({ ttl: 1000, earlyRefresh: beta, random: () => next })
    const caller = cache.getOrSet(
      'k',
      () => new Promise<string>((resolve) => void clock.after(100, () => resolve('old'))),
    )
    await clock.advance(100)
    await caller
    next = draw
    return { cache, clock }
  }

  test('refreshes a fresh value in the background at exactly the drawn lead, and not before', async () => {
    // 1 - draw is `rand` of the formula: -ln(e^-3) = 3 loads of 100 ms before the expiry.
    const { cache, clock } = await loaded(1, 1 - Math.exp(-3))
    const load = vi.fn(() => 'new')
    await clock.advance(699)
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(load).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(load).toHaveBeenCalledTimes(1)
    expect(await cache.getOrSet('k', load)).toBe('new')
    expect(cache.stats().staleServed).toBe(0)
  })

  test('beta makes it earlier', async () => {
    const { cache, clock } = await loaded(2, 1 - Math.exp(-3))
    await clock.advance(400)
    const reasons: unknown[] = []
    await cache.getOrSet('k', (ctx) => {
      reasons.push(ctx.reason)
      return 'new'
    })
    await settle()
    expect(reasons).toEqual(['refresh'])
  })

  test('refreshes at the expiry only if the drawn lead is 0, and never if it is off', async () => {
    const { cache, clock } = await loaded(1, 0)
    const load = vi.fn(() => 'new')
    await clock.advance(999)
    await cache.getOrSet('k', load)
    expect(load).not.toHaveBeenCalled()
    const other = await loaded(0, 1 - Number.EPSILON)
    await other.clock.advance(999)
    await other.cache.getOrSet('k', load)
    expect(load).not.toHaveBeenCalled()
  })

  test('begins the refresh as early as the distribution says when readers come every 10 ms', async () => {
    // With delta 100 and beta 1 the chance that a read 10·i ms before the expiry begins it is e^(-i/10).
    const leads: number[] = []
    let seed = 7
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const { cache, clock } = l1Only({ ttl: 1000, earlyRefresh: 1, random })
    for (let round = 0; round < 150; round++) {
      const key = `k${round}`
      const caller = cache.getOrSet(key, () => new Promise((resolve) => void clock.after(100, () => resolve('old'))))
      await clock.advance(100)
      await caller
      let isBegun = false
      for (let leftMs = 1000; leftMs > 0 && !isBegun; leftMs -= 10) {
        await cache.getOrSet(key, () => {
          isBegun = true
          leads.push(leftMs)
          return 'new'
        })
        clock.advanceSync(10)
      }
    }
    await settle()
    const mean = leads.reduce((sum, lead) => sum + lead, 0) / leads.length
    // The expected lead: the sum over i of lead i times the probability that this read begins the refresh and no earlier one did.
    let expected = 0
    let untouched = 1
    for (let i = 100; i >= 1; i--) {
      const chance = Math.exp(-i / 10)
      expected += untouched * chance * i * 10
      untouched *= 1 - chance
    }
    expect(leads.length).toBeGreaterThan(140)
    expect(mean / expected).toBeGreaterThan(0.85)
    expect(mean / expected).toBeLessThan(1.15)
  })

  test('works for copies from L2 too', async () => {
    let draw = 0
    const { a, b, clock } = await fleet({ ttl: 1000, earlyRefresh: 1, random: () => draw })
    const caller = a.cache.getOrSet('k', () => new Promise((resolve) => void clock.after(100, () => resolve('old'))))
    await clock.advance(110)
    await caller
    await clock.advance(600)
    expect(await b.cache.get('k')).toBe('old')
    draw = 1 - Math.exp(-5)
    const load = vi.fn(() => 'new')
    expect(await b.cache.getOrSet('k', load)).toBe('old')
    await clock.advance(1)
    expect(load).toHaveBeenCalledTimes(1)
    expect(await a.cache.get('k', { tiers: 'l2' })).toBe('new')
  })
})
