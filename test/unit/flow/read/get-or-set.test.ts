import { createCache } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'

function l1Only(options = {}) {
  const clock = new FakeClock()
  return { clock, cache: createCache({ clock, ...options }) }
}

describe('L1 alone', () => {
  test('a value is loaded once and then served from memory', async () => {
    const { cache } = l1Only()
    const load = vi.fn(() => 'v')
    expect(await cache.getOrSet('k', load)).toBe('v')
    expect(await cache.getOrSet('k', load)).toBe('v')
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.stats().hits.l1).toBe(1)
  })

  test('a thousand concurrent callers share one load', async () => {
    const { cache } = l1Only()
    const gate = deferred<string>()
    const load = vi.fn(() => gate.promise)
    const callers = Array.from({ length: 1000 }, () => cache.getOrSet('k', load))
    await settle()
    gate.resolve('v')
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['v']))
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('an entry is fresh until exactly its ttl', async () => {
    const { cache, clock } = l1Only({ ttl: 1000 })
    let n = 0
    const load = () => ++n
    await cache.getOrSet('k', load)
    await clock.advance(999)
    expect(await cache.getOrSet('k', load)).toBe(1)
    await clock.advance(1)
    expect(await cache.getOrSet('k', load)).toBe(2)
  })

  test('the error of a load reaches all its callers once and unchanged, and is not cached', async () => {
    const { cache } = l1Only()
    const error = new TypeError('no')
    const load = vi.fn(() => Promise.reject(error))
    const results = await Promise.allSettled([cache.getOrSet('k', load), cache.getOrSet('k', load)])
    for (const result of results) expect(result).toEqual({ status: 'rejected', reason: error })
    expect(load).toHaveBeenCalledTimes(1)
    expect(await cache.getOrSet('k', () => 'v')).toBe('v')
  })

  test('a loader that throws at once is like one that rejects', async () => {
    const { cache } = l1Only()
    const error = new Error('sync')
    await expect(
      cache.getOrSet('k', () => {
        throw error
      }),
    ).rejects.toBe(error)
  })

  test('a stale entry is served while one refresh runs', async () => {
    const { cache, clock } = l1Only({ ttl: 1000, staleWhileRevalidate: 1000 })
    let n = 0
    const gate = deferred<void>()
    await cache.getOrSet('k', () => ++n)
    await clock.advance(1000)
    const load = async () => {
      await gate.promise
      return ++n
    }
    expect(await cache.getOrSet('k', load)).toBe(1)
    expect(await cache.getOrSet('k', load)).toBe(1)
    gate.resolve()
    await settle()
    expect(n).toBe(2)
    expect(await cache.getOrSet('k', load)).toBe(2)
  })

  test('a stale value is served when loading fails, and the next load waits', async () => {
    const { cache, clock } = l1Only({ ttl: 1000, staleIfError: 60_000 })
    await cache.getOrSet('k', () => 'old')
    await clock.advance(1000)
    const load = vi.fn(() => Promise.reject(new Error('down')))
    expect(await cache.getOrSet('k', load)).toBe('old')
    expect(await cache.getOrSet('k', load)).toBe('old')
    expect(load).toHaveBeenCalledTimes(1)
    await clock.advance(1000)
    expect(await cache.getOrSet('k', load)).toBe('old')
    expect(load).toHaveBeenCalledTimes(2)
    expect(await cache.get('k')).toBeUndefined()
    expect(await cache.lookup('k')).toMatchObject({ found: true, state: 'staleIfError' })
  })

  test.each(['delete', 'set', 'expire', 'clear', 'invalidateTags', 'expireTags'] as const)(
    '%s during a load wins over it',
    async (verb) => {
      const { cache } = l1Only()
      const gate = deferred<string>()
      const caller = cache.getOrSet('k', () => gate.promise, { tags: ['t'] })
      await settle()
      if (verb === 'set') await cache.set('k', 'set')
      else if (verb === 'clear') await cache.clear()
      else if (verb === 'invalidateTags' || verb === 'expireTags') await cache[verb](['t'])
      else await cache[verb]('k')
      const later = cache.getOrSet('k', () => 'new')
      gate.resolve('old')
      expect(await caller).toBe('old')
      expect(await later).toBe(verb === 'set' ? 'set' : 'new')
      expect(await cache.get('k')).toBe(verb === 'set' ? 'set' : 'new')
    },
  )

  test('tags derived from the value invalidate it', async () => {
    const { cache } = l1Only()
    await cache.getOrSet('k', () => ({ org: 7 }), { tags: (user) => [`org:${user.org}`] })
    expect(await cache.get('k')).toEqual({ org: 7 })
    await cache.invalidateTags(['org:7'])
    expect(await cache.get('k')).toBeUndefined()
  })

  test('a value is not cached if a tag derived from it was invalidated during the load', async () => {
    const { cache } = l1Only()
    const gate = deferred<string>()
    const first = cache.getOrSet('k', () => gate.promise, { tags: () => ['t'] })
    await settle()
    await cache.invalidateTags(['t'])
    const second = cache.getOrSet('k', () => 'new', { tags: () => ['t'] })
    gate.resolve('old')
    expect(await first).toBe('old')
    expect(await second).toBe('new')
    expect(await cache.get('k')).toBe('new')
  })

  test('a loader that reads its own key is rejected with REENTRANT_LOAD', async () => {
    const { cache } = l1Only()
    const load = (): Promise<unknown> => cache.getOrSet('k', load)
    await expect(cache.getOrSet('k', load)).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
    const a = (): Promise<unknown> => cache.getOrSet('b', b)
    const b = (): Promise<unknown> => cache.getOrSet('a', a)
    await expect(cache.getOrSet('a', a)).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
  })

  test('a load that takes longer than hardTimeout is rejected and frees its key', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500 })
    let signal: AbortSignal | undefined
    const caller = cache.getOrSet('k', (ctx) => {
      signal = ctx.signal
      return new Promise(() => {})
    })
    const outcome = expect(caller).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' })
    await clock.advance(500)
    await outcome
    expect(signal?.aborted).toBe(true)
    expect(await cache.getOrSet('k', () => 'v')).toBe('v')
  })

  test('namespaces are separate, and clear() of one leaves the other', async () => {
    const { cache } = l1Only()
    const a = cache.namespace('a')
    const b = cache.namespace('b', { version: 2 })
    await a.set('k', 1)
    await b.set('k', 2)
    await cache.set('k', 3)
    expect([await a.get('k'), await b.get('k'), await cache.get('k')]).toEqual([1, 2, 3])
    await a.clear()
    expect([await a.get('k'), await b.get('k'), await cache.get('k')]).toEqual([undefined, 2, 3])
    await cache.clear()
    expect([await b.get('k'), await cache.get('k')]).toEqual([undefined, undefined])
  })
})

