// Caches in tests with fake timers: nothing hangs, and entries age as the test advances the timers.
import { mock } from 'node:test'
import { createCache } from 'tiercache'
import { MemoryServer, memoryTier } from 'tiercache/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.useRealTimers()
  mock.timers.reset()
})

const kinds = [
  ['no L2', () => createCache({ name: 'shop', ttl: 100 })],
  ['an L2', () => createCache({ name: 'shop', ttl: 100, l2: memoryTier(new MemoryServer()) })],
] as const

describe.each(kinds)('a cache with %s', (_, makeCache) => {
  test('loads, stores and closes under timers that are never advanced', async () => {
    vi.useFakeTimers()
    const cache = makeCache()
    expect(await cache.getOrSet('k', async () => 1)).toBe(1)
    expect(await cache.set('k', 2)).toBe('applied')
    expect(await cache.getMany(['k', 'other'])).toEqual([2, undefined])
    const users = cache.source('users', {
      load: async (id: number) => id,
      loadMany: async (ids: readonly number[]) => [...ids],
    })
    expect(await Promise.all([users.get(1), users.get(2)])).toEqual([1, 2])
    expect(await cache.delete('k')).toBe('applied')
    expect(await cache.invalidateTags(['t'])).toBe('applied')
    await cache.drain()
    await cache.close()
  })

  test('ages entries exactly as far as the timers are advanced', async () => {
    vi.useFakeTimers()
    const cache = makeCache()
    await cache.set('k', 1)
    vi.advanceTimersByTime(99)
    expect(await cache.get('k')).toBe(1)
    vi.advanceTimersByTime(1)
    expect(await cache.get('k')).toBeUndefined()
    await cache.close()
  })

  test('ages entries that were stored before the timers were faked', async () => {
    const cache = makeCache()
    await cache.set('k', 1, { ttl: '10m' })
    expect(await cache.get('k')).toBe(1)
    vi.useFakeTimers()
    vi.advanceTimersByTime(300_000)
    expect(await cache.get('k')).toBe(1)
    vi.advanceTimersByTime(300_000)
    expect(await cache.get('k')).toBeUndefined()
    await cache.close()
  })

  test('ages entries by real time again once the real timers are back', async () => {
    const cache = makeCache()
    vi.useFakeTimers()
    await cache.set('old', 1)
    vi.advanceTimersByTime(3_600_000)
    expect(await cache.get('old')).toBeUndefined()
    vi.useRealTimers()
    await cache.set('k', 1, { ttl: 5 })
    await vi.waitFor(async () => expect(await cache.get('k')).toBeUndefined())
    await cache.close()
  })

  test('follows the timers of node:test', async () => {
    const cache = makeCache()
    await cache.set('k', 1, { ttl: '10m' })
    mock.timers.enable()
    expect(await cache.get('k')).toBe(1)
    mock.timers.tick(600_000)
    expect(await cache.get('k')).toBeUndefined()
    await cache.close()
  })
})

describe('under timers that are never advanced', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  test('an L2 that hangs costs its timeout at most', async () => {
    const tier = memoryTier(new MemoryServer(), { timeout: 20 })
    const cache = createCache({ name: 'shop', l2: tier, closeTimeout: 50 })
    await cache.set('k', 1)
    tier.link.stall('replies')
    expect(await cache.getOrSet('other', async () => 2)).toBe(2)
    expect(await cache.set('k', 3)).toBe('queued')
    await cache.close()
  })

  test('a loader that hangs costs its time limit at most', async () => {
    const cache = createCache()
    const load = () => new Promise<never>(() => {})
    await expect(cache.getOrSet('k', load, { hardTimeout: 20 })).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' })
    await cache.close()
  })

  test('a test that advances the timers by an hour does not make L2 or a loader late', async () => {
    const cache = createCache({ name: 'shop', l2: memoryTier(new MemoryServer(), { timeout: '10s' }) })
    const degraded = vi.fn()
    cache.on('degraded', degraded)
    const loading = cache.getOrSet('k', () => new Promise<number>((resolve) => setTimeout(resolve, 3_600_000, 1)), {
      hardTimeout: '1m',
    })
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(await loading).toBe(1)
    expect(degraded).not.toHaveBeenCalled()
    await cache.close()
  })
})
