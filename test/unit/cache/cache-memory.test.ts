// The options of L1 as users see them. The tier itself: test/unit/tiers/memory-tier.test.ts.
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('l1', () => {
  test('maxEntries evicts the least recently read entry and reports it', async () => {
    const { cache } = l1Only({ l1: { maxEntries: 3 } })
    const evicted: string[] = []
    cache.on('evicted', ({ key }) => evicted.push(key))
    for (const key of ['a', 'b', 'c']) await cache.getOrSet(key, () => key)
    await cache.getOrSet('a', () => 'again')
    await cache.set('d', 'd')
    expect(evicted).toEqual(['b'])
    expect(cache.stats().l1).toEqual({ entries: 3, bytes: expect.any(Number), evictions: 1 })
    expect(cache.stats().l1.bytes).toBeGreaterThan(0)
  })

  test('maxBytes bounds the estimated size of all entries', async () => {
    const { cache } = l1Only({ l1: { maxBytes: 20_000 } })
    for (let i = 0; i < 100; i++) await cache.set(`k${i}`, 'x'.repeat(1000))
    const { entries, bytes, evictions } = cache.stats().l1
    expect(bytes).toBeLessThanOrEqual(20_000)
    expect(entries).toBeGreaterThan(5)
    expect(entries + evictions).toBe(100)
  })

  test('maxEntryBytes keeps large values in L2 only', async () => {
    const { a } = await fleet({ l1: { maxEntryBytes: 1000 } })
    const large = Array.from({ length: 1000 }, (_, i) => `${i * 7919}`)
    await a.cache.set('large', large)
    await a.cache.set('small', 'x')
    expect(await a.cache.lookup('large')).toMatchObject({ found: true, tier: 'l2', value: large })
    expect(await a.cache.lookup('small')).toMatchObject({ found: true, tier: 'l1' })
    expect(await a.cache.getOrSet('large', () => 'never')).toEqual(large)
    expect(a.cache.peek('large')).toBeUndefined()
  })

  test('a value that is too large removes the older, smaller value of its key', async () => {
    const { cache } = l1Only({ l1: { maxEntryBytes: 1000 } })
    await cache.set('k', 'small')
    await cache.set('k', 'x'.repeat(2000))
    expect(await cache.has('k')).toBe(false)
  })

  test('the size of an entry is that of its encoded payload, if there is one', async () => {
    const { a, b } = await fleet({ l1: { maxBytes: 1_000_000 } })
    const value = new Array(10_000).fill(1)
    await a.cache.set('k', value)
    await b.cache.get('k')
    // 1 byte each in msgpack, compressed or not; more by estimate.
    expect(b.cache.stats().l1.bytes).toBeGreaterThan(10_000)
    expect(b.cache.stats().l1.bytes).toBeLessThan(11_000)
    expect(a.cache.stats().l1.bytes).toBeGreaterThan(11_000)
  })

  test('ttl limits the life in memory only, to the millisecond', async () => {
    const { a, clock } = await fleet({ ttl: 1000, l1: { ttl: 100 } })
    await a.cache.set('k', 1)
    await clock.advance(99)
    expect(await a.cache.lookup('k')).toMatchObject({ tier: 'l1', freshForMs: 1 })
    await clock.advance(1)
    expect(await a.cache.lookup('k')).toMatchObject({ tier: 'l2', state: 'fresh' })
  })

  test('l1Ttl limits it for one call, and 0 keeps a value out of memory', async () => {
    const { a, clock } = await fleet({ ttl: 1000 })
    await a.cache.set('none', 1, { l1Ttl: 0 })
    expect(a.cache.peek('none')).toBeUndefined()
    expect(await a.cache.lookup('none')).toMatchObject({ tier: 'l2' })
    await a.cache.getOrSet('short', () => 1, { l1Ttl: 50 })
    await a.cache.drain()
    await clock.advance(49)
    expect(a.cache.peek('short')).toBe(1)
    await clock.advance(1)
    expect(a.cache.peek('short')).toBeUndefined()
    expect(await a.cache.has('short')).toBe(true)
  })

  test('l1: false is a cache without memory, whose every read asks L2', async () => {
    const { a } = await fleet({ l1: false })
    await a.cache.set('k', 1)
    a.tier.link.resetCounts()
    expect([await a.cache.get('k'), await a.cache.get('k')]).toEqual([1, 1])
    expect(a.tier.link.count('read')).toBe(2)
    expect(a.cache.peek('k')).toBeUndefined()
  })

  test('l1: false without an L2 still runs one load for simultaneous callers', async () => {
    const { cache } = l1Only({ l1: false })
    let loads = 0
    const load = async () => {
      await settle()
      return ++loads
    }
    expect(await Promise.all([cache.getOrSet('k', load), cache.getOrSet('k', load)])).toEqual([1, 1])
    expect(await cache.getOrSet('k', load)).toBe(2)
  })
})

