// ttl, staleWhileRevalidate and staleIfError, to the millisecond, in memory and in L2. A boundary belongs to the later age.
import type { CacheEvents } from 'tiercache'
import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const WINDOWS = { ttl: 1000, staleWhileRevalidate: 500, staleIfError: 3000 } as const

/** Where the reading process finds the value: in its own memory or in L2. */
const places = ['memory', 'L2'] as const

async function stored(place: (typeof places)[number], options = {}, tierOptions = {}) {
  const { a, b, clock } = await fleet({ ...WINDOWS, ...options }, tierOptions)
  await a.cache.set('k', 'old')
  return { cache: place === 'memory' ? a.cache : b.cache, clock }
}

describe.each(places)('a value in %s', (place) => {
  test('is fresh until the last millisecond of its ttl: no load runs', async () => {
    const { cache, clock } = await stored(place)
    await clock.advance(999)
    const load = vi.fn(() => 'new')
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(load).not.toHaveBeenCalled()
    expect(cache.stats().staleServed).toBe(0)
  })

  test.each([1000, 1499])('at %i ms is served stale while one refresh runs', async (ageMs) => {
    const { cache, clock } = await stored(place)
    const events = record<CacheEvents>(cache, ['servedStale', 'loaded'])
    await clock.advance(ageMs)
    const gate = deferred<string>()
    const load = vi.fn(() => gate.promise)
    expect(await Promise.all([cache.getOrSet('k', load), cache.getOrSet('k', load)])).toEqual(['old', 'old'])
    expect(await cache.getOrSet('k', load)).toBe('old')
    expect(await cache.get('k')).toBe('old')
    await settle()
    expect(load).toHaveBeenCalledTimes(1)
    gate.resolve('new')
    await settle()
    expect(await cache.getOrSet('k', load)).toBe('new')
    expect(events.of('servedStale')[0]).toMatchObject({
      why: 'revalidating',
      ageMs,
      tier: place === 'memory' ? 'l1' : 'l2',
    })
    expect(events.of('loaded')).toMatchObject([{ reason: 'stale', kept: true }])
  })

  test.each([1500, 3999])('at %i ms is served only if loading fails', async (ageMs) => {
    for (const outcome of ['answers', 'fails'] as const) {
      const { cache, clock } = await stored(place)
      await clock.advance(ageMs)
      expect(await cache.get('k')).toBeUndefined()
      const load = () => (outcome === 'answers' ? Promise.resolve('new') : Promise.reject(new Error('down')))
      expect(await cache.getOrSet('k', load)).toBe(outcome === 'answers' ? 'new' : 'old')
    }
  })

  test('is gone at the end of staleIfError, when a failing load is an error', async () => {
    const { cache, clock } = await stored(place)
    await clock.advance(4000)
    const failure = new Error('down')
    await expect(cache.getOrSet('k', () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await cache.lookup('k')).toEqual({ found: false })
  })

  test('that expires while a load runs is not served when that load fails', async () => {
    const { cache, clock } = await stored(place)
    await clock.advance(3999)
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise)
    const outcome = caller.catch((error: unknown) => error)
    await clock.advance(1)
    const failure = new Error('down')
    gate.reject(failure)
    expect(await outcome).toBe(failure)
  })

  test('counts its windows from its load, wherever it was copied to since', async () => {
    const { cache, clock } = await stored(place)
    await clock.advance(900)
    expect(await cache.get('k')).toBe('old')
    await clock.advance(100)
    expect(await cache.lookup('k')).toMatchObject({ state: 'stale', ageMs: 1000 })
    await clock.advance(500)
    expect(await cache.lookup('k')).toMatchObject({ state: 'staleIfError', ageMs: 1500 })
  })

  test('with Infinity never expires', async () => {
    const quietBus = { busBlockMs: 1e12 }
    const options = { ttl: Number.POSITIVE_INFINITY, l1: { maxStaleness: Number.POSITIVE_INFINITY } }
    const { cache, clock } = await stored(place, options, quietBus)
    await clock.advance(300 * 24 * 3_600_000)
    expect(await cache.lookup('k')).toMatchObject({ state: 'fresh', freshForMs: Number.POSITIVE_INFINITY })
  })

  test('that was expired softly is usable only if loading fails, for as long as it would have been', async () => {
    const { cache, clock } = await stored(place)
    await cache.expire('k')
    await clock.advance(1)
    expect(await cache.get('k')).toBeUndefined()
    expect(await cache.lookup('k')).toMatchObject({ state: 'staleIfError', value: 'old' })
    expect(await cache.getOrSet('k', () => Promise.reject(new Error('down')))).toBe('old')
    await clock.advance(3999)
    await expect(cache.getOrSet('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
  })
})

describe('the stale windows', () => {
  test('last as long as the longer one of the two', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 100, staleIfError: 50 })
    await cache.set('k', 'old')
    await clock.advance(109)
    expect(await cache.get('k')).toBe('old')
    await clock.advance(1)
    expect(await cache.lookup('k')).toEqual({ found: false })
  })

  test('serve the value until their end although refreshes fail, and each failure is reported', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 10_000 })
    const failures: unknown[] = []
    cache.on('loadFailed', ({ error }) => failures.push(error))
    await cache.set('k', 'old')
    await clock.advance(10)
    const failure = new Error('down')
    const load = vi.fn(() => Promise.reject(failure))
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(failures).toEqual([failure])
    await clock.advance(1000)
    expect(await cache.getOrSet('k', load)).toBe('old')
    await settle()
    expect(load).toHaveBeenCalledTimes(2)
    await clock.advance(9000)
    await expect(cache.getOrSet('k', load)).rejects.toBe(failure)
  })

  test('serve callers while at most background.concurrency refreshes run at once', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 1000, background: { concurrency: 2 } })
    const keys = Array.from({ length: 10 }, (_, i) => `k${i}`)
    await cache.setMany(keys.map((key) => [key, 'old'] as const))
    await clock.advance(10)
    let running = 0
    let most = 0
    const load = async () => {
      most = Math.max(most, ++running)
      await settle()
      running--
      return 'new'
    }
    expect(await Promise.all(keys.map((key) => cache.getOrSet(key, load)))).toEqual(keys.map(() => 'old'))
    await cache.drain()
    expect(most).toBe(2)
    expect(await cache.getMany(keys)).toEqual(keys.map(() => 'new'))
  })
})

