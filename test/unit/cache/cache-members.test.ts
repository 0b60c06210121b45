// Each member of the public API once, with memory alone. What several tiers add is in the l2-*.test.ts files of test/unit/flow.
import { type Cache, CacheError, createCache } from 'tiercache'
import { FakeClock, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { fleet, l1Only } = leavesNothing()

describe('createCache', () => {
  test('without options makes a bounded L1 with single flight', async () => {
    await using cache = createCache()
    const load = vi.fn(async (ctx: { key: string }) => ctx.key.length)
    expect(await Promise.all([cache.getOrSet('four', load), cache.getOrSet('four', load)])).toEqual([4, 4])
    expect(await cache.getOrSet('four', load)).toBe(4)
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.path).toBe('tiercache')
  })

  test('takes the time from the clock that it is given, and from no other', async () => {
    const { cache, clock } = l1Only({ ttl: 10 })
    await cache.set('k', 1)
    await clock.advance(9)
    expect(await cache.get('k')).toBe(1)
    await clock.advance(1)
    expect(await cache.get('k')).toBeUndefined()
  })
})

describe('get, lookup, has and peek', () => {
  test('never load, and return undefined, not found and false for a miss', async () => {
    const { cache } = l1Only()
    expect(await cache.get('k')).toBeUndefined()
    expect(await cache.lookup('k')).toEqual({ found: false })
    expect(await cache.has('k')).toBe(false)
    expect(cache.peek('k')).toBeUndefined()
  })

  test.each([[undefined], [null], [0], [''], [false], [Number.NaN]])(
    'take %o as a value like any other',
    async (value) => {
      const { cache } = l1Only()
      await cache.set('k', value)
      expect(await cache.get('k')).toBe(value)
      expect(await cache.lookup('k')).toMatchObject({ found: true, value })
      expect(await cache.has('k')).toBe(true)
      expect(cache.peek('k')).toBe(value)
      const load = vi.fn()
      expect(await cache.getOrSet('k', load)).toBe(value)
      expect(load).not.toHaveBeenCalled()
    },
  )

  test('lookup returns the tier, the state, the age, the time left and the tags', async () => {
    const { cache, clock } = l1Only({ ttl: 1000, staleWhileRevalidate: 500, staleIfError: 5000 })
    await cache.set('k', 'v', { tags: ['a', 'b', 'a'] })
    await clock.advance(400)
    const found = { found: true, value: 'v', tier: 'l1', tags: ['a', 'b'], idleForMs: Infinity }
    expect(await cache.lookup('k')).toEqual({ ...found, state: 'fresh', ageMs: 400, freshForMs: 600 })
    await clock.advance(600)
    expect(await cache.lookup('k')).toEqual({ ...found, state: 'stale', ageMs: 1000, freshForMs: 0 })
    await clock.advance(500)
    expect(await cache.lookup('k')).toEqual({ ...found, state: 'staleIfError', ageMs: 1500, freshForMs: 0 })
    await clock.advance(4500)
    expect(await cache.lookup('k')).toEqual({ found: false })
  })

  test('do not return an entry that is usable only if loading fails', async () => {
    const { cache, clock } = l1Only({ ttl: 1000, staleIfError: 5000 })
    await cache.set('k', 'v')
    await clock.advance(1000)
    expect([await cache.get('k'), await cache.has('k'), cache.peek('k')]).toEqual([undefined, false, undefined])
  })

  test('peek changes neither recency nor counters', async () => {
    const { cache } = l1Only({ l1: { maxEntries: 2 } })
    await cache.set('old', 1)
    await cache.set('new', 2)
    const before = cache.stats()
    expect(cache.peek('old')).toBe(1)
    expect(cache.stats()).toEqual(before)
    await cache.set('newest', 3)
    expect(cache.peek('old')).toBeUndefined()
    expect(cache.peek('new')).toBe(2)
  })

  test("do not read memory with tiers: 'l2'", async () => {
    const { a } = await fleet()
    await a.cache.set('k', 1, { tiers: 'l1' })
    expect(await a.cache.get('k', { tiers: 'l2' })).toBeUndefined()
    expect(await a.cache.get('k', { tiers: 'l1' })).toBe(1)
  })

  test('reject with the reason of a signal that is aborted already', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1)
    const reason = new Error('the request is gone')
    const signal = AbortSignal.abort(reason)
    await expect(cache.get('k', { signal })).rejects.toBe(reason)
    await expect(cache.getMany(['k'], { signal })).rejects.toBe(reason)
  })
})

