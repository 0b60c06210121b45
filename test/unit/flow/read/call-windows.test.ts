// ttl, staleWhileRevalidate and staleIfError of one call limit what this call accepts. They lengthen no life and change nothing for others.
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const WINDOWS = { ttl: '10s', staleWhileRevalidate: '10s', staleIfError: '1m', failureBackoff: false } as const
const down = new Error('down')
const failing = () => Promise.reject(down)

describe.each(['memory', 'L2'] as const)('a value in %s', (place) => {
  async function stored(ageMs: number, options: object = {}, value: unknown = 'old') {
    const { a, b, clock } = await fleet({ ...WINDOWS, ...options })
    await a.cache.set('k', value)
    await clock.advance(ageMs)
    return { cache: place === 'memory' ? a.cache : b.cache, clock }
  }

  test.each([1_000, '1s', 5_000] as const)('of 5 s of age is not fresh for a call with ttl %s', async (ttl) => {
    const { cache } = await stored(5_000, { staleWhileRevalidate: 0 })
    expect(await cache.getOrSet('k', () => 'new', { ttl })).toBe('new')
    await settle()
  })

  test.each(['5001ms', '10s', '1h', Number.POSITIVE_INFINITY] as const)(
    'of 5 s of age is fresh for a call with ttl %s',
    async (ttl) => {
      const { cache } = await stored(5_000)
      const load = vi.fn(() => 'new')
      expect(await cache.getOrSet('k', load, { ttl })).toBe('old')
      await settle()
      expect(load).not.toHaveBeenCalled()
    },
  )

  test('does not live longer because of a longer ttl', async () => {
    const { cache } = await stored(20_000)
    expect(await cache.getOrSet('k', () => 'new', { ttl: '1h', staleWhileRevalidate: '1h' })).toBe('new')
    await settle()
  })

  test('that a shorter ttl makes stale is served while it is refreshed, if staleWhileRevalidate allows it', async () => {
    const { cache } = await stored(5_000)
    expect(await cache.getOrSet('k', () => 'new', { ttl: '1s' })).toBe('old')
    await settle()
    expect(await cache.get('k')).toBe('new')
  })

  test('is not used by a call with ttl 0, and stays cached for the others', async () => {
    const { cache } = await stored(0)
    expect(await cache.getOrSet('k', () => 'new', { ttl: 0 })).toBe('new')
    await settle()
    expect(await cache.get('k')).toBe('old')
  })

  test('that is stale is not served to a call with staleWhileRevalidate 0', async () => {
    const { cache } = await stored(12_000)
    expect(await cache.getOrSet('k', () => 'new', { staleWhileRevalidate: 0 })).toBe('new')
    await settle()
  })

  test.each([0, '1s'] as const)(
    'is not served to a call with staleIfError %s when its load fails',
    async (staleIfError) => {
      const { cache } = await stored(22_000)
      await expect(cache.getOrSet('k', failing, { staleIfError })).rejects.toBe(down)
      expect(await cache.getOrSet('k', failing)).toBe('old')
      expect(await cache.getOrSet('k', failing, { staleIfError: '30s' })).toBe('old')
    },
  )

  test('that was expired softly is limited by staleIfError as well', async () => {
    const { cache, clock } = await stored(2_000)
    await cache.expire('k')
    await clock.advance(5_000)
    await expect(cache.getOrSet('k', failing, { staleIfError: '4s' })).rejects.toBe(down)
    expect(await cache.getOrSet('k', failing, { staleIfError: '6s' })).toBe('old')
  })

  test('that is absent is limited by absentTtl', async () => {
    const { cache } = await stored(5_000, { staleWhileRevalidate: 0 }, null)
    expect(await cache.getOrSet<unknown>('k', () => 'new', { ttl: '1s', absentTtl: '1h' })).toBeNull()
    expect(await cache.getOrSet<unknown>('k', () => 'new', { absentTtl: '1s' })).toBe('new')
    await settle()
  })

  test('is served to each caller of a shared load by its own windows', async () => {
    const { cache } = await stored(22_000)
    const gate = deferred<string>()
    const lenient = cache.getOrSet('k', () => gate.promise)
    const strict = cache.getOrSet('k', () => gate.promise, { staleIfError: 0 }).catch((error: unknown) => error)
    const alsoLenient = cache.getOrSet('k', () => gate.promise)
    await settle()
    gate.reject(down)
    expect(await lenient).toBe('old')
    expect(await strict).toBe(down)
    expect(await alsoLenient).toBe('old')
  })

  test('is served stale to one caller of a shared load while another waits for the load', async () => {
    const { cache } = await stored(12_000)
    const gate = deferred<string>()
    const load = vi.fn(() => gate.promise)
    const lenient = cache.getOrSet('k', load)
    const strict = cache.getOrSet('k', load, { staleWhileRevalidate: 0 })
    expect(await lenient).toBe('old')
    await settle()
    gate.resolve('new')
    expect(await strict).toBe('new')
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('is not served by softTimeout to a call whose windows exclude it', async () => {
    const { cache, clock } = await stored(22_000)
    const load = () => new Promise<string>((resolve) => void clock.after(1_000, () => resolve('new')))
    const caller = cache.getOrSet('k', load, { softTimeout: 100, staleIfError: 0, staleWhileRevalidate: 0 })
    await clock.advance(1_000)
    expect(await caller).toBe('new')
  })
})

test('l1Ttl 0 reads L2 although memory has the value', async () => {
  const { a } = await fleet(WINDOWS)
  await a.cache.set('k', 'v')
  a.tier.link.resetCounts()
  expect(await a.cache.getOrSet('k', () => 'new', { l1Ttl: '1s' })).toBe('v')
  expect(a.tier.link.count()).toBe(0)
  expect(await a.cache.getOrSet('k', () => 'new', { l1Ttl: 0 })).toBe('v')
  expect(a.tier.link.count()).toBeGreaterThan(0)
})

test('a wrong window is refused although memory has the value', async () => {
  const { cache } = l1Only()
  await cache.set('k', 'v')
  for (const ttl of ['5 minutes', Number.NaN, -1]) {
    await expect(cache.getOrSet('k', () => 'v', { ttl } as object)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
})

test('a value that l1Ttl 0 keeps out of memory is fresh in L2', async () => {
  const { a, b } = await fleet({ ...WINDOWS, l1Ttl: 0 })
  await a.cache.set('k', 'v')
  const load = vi.fn(() => 'new')
  for (const { cache } of [a, b]) {
    expect(await cache.getOrSet('k', load)).toBe('v')
    expect(cache.stats().l1.entries).toBe(0)
  }
  expect(load).not.toHaveBeenCalled()
})