describe('l1.values', () => {
  test("'shared' returns the very object that was loaded", async () => {
    const { cache } = l1Only()
    const value = { list: [1] }
    expect(await cache.getOrSet('k', () => value)).toBe(value)
    expect(await cache.get('k')).toBe(value)
    expect(cache.peek('k')).toBe(value)
  })

  test("'frozen' makes a caller’s change of a value an error", async () => {
    const { cache } = l1Only({ l1: { values: 'frozen' } })
    const first = await cache.getOrSet('k', () => ({ list: [1] }))
    expect(() => first.list.push(2)).toThrow(TypeError)
    expect(await cache.get('k')).toEqual({ list: [1] })
  })

  test("'checked' reports the key of a value that a caller changed, and returns the original value to the others", async () => {
    const { cache } = l1Only({ l1: { values: 'checked' } })
    const notices: { code: string; detail: string; error?: Error | undefined }[] = []
    cache.on('notice', (notice) => notices.push(notice))
    const loaded = { list: [1], at: new Date(0), by: new Map([['a', 1]]) }
    const was = { list: [1], at: new Date(0), by: new Map([['a', 1]]) }
    const first = await cache.getOrSet('whose', () => loaded)
    expect(await cache.getOrSet('whose', () => loaded)).toBe(first)
    expect(notices).toEqual([])
    first.by.set('b', 2)
    first.at.setTime(5)
    expect(await cache.get('whose')).toEqual(was)
    expect(await cache.getOrSet('whose', () => loaded)).toEqual(was)
    expect((await cache.getMany(['whose']))[0]).toEqual(was)
    expect(cache.peek('whose')).toEqual(was)
    expect(notices).toMatchObject([
      { code: 'VALUE_CHANGED', detail: expect.stringMatching(/"whose"/), error: { code: 'VALUE_CHANGED' } },
    ])
    await cache.namespace('other').set('k', loaded)
    loaded.list.push(3)
    await cache.namespace('other').get('k')
    expect(notices).toHaveLength(2)
    expect(notices[1]?.detail).toMatch(/"k" in tiercache\/other/)
  })

  test("'checked' keeps immutable values of every kind", async () => {
    const { cache } = l1Only({ l1: { values: 'checked' } })
    for (const value of ['text', 1, null, undefined, true, 1n, Number.NaN]) {
      await cache.set('k', value)
      expect(await cache.get('k')).toBe(value)
    }
  })

  test("'cloned' returns a copy to every caller, also to those that share a load", async () => {
    const { cache } = l1Only({ l1: { values: 'cloned' } })
    const loaded = { list: [1] }
    const load = async () => {
      await settle()
      return loaded
    }
    const [first, second] = await Promise.all([cache.getOrSet('k', load), cache.getOrSet('k', load)])
    first.list.push(2)
    loaded.list.push(3)
    expect(second).toEqual({ list: [1] })
    const third = await cache.getOrSet('k', load)
    third.list.push(4)
    expect(await cache.get('k')).toEqual({ list: [1] })
    expect((await cache.getMany<{ list: number[] }>(['k']))[0]).toEqual({ list: [1] })
    expect(cache.peek<{ list: number[] }>('k')).not.toBe(cache.peek('k'))
    expect(await cache.lookup('k')).toMatchObject({ value: { list: [1] } })
  })

  test("'cloned' copies values from L2 too", async () => {
    const { a, b } = await fleet({ l1: { values: 'cloned' } })
    await a.cache.set('k', { list: [1] })
    const first = await b.cache.getOrSet('k', () => ({ list: [0] }))
    first.list.push(2)
    expect(await b.cache.get('k')).toEqual({ list: [1] })
  })

  test("a loaded value that 'cloned' cannot copy is returned to its callers and not kept", async () => {
    const { cache } = l1Only({ l1: { values: 'cloned' } })
    class Cart {
      items = 1
    }
    const failed: unknown[] = []
    cache.on('storeFailed', ({ error }) => failed.push(error))
    const cart = await cache.getOrSet('k', () => new Cart())
    expect(cart).toBeInstanceOf(Cart)
    expect(failed).toMatchObject([{ code: 'UNSUPPORTED_VALUE' }])
    expect(await cache.has('k')).toBe(false)
    await expect(cache.set('k', new Cart())).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
  })
})