describe('L1 over L2', () => {
  function fleet(options = {}) {
    const clock = new FakeClock()
    const server = new MemoryServer()
    const make = () => {
      const tier = memoryTier(server)
      return { tier, cache: createCache({ clock, l2: tier, ...options }) }
    }
    return { clock, server, a: make(), b: make() }
  }

  test('a value that one process loaded is read from L2 by the other', async () => {
    const { a, b, clock } = fleet()
    await clock.advance(10)
    const load = vi.fn(() => ({ name: 'Ada' }))
    const events = record(b.cache, ['hit', 'miss', 'loaded'])
    expect(await a.cache.getOrSet('k', load)).toEqual({ name: 'Ada' })
    await a.cache.drain()
    expect(await b.cache.getOrSet('k', load)).toEqual({ name: 'Ada' })
    expect(load).toHaveBeenCalledTimes(1)
    expect(events.of('hit')).toMatchObject([{ tier: 'l2' }])
    expect(await b.cache.getOrSet('k', load)).toEqual({ name: 'Ada' })
    expect(b.cache.stats().hits).toEqual({ l1: 1, l2: 1 })
  })

  test.each(['delete', 'set', 'expire', 'clear', 'invalidateTags', 'expireTags'] as const)(
    '%s in another process during a load wins over it',
    async (verb) => {
      const { a, b, clock } = fleet()
      await clock.advance(10)
      const gate = deferred<string>()
      const caller = a.cache.getOrSet('k', () => gate.promise, { tags: ['t'] })
      await clock.advance(10)
      if (verb === 'set') expect(await b.cache.set('k', 'set')).toBe('applied')
      else if (verb === 'clear') expect(await b.cache.clear()).toBe('applied')
      else if (verb === 'invalidateTags' || verb === 'expireTags') expect(await b.cache[verb](['t'])).toBe('applied')
      else expect(await b.cache[verb]('k')).toBe('applied')
      gate.resolve('old')
      expect(await caller).toBe('old')
      await a.cache.drain()
      await clock.advance(10)
      expect(await b.cache.get('k')).toBe(verb === 'set' ? 'set' : undefined)
      expect(await a.cache.get('k')).toBe(verb === 'set' ? 'set' : undefined)
    },
  )

  test('a thousand callers in two processes make one load', async () => {
    const { a, b, clock } = fleet()
    await clock.advance(10)
    const gate = deferred<string>()
    const load = vi.fn(() => gate.promise)
    const callers = Array.from({ length: 1000 }, (_, i) => (i % 2 ? a : b).cache.getOrSet('k', load))
    await clock.advance(50)
    gate.resolve('v')
    await clock.advance(50)
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['v']))
    expect(load).toHaveBeenCalledTimes(1)
  })
})
