// What a read costs if L2 is down, hung, slow or replies nonsense: at most its timeout, then nothing (G6).
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet, open } = leavesNothing()

/** How long `call` takes on the fake clock, up to `mostMs`. */
async function timed<T>(
  clock: { nowMs(): number; advance(ms: number): Promise<void> },
  call: Promise<T>,
  mostMs: number,
) {
  const startedAtMs = clock.nowMs()
  let tookMs: number | undefined
  void call.then(
    () => {
      tookMs = clock.nowMs() - startedAtMs
    },
    () => undefined,
  )
  while (tookMs === undefined && clock.nowMs() - startedAtMs < mostMs) await clock.advance(1)
  return { tookMs, value: await call }
}

describe('a read', () => {
  test('of an unreachable L2 costs no time, and the value is loaded', async () => {
    const { a, clock } = await fleet()
    a.tier.cut()
    expect(
      await timed(
        clock,
        a.cache.getOrSet('k', () => 'loaded'),
        10,
      ),
    ).toEqual({ tookMs: 0, value: 'loaded' })
    expect(await timed(clock, a.cache.get('other'), 10)).toEqual({ tookMs: 0, value: undefined })
    expect(await timed(clock, a.cache.getMany(['k', 'other']), 10)).toEqual({ tookMs: 0, value: ['loaded', undefined] })
    a.tier.restore()
    await clock.advance(20_000)
  })

  test.each(['hung', 'half-open', 'losing every reply', 'SIGSTOP'])(
    'of an L2 that is %s costs at most the timeout',
    async (kind) => {
      const { a, b, server, clock } = await fleet()
      await b.cache.set('k', 'in L2')
      if (kind === 'hung') a.tier.link.stall('replies')
      if (kind === 'half-open') a.tier.link.stall('both')
      if (kind === 'losing every reply') a.tier.link.inject({ effect: 'loseReply' })
      if (kind === 'SIGSTOP') server.pause()
      const { tookMs, value } = await timed(
        clock,
        a.cache.getOrSet('k', () => 'loaded'),
        1000,
      )
      expect(value).toBe('loaded')
      expect(tookMs).toBeLessThanOrEqual(200)
      expect((await timed(clock, a.cache.get('none'), 1000)).tookMs).toBeLessThanOrEqual(200)
      a.tier.link.resume()
      a.tier.link.clearFaults()
      server.resume()
      await clock.advance(20_000)
      expect(a.cache.stats().l2).toMatchObject({ available: true, breaker: 'closed' })
    },
  )

  test('of a hung L2 costs no time once the breaker is open, and L2 is used again once it works', async () => {
    const { a, clock } = await fleet({}, { timeout: 100, breaker: { failures: 3 } })
    await a.cache.set('k', 'v')
    a.tier.link.stall()
    const events: string[] = []
    a.cache.on('degraded', ({ error }) => events.push(error.code))
    a.cache.on('recovered', () => events.push('recovered'))
    for (let i = 0; i < 3; i++) await timed(clock, a.cache.get(`none${i}`), 1000)
    expect(events).toEqual(['L2_TIMEOUT'])
    for (let i = 0; i < 100; i++) {
      expect(
        (
          await timed(
            clock,
            a.cache.getOrSet(`k${i}`, () => i),
            1000,
          )
        ).tookMs,
      ).toBe(0)
    }
    a.tier.link.resume()
    await clock.advance(20_000)
    expect(events).toEqual(['L2_TIMEOUT', 'recovered'])
    a.tier.link.resetCounts()
    await a.cache.get('again')
    expect(a.tier.link.count('read')).toBe(1)
  })

  test('of a slow L2 takes as long as L2 does, if that is below the timeout', async () => {
    const { a, b, clock } = await fleet()
    await b.cache.set('k', 'in L2')
    await a.cache.set('warm', 1)
    a.tier.link.requestMs = 50
    a.tier.link.replyMs = 50
    const { tookMs, value } = await timed(
      clock,
      a.cache.getOrSet('k', () => 'loaded'),
      1000,
    )
    expect(value).toBe('in L2')
    expect(tookMs).toBe(100)
    a.tier.link.requestMs = 0
    a.tier.link.replyMs = 0
  })

  test.each(['readOnly', 'outOfMemory', 'loading', 'unauthorized'] as const)(
    'of an L2 that is %s loads the value',
    async (condition) => {
      const { a, server, clock } = await fleet()
      await a.cache.set('warm', 1)
      server.condition = condition
      for (let i = 0; i < 5; i++) {
        const { value } = await timed(
          clock,
          a.cache.getOrSet(`k${i}`, () => i),
          1000,
        )
        expect(value).toBe(i)
      }
      server.condition = 'healthy'
      await clock.advance(100_000)
      expect(a.cache.stats().l2).toMatchObject({ available: true, breaker: 'closed', waiting: 0 })
    },
  )

  test('that L2 rejects, or replies to too late, causes no error and no unhandled rejection', async () => {
    const { a, clock } = await fleet({}, { breaker: false })
    a.tier.link.inject({ effect: 'refuse', error: new Error('ERR nonsense') })
    expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('loaded')
    a.tier.link.clearFaults()
    a.tier.link.inject({ effect: 'delay', byMs: 500 })
    const { value } = await timed(
      clock,
      a.cache.getOrSet('j', () => 'loaded'),
      5000,
    )
    expect(value).toBe('loaded')
    a.tier.link.clearFaults()
    await clock.advance(5000)
  })

  test('of a stale value in memory costs no time, whatever L2 does', async () => {
    const { a, clock } = await fleet({ ttl: 10, staleWhileRevalidate: 10_000 })
    await a.cache.set('k', 'stale')
    await clock.advance(10)
    a.tier.link.stall()
    expect(
      await timed(
        clock,
        a.cache.getOrSet('k', () => 'new'),
        10,
      ),
    ).toEqual({ tookMs: 0, value: 'stale' })
    await clock.advance(1000)
    a.tier.link.resume()
    await clock.advance(20_000)
  })
})