describe('set, delete, expire and clear', () => {
  test('return the result, and have their effect before their promise settles', async () => {
    const { cache } = l1Only({ staleIfError: '1h' })
    const settingOne = cache.set('k', 1)
    expect(cache.peek('k')).toBe(1)
    const settingTwo = cache.set('k', 2)
    expect(cache.peek('k')).toBe(2)
    const deleting = cache.delete('k')
    expect(cache.peek('k')).toBeUndefined()
    expect(await Promise.all([settingOne, settingTwo, deleting])).toEqual(['applied', 'applied', 'applied'])
    await cache.set('k', 3)
    const expiring = cache.expire('k')
    expect(cache.peek('k')).toBeUndefined()
    expect(await expiring).toBe('applied')
    expect(await cache.lookup('k')).toMatchObject({ found: true, state: 'staleIfError', value: 3 })
    const clearing = cache.clear()
    expect(await clearing).toBe('applied')
    expect(await cache.lookup('k')).toEqual({ found: false })
  })

  test('take one key or many, present or not', async () => {
    const { cache } = l1Only()
    await cache.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
    expect(await cache.delete(['a', 'b', 'b', 'nobody'])).toBe('applied')
    expect(await cache.expire(['c', 'nobody'])).toBe('applied')
    expect(await cache.delete([])).toBe('applied')
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([undefined, undefined, undefined])
  })

  test('set takes tags as a list or as a function of value and key', async () => {
    const { cache } = l1Only()
    await cache.set('user:1', { org: 7 }, { tags: (user, key) => [`org:${user.org}`, key] })
    expect(await cache.lookup('user:1')).toMatchObject({ tags: ['org:7', 'user:1'] })
    await cache.invalidateTags('org:7')
    expect(await cache.has('user:1')).toBe(false)
  })

  test('set with a ttl of 0 stores nothing and removes the old entry', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1)
    expect(await cache.set('k', 2, { ttl: 0 })).toBe('applied')
    expect(await cache.has('k')).toBe(false)
  })

  test('setMany takes pairs or a Map', async () => {
    const { cache } = l1Only()
    expect(
      await cache.setMany(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
        { tags: (value) => [`n:${value}`] },
      ),
    ).toBe('applied')
    expect(await cache.getMany(['b', 'a'])).toEqual([2, 1])
    await cache.invalidateTags(['n:1'])
    expect(await cache.getMany(['b', 'a'])).toEqual([2, undefined])
  })

  test('take another version as another entry', async () => {
    const { cache } = l1Only()
    await cache.set('k', 'one')
    await cache.set('k', 'two', { version: 2 })
    await cache.getOrSet('k', () => 'three', { version: 'v3' })
    expect(await cache.get('k')).toBe('one')
    expect(await cache.get('k', { version: 2 })).toBe('two')
    expect(await cache.getMany(['k'], { version: 'v3' })).toEqual(['three'])
    await cache.delete('k', { version: 2 })
    await cache.expire('k', { version: 'v3' })
    expect(await cache.has('k', { version: 2 })).toBe(false)
    expect(await cache.has('k', { version: 'v3' })).toBe(false)
    expect(await cache.has('k')).toBe(true)
    await cache.set('k', 'two', { version: 2 })
    await cache.clear()
    expect(await cache.has('k', { version: 2 })).toBe(false)
  })
})