describe('the life of a value', () => {
  test('is that of the call, before that of the cache', async () => {
    const { cache, clock } = l1Only({ ttl: 1000 })
    await cache.getOrSet('short', () => 1, { ttl: '10ms' })
    await cache.getOrSet('long', () => 1, { ttl: '1h' })
    await clock.advance(10)
    expect(await cache.has('short')).toBe(false)
    await clock.advance(3_599_989)
    expect(await cache.has('long')).toBe(true)
    await clock.advance(1)
    expect(await cache.has('long')).toBe(false)
  })

  test.each([[undefined], [null]])('is absentTtl if it is %o', async (absent) => {
    const { cache, clock } = l1Only({ ttl: 1000, absentTtl: 100 })
    const load = vi.fn(() => absent)
    await cache.getOrSet('k', load)
    await cache.set('s', absent)
    await clock.advance(99)
    expect(await cache.getOrSet('k', load)).toBe(absent)
    expect(load).toHaveBeenCalledTimes(1)
    expect(await cache.has('s')).toBe(true)
    await clock.advance(1)
    await cache.getOrSet('k', load)
    expect(load).toHaveBeenCalledTimes(2)
    expect(await cache.has('s')).toBe(false)
  })

  test('may be longer for absent values, and absentTtl does not apply to other empty values', async () => {
    const { cache, clock } = l1Only({ ttl: 100, absentTtl: 1000 })
    for (const [key, value] of [
      ['null', null],
      ['zero', 0],
      ['empty', ''],
      ['false', false],
    ] as const) {
      await cache.set(key, value)
    }
    await clock.advance(100)
    expect(await Promise.all(['null', 'zero', 'empty', 'false'].map((key) => cache.has(key)))).toEqual([
      ...[true, false, false, false],
    ])
  })

  test('is 0 for absent values with absentTtl 0, so that the next caller loads again', async () => {
    const { cache } = l1Only({ absentTtl: 0 })
    const load = vi.fn((): number | null => null)
    expect(await cache.getOrSet('k', load)).toBeNull()
    load.mockReturnValue(1)
    expect(await cache.getOrSet('k', load)).toBe(1)
    expect(await cache.getOrSet('k', load)).toBe(1)
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('is shortened by jitter, equally in both tiers, and never lengthened', async () => {
    const draws = [0, 0.5, 1 - Number.EPSILON]
    for (const draw of draws) {
      const { a, b } = await fleet({ ttl: 1000, jitter: 0.2, staleIfError: 500, random: () => draw })
      await a.cache.set('k', 1)
      const freshForMs = 1000 - Math.round(200 * draw)
      expect(await a.cache.lookup('k')).toMatchObject({ freshForMs })
      expect(await b.cache.explain('k')).toMatchObject({ l2: { entry: { freshForMs, usableForMs: freshForMs + 500 } } })
    }
  })
})