describe('an error of L2', () => {
  test('is never taken for an error of the loader', async () => {
    const { a, clock } = await fleet()
    await a.cache.set('warm', 1)
    const failure = new Error('of the loader')
    a.tier.link.inject({ effect: 'refuse', error: new Error('of L2') })
    const rejected = a.cache.getOrSet('k', () => Promise.reject(failure)).catch((error: unknown) => error)
    await clock.advance(1)
    expect(await rejected).toBe(failure)
    expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('loaded')
    a.tier.link.clearFaults()
    await clock.advance(20_000)
  })

  test('while a value is stored is an event and does not reach the caller', async () => {
    const { a, clock } = await fleet()
    await a.cache.set('warm', 1)
    a.tier.link.inject({ on: 'swap', effect: 'loseReply', promise: 'rejected' })
    expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('loaded')
    await clock.advance(1)
    expect(await a.cache.get('k')).toBe('loaded')
    a.tier.link.clearFaults()
    await clock.advance(20_000)
  })
})

describe('a fill that L2 refuses', () => {
  test('removes the value from memory as well, before an announcement arrives', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('warm', 1)
    const gate = deferred<string>()
    const caller = a.cache.getOrSet('k', () => gate.promise)
    await clock.advance(1)
    a.tier.busLink.stall()
    expect(await b.cache.delete('k')).toBe('applied')
    const dropped = vi.fn()
    a.cache.on('dropped', dropped)
    gate.resolve('old')
    expect(await caller).toBe('old')
    await settle()
    expect(a.cache.peek('k')).toBeUndefined()
    expect(dropped).toHaveBeenCalledExactlyOnceWith({ what: 'store', why: 'overtaken', scope: 'tiercache', key: 'k' })
    expect(a.cache.stats().fillsRefused).toBe(1)
    a.tier.busLink.resume()
    await clock.advance(5000)
  })
})

describe('an L2 that is not there yet', () => {
  test('delays the first read by connectTimeout at most, and later reads not at all', async () => {
    const { server, clock, a } = await fleet()
    server.stop()
    const { memoryTier } = await import('tiercache/testing')
    const cache = open(clock, { l2: memoryTier(server) })
    expect(
      await timed(
        clock,
        cache.getOrSet('k', () => 'loaded'),
        10_000,
      ),
    ).toEqual({ tookMs: 5_000, value: 'loaded' })
    expect(
      await timed(
        clock,
        cache.getOrSet('j', () => 'loaded'),
        1000,
      ),
    ).toEqual({ tookMs: 0, value: 'loaded' })
    server.start()
    await clock.advance(20_000)
    expect(await cache.set('k', 1)).toBe('applied')
    expect(await a.cache.get('k')).toBe(1)
  })
})
