// When callers may share a running load although announcements may have been missed: no value may live longer than G3 allows.
import { deferred } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

const MAX_STALENESS_MS = 3_000

describe.each(['fleet', 'process'] as const)(
  "with singleFlight '%s', a load that runs longer than L1 is trusted without the bus",
  (singleFlight) => {
    test('is not shared once a deletion of its key may have been missed', async () => {
      const { a, b, clock } = await fleet()
      const gate = deferred<string>()
      const first = b.cache.getOrSet('k', () => gate.promise, { singleFlight })
      await clock.advance(1)
      b.tier.busLink.cut()
      expect(await a.cache.delete('k')).toBe('applied')
      await clock.advance(MAX_STALENESS_MS)
      const later = b.cache.getOrSet('k', () => 'new', { singleFlight })
      await clock.advance(100)
      gate.resolve('old')
      expect(await first).toBe('old')
      expect(await later).toBe('new')
      await b.cache.drain()
      expect(await b.cache.get('k')).toBe('new')
      expect(await a.cache.get('k')).toBe('new')
    })

    test('is awaited while its lease is there, so that only one load runs', async () => {
      const { b, clock } = await fleet()
      const gate = deferred<string>()
      const load = vi.fn(() => gate.promise)
      const first = b.cache.getOrSet('k', load, { singleFlight })
      await clock.advance(1)
      b.tier.busLink.cut()
      await clock.advance(MAX_STALENESS_MS)
      const later = b.cache.getOrSet('k', load, { singleFlight })
      await clock.advance(1_000)
      gate.resolve('v')
      await clock.advance(100)
      expect([await first, await later]).toEqual(['v', 'v'])
      expect(load).toHaveBeenCalledTimes(1)
    })

    test('is shared while L2 is unreachable too', async () => {
      const { b, clock } = await fleet()
      const gate = deferred<string>()
      const load = vi.fn(() => gate.promise)
      b.tier.cut()
      const first = b.cache.getOrSet('k', load, { singleFlight })
      await clock.advance(MAX_STALENESS_MS)
      const later = b.cache.getOrSet('k', load, { singleFlight })
      await clock.advance(1)
      gate.resolve('v')
      expect([await first, await later]).toEqual(['v', 'v'])
      expect(load).toHaveBeenCalledTimes(1)
    })

    test('is not shared once it has returned, although L2 is unreachable', async () => {
      const { a, b, clock } = await fleet({}, { breaker: { failures: 1 } })
      const gate = deferred<string>()
      const first = b.cache.getOrSet('k', () => gate.promise, { singleFlight })
      await clock.advance(1)
      b.tier.busLink.cut()
      expect(await a.cache.delete('k')).toBe('applied')
      await clock.advance(MAX_STALENESS_MS - 150)
      b.tier.link.stall()
      void b.cache.get('another key, whose read opens the breaker')
      await clock.advance(100)
      gate.resolve('old')
      expect(await first).toBe('old')
      await clock.advance(120)
      expect(b.cache.stats()).toMatchObject({ l2: { breaker: 'open' }, loading: { flights: 1 } })
      expect(
        await b.cache.getOrSet('k', () => 'new', { singleFlight }),
        'the fill of the load is still in flight',
      ).toBe('new')
      b.tier.link.resume()
      await clock.advance(1_000)
    })

    test('is shared while the bus is heard', async () => {
      const { b, clock } = await fleet()
      const gate = deferred<string>()
      const first = b.cache.getOrSet('k', () => gate.promise, { singleFlight })
      await clock.advance(10 * MAX_STALENESS_MS - 5_000)
      b.tier.link.resetCounts()
      const later = b.cache.getOrSet('k', () => 'another', { singleFlight })
      gate.resolve('v')
      expect([await first, await later]).toEqual(['v', 'v'])
      expect(b.tier.link.count('read')).toBe(0)
    })
  },
)