describe('stats and on', () => {
  test('stats() returns a copy that a later read does not change', async () => {
    const { cache } = l1Only()
    const before = cache.stats()
    await cache.set('k', 1)
    await cache.get('k')
    await cache.get('none')
    expect(before).toMatchObject({ hits: { l1: 0, l2: 0 }, misses: 0, writes: 0 })
    expect(cache.stats()).toMatchObject({
      ...{ hits: { l1: 1, l2: 0 }, misses: 1, loads: 0, writes: 1, queued: 0, dropped: 0 },
      l1: { entries: 1, evictions: 0 },
      l2: { available: false, breaker: 'closed', waiting: 0 },
      bus: { trusted: true },
      loading: { flights: 0, background: 0 },
    })
    expect(cache.stats().l1.bytes).toBeGreaterThan(0)
  })

  test('loads are counted and timed', async () => {
    const { cache, clock } = l1Only()
    const loading = cache.getOrSet('k', () => new Promise((resolve) => void clock.after(40, () => resolve(1))))
    await settle()
    expect(cache.stats().loading).toMatchObject({ flights: 1, background: 1 })
    await clock.advance(40)
    await loading
    await cache.getOrSet('bad', () => Promise.reject(new Error('no'))).catch(() => undefined)
    const { loads, loadFailures, misses, loading: timed } = cache.stats()
    expect({ loads, loadFailures, misses }).toEqual({ loads: 1, loadFailures: 1, misses: 2 })
    expect(timed.latency).toMatchObject({ count: 2, sumMs: 40, p99Ms: 64 })
  })

  test('every outcome is one event, in order, until the listener is removed', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const told: string[] = []
    const ends = (['hit', 'miss', 'loaded', 'stored', 'invalidated'] as const).map((event) =>
      cache.on(event, (detail) => told.push(`${event} ${JSON.stringify(detail)}`)),
    )
    await cache.getOrSet('k', () => 1)
    await cache.getOrSet('k', () => 1)
    await cache.delete('k')
    for (const end of ends) end()
    await cache.get('k')
    expect(told).toEqual([
      'loaded {"scope":"shop","key":"k","reason":"miss","durationMs":0,"kept":true}',
      'stored {"scope":"shop","key":"k","tiers":"l1"}',
      'miss {"scope":"shop","key":"k"}',
      'hit {"scope":"shop","key":"k","tier":"l1"}',
      'invalidated {"by":"delete","origin":"local","scope":"shop","keys":["k"],"tags":[]}',
    ])
  })

  test('a listener that throws affects neither the cache nor the other listeners', async () => {
    const { cache } = l1Only()
    const failures: unknown[] = []
    cache.on('listenerFailed', ({ event }) => failures.push(event))
    cache.on('miss', () => {
      throw new Error('a bug of the user')
    })
    cache.on('miss', (async () => {
      throw new Error('another one')
    }) as () => void)
    const third = vi.fn()
    cache.on('miss', third)
    expect(await cache.getOrSet('k', () => 1)).toBe(1)
    await settle()
    expect(failures).toEqual(['miss', 'miss'])
    expect(third).toHaveBeenCalledTimes(1)
  })

  test('an event reports whether a loaded value was stored', async () => {
    const { cache } = l1Only()
    const kept: [string, boolean][] = []
    cache.on('loaded', (detail) => kept.push([detail.key, detail.kept]))
    await cache.getOrSet('kept', () => 1)
    await cache.getOrSet('skipped', (ctx) => ctx.skip())
    await cache.getOrSet('no ttl', () => 1, { ttl: 0 })
    await cache.getOrSet('no ttl by its loader', (ctx) => ctx.ttl(0))
    await cache.getOrSet('invalidated', () => cache.delete('invalidated'))
    expect(kept).toEqual([
      ['kept', true],
      ['skipped', false],
      ['no ttl', false],
      ['no ttl by its loader', false],
      ['invalidated', false],
    ])
  })
})

describe('wrong arguments', () => {
  test.each<[string, string, (cache: Cache) => Promise<unknown>]>([
    ['a key that is not a string', 'INVALID_KEY', (cache) => cache.get(7 as never)],
    ['a symbol as key', 'INVALID_KEY', (cache) => cache.getOrSet(Symbol('k') as never, () => 1)],
    ['a symbol as key of a namespace', 'INVALID_KEY', (c) => c.namespace('a').getOrSet(Symbol('k') as never, () => 1)],
    ['no key', 'INVALID_KEY', (cache) => cache.set(undefined as never, 1)],
    ['keys that are not a list', 'INVALID_KEY', (cache) => cache.delete(new Set(['a']) as never)],
    ['a number among keys', 'INVALID_KEY', (cache) => cache.getMany(['a', 7 as never])],
    ['no loader', 'INVALID_OPTION', (cache) => cache.getOrSet('k', undefined as never)],
    ['a value in place of a loader', 'INVALID_OPTION', (cache) => cache.getOrSet('k', 'v' as never)],
    ['no batch loader', 'INVALID_OPTION', (cache) => cache.getOrSetMany(['k'], undefined as never)],
    ['a wrong duration', 'INVALID_OPTION', (cache) => cache.getOrSet('k', () => 1, { ttl: '5 minutes' as never })],
    ['an unknown option', 'INVALID_OPTION', (cache) => cache.getOrSet('k', () => 1, { tll: 5 } as never)],
    ['options that are not an object', 'INVALID_OPTION', (cache) => cache.set('k', 1, '5m' as never)],
    ['a wrong version', 'INVALID_KEY', (cache) => cache.set('k', 1, { version: 'a b' })],
    ['tags that are not a list', 'INVALID_OPTION', (cache) => cache.set('k', 1, { tags: 'a' as never })],
    ['a tag that is not a string', 'INVALID_KEY', (cache) => cache.invalidateTags([7 as never])],
    ['entries that are not pairs', 'INVALID_OPTION', (cache) => cache.setMany([['a']] as never)],
    ['entries that are not a list', 'INVALID_OPTION', (cache) => cache.setMany({ a: 1 } as never)],
  ])('%s: the call rejects instead of throwing', async (_name, code, call) => {
    const { cache } = l1Only()
    const outcome = call(cache)
    expect(outcome).toBeInstanceOf(Promise)
    const error = await outcome.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CacheError)
    expect(error).toMatchObject({ code })
    expect((error as Error).message).toMatch(/got|has no option/)
    expect(cache.stats()).toMatchObject({ writes: 0, invalidations: 0, l1: { entries: 0 } })
  })

  test('an unknown event is refused, and the message suggests the nearest name', () => {
    const { cache } = l1Only()
    expect(() => cache.on('hits' as never, () => undefined)).toThrow('Did you mean hit?')
    expect(() => cache.on('hit', 'log' as never)).toThrow(/listener must be a function/)
  })
})

