// softTimeout and hardTimeout, and what happens after their callers have left.

import type { CacheEvents } from 'tiercache'
import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('hardTimeout', () => {
  test('rejects with LOAD_TIMEOUT exactly when it is over, aborts the signal and frees the key', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500 })
    let signal: AbortSignal | undefined
    let outcome: unknown
    const caller = cache.getOrSet('k', (ctx) => {
      signal = ctx.signal
      return new Promise(() => {})
    })
    caller.catch((error: unknown) => {
      outcome = error
    })
    await clock.advance(499)
    expect([outcome, signal?.aborted]).toEqual([undefined, false])
    await clock.advance(1)
    expect(outcome).toMatchObject({ code: 'LOAD_TIMEOUT', message: expect.stringContaining('hardTimeout (500 ms)') })
    expect(signal?.aborted).toBe(true)
    expect(signal?.reason).toBe(outcome)
    expect(await cache.getOrSet('k', () => 'v')).toBe('v')
  })

  test('a value that a loader returns after it is not stored', async () => {
    const { a, b, clock } = await fleet({ hardTimeout: 500 })
    const gate = deferred<string>()
    const caller = a.cache.getOrSet('k', () => gate.promise).catch((error: unknown) => error)
    await clock.advance(500)
    expect(await caller).toMatchObject({ code: 'LOAD_TIMEOUT' })
    gate.resolve('late')
    await clock.advance(10)
    expect(await a.cache.has('k')).toBe(false)
    expect(await b.cache.has('k')).toBe(false)
    expect(await b.cache.getOrSet('k', () => 'new')).toBe('new')
  })

  test('an error that a loader rejects with after it has no effect', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500 })
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise).catch((error: unknown) => error)
    await clock.advance(500)
    gate.reject(new Error('too late'))
    await settle()
    expect(await caller).toMatchObject({ code: 'LOAD_TIMEOUT' })
    expect(cache.stats().loadFailures).toBe(1)
  })

  test('a loader that never returns keeps neither drain() nor the statistics waiting', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500 })
    const caller = cache.getOrSet('k', () => new Promise(() => {})).catch(() => 'rejected')
    await clock.advance(500)
    expect(await caller).toBe('rejected')
    await cache.drain()
    expect(cache.stats().loading).toMatchObject({ flights: 0, background: 0 })
  })

  test('a stale value that is still usable is served instead', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleIfError: 10_000, hardTimeout: 500 })
    const events = record<CacheEvents>(cache, ['servedStale', 'loadFailed'])
    await cache.getOrSet('k', () => 'old')
    await clock.advance(10)
    const caller = cache.getOrSet('k', () => new Promise<string>(() => {}))
    await clock.advance(500)
    expect(await caller).toBe('old')
    expect(events.of('servedStale')).toMatchObject([{ why: 'loadFailed', tier: 'l1', ageMs: 510 }])
    expect(events.of('loadFailed')).toMatchObject([{ error: { code: 'LOAD_TIMEOUT' }, durationMs: 500 }])
  })

  test('a caller with a shorter hardTimeout leaves earlier, and the load goes on for the others', async () => {
    const { cache, clock } = l1Only()
    const gate = deferred<string>()
    const patient = cache.getOrSet('k', () => gate.promise)
    const hurried = cache.getOrSet('k', () => 'never', { hardTimeout: 100 }).catch((error: unknown) => error)
    await clock.advance(100)
    expect(await hurried).toMatchObject({ code: 'LOAD_TIMEOUT' })
    gate.resolve('v')
    expect(await patient).toBe('v')
    expect(await cache.get('k')).toBe('v')
  })

  test('it limits the load and not the fill, which may take longer', async () => {
    const { a, clock } = await fleet(
      { hardTimeout: 300, ttl: 50, staleIfError: '1h', l1: { ttl: 40 } },
      { timeout: 250 },
    )
    await a.cache.set('k', 'old')
    await clock.advance(50)
    const caller = a.cache.getOrSet('k', async () => {
      await new Promise<void>((resolve) => void clock.after(200, resolve))
      a.tier.link.inject({ on: 'swap', effect: 'loseCommand' })
      return 'new'
    })
    await clock.advance(200)
    expect(await caller).toBe('new')
    await clock.advance(250)
    expect(a.cache.stats()).toMatchObject({ loads: 1, loadFailures: 0, staleServed: 0 })
    a.tier.link.clearFaults()
    await clock.advance(1000)
  })

  test('Infinity waits as long as the loader takes', async () => {
    const { cache, clock } = l1Only({ hardTimeout: Number.POSITIVE_INFINITY })
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise)
    await clock.advance(1e9)
    gate.resolve('v')
    expect(await caller).toBe('v')
  })
})

