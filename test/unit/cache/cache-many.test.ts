// getMany and getOrSetMany: the order of the keys, one read, one batch, and flights shared with single gets.
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('getMany', () => {
  test('returns values in the order of the keys, duplicates included, and undefined for misses', async () => {
    const { cache } = l1Only()
    await cache.set('a', 1)
    await cache.set('b', null)
    expect(await cache.getMany(['b', 'none', 'a', 'b', 'a'])).toEqual([null, undefined, 1, null, 1])
    expect(await cache.getMany([])).toEqual([])
  })

  test('reads L2 once for all keys that are not in memory, and not at all if all are', async () => {
    const { a, b } = await fleet()
    await a.cache.setMany(Array.from({ length: 100 }, (_, i) => [`k${i}`, i] as const))
    await b.cache.get('k7')
    b.tier.link.resetCounts()
    const keys = Array.from({ length: 100 }, (_, i) => `k${99 - i}`)
    expect(await b.cache.getMany(keys)).toEqual(keys.map((key) => Number(key.slice(1))))
    expect(b.tier.link.count()).toBe(1)
    expect(await b.cache.getMany(keys)).toHaveLength(100)
    expect(b.tier.link.count()).toBe(1)
    expect(b.cache.stats().hits).toEqual({ l1: 101, l2: 100 })
  })

  test('counts a hit or a miss for each key', async () => {
    const { cache } = l1Only()
    await cache.set('a', 1)
    await cache.getMany(['a', 'b', 'c'])
    expect(cache.stats()).toMatchObject({ hits: { l1: 1 }, misses: 2 })
  })
})