describe('drain and close', () => {
  test('drain() waits for a background refresh', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 1000 })
    await cache.getOrSet('k', () => 1)
    await clock.advance(10)
    let isRefreshed = false
    const refresh = () =>
      new Promise<number>((resolve) => {
        clock.after(40, () => {
          isRefreshed = true
          resolve(2)
        })
      })
    expect(await cache.getOrSet('k', refresh)).toBe(1)
    const drained = cache.drain().then(() => isRefreshed)
    await clock.advance(40)
    expect(await drained).toBe(true)
    expect(await cache.get('k')).toBe(2)
  })

  test('a closed cache refuses every call with CLOSED, and closing it again returns the same promise', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1)
    const closing = cache.close()
    expect(cache.close()).toBe(closing)
    await closing
    const calls: (() => Promise<unknown>)[] = [
      () => cache.get('k'),
      () => cache.lookup('k'),
      () => cache.has('k'),
      () => cache.getMany(['k']),
      () => cache.getOrSet('k', () => 1),
      () => cache.getOrSetMany(['k'], () => [1]),
      () => cache.set('k', 1),
      () => cache.setMany([['k', 1]]),
      () => cache.delete('k'),
      () => cache.expire('k'),
      () => cache.invalidateTags(['t']),
      () => cache.expireTags(['t']),
      () => cache.clear(),
      () => cache.expireAll(),
      () => cache.explain('k'),
      () => cache.namespace('n').get('k'),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(cache.peek('k')).toBeUndefined()
    expect(cache.stats().l1.entries).toBe(0)
    await cache.drain()
  })

  test('await using closes the cache at the end of its block', async () => {
    const clock = new FakeClock()
    const closed = vi.fn()
    {
      await using cache = createCache({ clock })
      cache.on('closed', closed)
      await cache.set('k', 1)
    }
    expect(closed).toHaveBeenCalledExactlyOnceWith({ lost: 0, unsaved: 0 })
  })

  test('close() waits for running loads, and their callers are served', async () => {
    const { cache, clock } = l1Only()
    const caller = cache.getOrSet('k', () => new Promise((resolve) => void clock.after(40, () => resolve(1))))
    await settle()
    const closing = cache.close()
    await clock.advance(40)
    expect(await caller).toBe(1)
    await closing
  })

  test('close() waits at most closeTimeout for a hung loader, rejects its callers with CLOSED and aborts its signal', async () => {
    const { cache, clock } = l1Only({ closeTimeout: 500, hardTimeout: Number.POSITIVE_INFINITY })
    let signal: AbortSignal | undefined
    const caller = cache.getOrSet('k', (ctx) => {
      signal = ctx.signal
      return new Promise(() => {})
    })
    const outcome = expect(caller).rejects.toMatchObject({ code: 'CLOSED' })
    await settle()
    const closing = cache.close()
    await clock.advance(499)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    await closing
    await outcome
    expect(signal?.aborted).toBe(true)
  })

  test('a loader that returns after close() changes nothing', async () => {
    const { cache, clock } = l1Only({ closeTimeout: 10 })
    const caller = cache.getOrSet('k', () => new Promise((resolve) => void clock.after(40, () => resolve(1))))
    const outcome = caller.catch((error: unknown) => error)
    await settle()
    const closing = cache.close()
    await clock.advance(10)
    await closing
    await clock.advance(100)
    expect(await outcome).toMatchObject({ code: 'CLOSED' })
    expect(cache.stats().l1.entries).toBe(0)
  })
})