describe('softTimeout', () => {
  const usable = { ttl: 10, staleIfError: 10_000 } as const

  test('serves the stale value exactly when it is over; the load ends in the background and its value is stored', async () => {
    const { cache, clock } = l1Only({ ...usable, softTimeout: 100 })
    const events = record<CacheEvents>(cache, ['servedStale'])
    await cache.getOrSet('k', () => 'old')
    await clock.advance(10)
    const gate = deferred<string>()
    let signal: AbortSignal | undefined
    let answer: unknown
    const caller = cache.getOrSet('k', (ctx) => {
      signal = ctx.signal
      return gate.promise
    })
    void caller.then((value) => {
      answer = value
    })
    await clock.advance(99)
    expect(answer).toBeUndefined()
    await clock.advance(1)
    expect(answer).toBe('old')
    expect(events.of('servedStale')).toMatchObject([{ why: 'softTimeout', tier: 'l1' }])
    gate.resolve('new')
    await settle()
    expect(signal?.aborted).toBe(false)
    expect(await cache.get('k')).toBe('new')
  })

  test('returns the loaded value if the load is quicker', async () => {
    const { cache, clock } = l1Only({ ...usable, softTimeout: 100 })
    await cache.getOrSet('k', () => 'old')
    await clock.advance(10)
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise)
    await clock.advance(99)
    gate.resolve('new')
    expect(await caller).toBe('new')
  })

  test('has no effect without a stale value', async () => {
    const { cache, clock } = l1Only({ ...usable, softTimeout: 100 })
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise)
    await clock.advance(5000)
    gate.resolve('new')
    expect(await caller).toBe('new')
  })

  test('of 0 serves a stale value at once', async () => {
    const { cache, clock } = l1Only({ ...usable, softTimeout: 0 })
    await cache.getOrSet('k', () => 'old')
    await clock.advance(10)
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise)
    await clock.advance(0)
    expect(await caller).toBe('old')
    gate.resolve('new')
    await settle()
  })

  test('is separate for each caller', async () => {
    const { cache, clock } = l1Only(usable)
    await cache.getOrSet('k', () => 'old')
    await clock.advance(10)
    const gate = deferred<string>()
    const patient = cache.getOrSet('k', () => gate.promise)
    const hurried = cache.getOrSet('k', () => 'never', { softTimeout: 50 })
    await clock.advance(50)
    expect(await hurried).toBe('old')
    gate.resolve('new')
    expect(await patient).toBe('new')
  })

  test('makes a load that fails after it an event, and the next load waits', async () => {
    const { cache, clock } = l1Only({ ...usable, softTimeout: 100 })
    await cache.getOrSet('k', () => 'old')
    await clock.advance(10)
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise)
    await clock.advance(100)
    gate.reject(new Error('down'))
    await settle()
    expect(await caller).toBe('old')
    const load = vi.fn(() => 'new')
    expect(await cache.getOrSet('k', load)).toBe('old')
    expect(load).not.toHaveBeenCalled()
  })

  test('serves a stale value of L2 also if L2 replies after the soft timeout', async () => {
    const { a, b, clock } = await fleet(usable)
    await a.cache.set('k', 'old')
    await clock.advance(10)
    b.tier.link.replyMs = 30
    const gate = deferred<string>()
    let answer: unknown
    const caller = b.cache.getOrSet('k', () => gate.promise, { softTimeout: 20 })
    void caller.then((value) => {
      answer = value
    })
    // The tokens and the entry are read one after the other.
    await clock.advance(61)
    expect(answer).toBe('old')
    b.tier.link.replyMs = 0
    gate.resolve('new')
    await clock.advance(100)
    expect(await b.cache.lookup('k')).toMatchObject({ value: 'new' })
  })
})