describe('getOrSetMany', () => {
  test('loads what is missing with one call, each key once, and returns values in the order of the keys', async () => {
    const { cache } = l1Only()
    await cache.set('b', 'cached')
    const load = vi.fn(async (keys: readonly string[]) => keys.map((key) => `loaded ${key}`))
    expect(await cache.getOrSetMany(['c', 'b', 'a', 'c'], load)).toEqual([
      ...['loaded c', 'cached', 'loaded a', 'loaded c'],
    ])
    expect(load).toHaveBeenCalledExactlyOnceWith(
      ['c', 'a'],
      expect.objectContaining({ signal: expect.any(AbortSignal) }),
    )
    expect(await cache.getOrSetMany(['a', 'c'], load)).toEqual(['loaded a', 'loaded c'])
    expect(await cache.getOrSetMany([], load)).toEqual([])
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('reads L2 once for all keys before it loads the rest', async () => {
    const { a, b } = await fleet()
    await a.cache.setMany([
      ['k1', 1],
      ['k3', 3],
    ])
    b.tier.link.resetCounts()
    const load = vi.fn((keys: readonly string[]) => keys.map((key) => Number(key.slice(1))))
    expect(await b.cache.getOrSetMany(['k1', 'k2', 'k3', 'k4'], load)).toEqual([1, 2, 3, 4])
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['k2', 'k4']])
    expect(b.tier.link.count('read')).toBe(1)
    await b.cache.drain()
    expect(await a.cache.getMany(['k2', 'k4'])).toEqual([2, 4])
  })

  test('shares flights with single gets and with other batches', async () => {
    const { cache } = l1Only()
    const single = deferred<string>()
    const first = cache.getOrSet('a', () => single.promise)
    const batch = vi.fn(async (keys: readonly string[]) => keys.map((key) => `batch ${key}`))
    const other = vi.fn(async (keys: readonly string[]) => keys.map((key) => `other ${key}`))
    const many = cache.getOrSetMany(['a', 'b', 'c'], batch)
    const more = cache.getOrSetMany(['c', 'd'], other)
    const late = cache.getOrSet('b', () => 'never')
    await settle()
    single.resolve('single')
    expect(await Promise.all([first, many, more, late])).toEqual([
      ...['single', ['single', 'batch b', 'batch c'], ['batch c', 'other d'], 'batch b'],
    ])
    expect([batch, other].map((load) => load.mock.calls.map(([keys]) => keys))).toEqual([[['b', 'c']], [['d']]])
  })

  test('rejects with the error of a failing key, and caches the others', async () => {
    const { cache } = l1Only()
    const failure = new Error('b is gone')
    const load = (keys: readonly string[]) => keys.map((key) => (key === 'b' ? failure : key))
    await expect(cache.getOrSetMany(['a', 'b', 'c'], load)).rejects.toBe(failure)
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual(['a', undefined, 'c'])
  })

  test('rejects with exactly what the batch loader rejects with or throws', async () => {
    const { cache } = l1Only()
    const failure = new TypeError('no database')
    await expect(cache.getOrSetMany(['a', 'b'], () => Promise.reject(failure))).rejects.toBe(failure)
    const throwing = () => {
      throw failure
    }
    await expect(cache.getOrSetMany(['a', 'b'], throwing)).rejects.toBe(failure)
    expect(cache.stats().loadFailures).toBe(4)
  })

  test.each<[string, unknown]>([
    ['too few', ['a']],
    ['too many', ['a', 'b', 'c']],
    ['no list', { a: 1 }],
    ['nothing', undefined],
  ])('refuses %s results, whose keys would not be known', async (_name, results) => {
    const { cache } = l1Only()
    await expect(cache.getOrSetMany(['a', 'b'], () => results as never)).rejects.toMatchObject({
      code: 'BATCH_MISMATCH',
      message: expect.stringMatching(/expected 2; got/),
    })
    expect(await cache.has('a')).toBe(false)
  })

  test('takes tags, ttl and version like a single get', async () => {
    const { cache, clock } = l1Only()
    const load = (keys: readonly string[]) => keys.map((key) => ({ key }))
    const options = { ttl: 100, version: 2, tags: ({ key: held }: { key: string }, key: string) => [`${held}=${key}`] }
    await cache.getOrSetMany(['a', 'b'], load, options)
    expect(await cache.lookup('a', { version: 2 })).toMatchObject({ tags: ['a=a'], freshForMs: 100 })
    await cache.invalidateTags(['a=a'])
    expect(await cache.getMany(['a', 'b'], { version: 2 })).toEqual([undefined, { key: 'b' }])
    await clock.advance(100)
    expect(await cache.has('b', { version: 2 })).toBe(false)
  })

  test('ends a hung batch at the hard timeout, aborts its signal and frees its keys', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500 })
    let signal: AbortSignal | undefined
    const many = cache.getOrSetMany(['a', 'b'], (_keys, ctx) => {
      signal = ctx.signal
      return new Promise(() => {})
    })
    const outcome = expect(many).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' })
    await clock.advance(499)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    await outcome
    expect(signal?.aborted).toBe(true)
    expect(await cache.getOrSetMany(['a', 'b'], (keys) => keys)).toEqual(['a', 'b'])
  })

  test('does not abort the signal of a batch while a caller waits for one of its keys', async () => {
    const { cache } = l1Only()
    const abort = new AbortController()
    const gate = deferred<readonly string[]>()
    let signal: AbortSignal | undefined
    const load = (_keys: readonly string[], ctx: { readonly signal: AbortSignal }) => {
      signal = ctx.signal
      return gate.promise
    }
    const many = cache.getOrSetMany(['a', 'b'], load, { signal: abort.signal })
    const outcome = expect(many).rejects.toBe('gone')
    await settle()
    const other = cache.getOrSet('b', () => 'never')
    abort.abort('gone')
    await outcome
    expect(signal?.aborted).toBe(false)
    gate.resolve(['a', 'b'])
    expect(await other).toBe('b')
  })

  test('aborts the signal of a batch when every caller that waited for its keys has left', async () => {
    const { cache } = l1Only()
    const abort = new AbortController()
    let signal: AbortSignal | undefined
    const load = (_keys: readonly string[], ctx: { readonly signal: AbortSignal }) => {
      signal = ctx.signal
      return new Promise<never>(() => {})
    }
    const many = cache.getOrSetMany(['a', 'b'], load, { signal: abort.signal })
    const outcome = expect(many).rejects.toBe('gone')
    await settle()
    abort.abort('gone')
    await outcome
    expect(signal?.aborted).toBe(true)
  })

  test('rejects a read by a batch loader of one of its own keys', async () => {
    const { cache } = l1Only()
    const asksItself = async (keys: readonly string[]) => {
      await settle()
      return [await cache.getOrSet('a', () => 'never'), ...keys.slice(1)]
    }
    await expect(cache.getOrSetMany(['a', 'b'], asksItself)).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
    const asksAnother = async (keys: readonly string[]) => [await cache.getOrSet('c', () => 'c'), ...keys.slice(1)]
    expect(await cache.getOrSetMany(['a', 'b'], asksAnother)).toEqual(['c', 'b'])
  })

  test('is not delayed for long by a key that another process loads', async () => {
    const { a, b, clock } = await fleet()
    const gate = deferred<string>()
    const inA = a.cache.getOrSet('k1', () => gate.promise)
    await clock.advance(1)
    const load = vi.fn((keys: readonly string[]) => keys.map((key) => `${key} of b`))
    const inB = b.cache.getOrSetMany(['k1', 'k2'], load)
    await clock.advance(10)
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['k2']])
    gate.resolve('k1 of a')
    await inA
    await clock.advance(50)
    expect(await inB).toEqual(['k1 of a', 'k2 of b'])
    expect(load).toHaveBeenCalledTimes(1)
  })
})
