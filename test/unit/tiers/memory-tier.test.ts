import { LRUCache } from 'lru-cache'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MemoryLimits } from '../../../src/model/options/cache-policy.js'
import { READ_OPTIONS } from '../../../src/model/options/lru-options.js'
import { MemoryTier } from '../../../src/tiers/memory-tier.js'
import { entryUntil } from '../../support/entry.js'

const NONE = Number.POSITIVE_INFINITY
const limits = (given: Partial<MemoryLimits>): MemoryLimits => ({
  maxEntries: NONE,
  maxBytes: NONE,
  maxEntryBytes: NONE,
  values: 'shared',
  ...given,
})
const entry = (value: unknown, untilMs = Number.POSITIVE_INFINITY) => entryUntil(value, untilMs)
const keysOf = (tier: MemoryTier) => Array.from(tier.entries(), ([key]) => key)

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a memory tier bounded by entries', () => {
  test('returns the very entry that it was given, and undefined for a miss', () => {
    const tier = new MemoryTier(limits({ maxEntries: 3 }))
    const kept = entry(undefined)
    tier.set('a', kept)
    expect(tier.get('a')).toBe(kept)
    expect(tier.peek('a')).toBe(kept)
    expect(tier.get('b')).toBeUndefined()
    expect(tier.get('__proto__')).toBeUndefined()
    expect(tier.get('')).toBeUndefined()
  })

  test('evicts the least recently used entry; a get is a use, a peek is not', () => {
    const tier = new MemoryTier(limits({ maxEntries: 3 }))
    for (const key of ['a', 'b', 'c']) tier.set(key, entry(key))
    tier.get('a')
    tier.peek('b')
    tier.set('d', entry('d'))
    expect(keysOf(tier)).toEqual(['d', 'a', 'c'])
    expect(tier.size).toBe(3)
  })

  test('reads with one look-up, and lets lru-cache write to no options but its own', () => {
    const get = vi.spyOn(LRUCache.prototype, 'get')
    const tier = new MemoryTier(limits({ maxEntries: 3 }))
    tier.get('a')
    expect(get.mock.calls).toEqual([['a', READ_OPTIONS]])
    expect(Object.values(READ_OPTIONS).every((value) => value === undefined)).toBe(true)
  })

  test('counts and reports evictions, and no other removals', () => {
    const evicted = vi.fn()
    const tier = new MemoryTier(limits({ maxEntries: 2 }), evicted)
    tier.set('a', entry(1))
    tier.set('a', entry(2))
    tier.set('b', entry(3))
    tier.delete('b')
    tier.set('c', entry(4))
    expect(tier.evictions).toBe(0)
    tier.set('d', entry(5))
    expect(tier.evictions).toBe(1)
    expect(evicted.mock.calls).toEqual([['a']])
    tier.clear()
    expect(tier.evictions).toBe(1)
  })

  test('never expires anything by itself, and starts no timer', () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const tier = new MemoryTier(limits({ maxEntries: 2 }))
    const old = entry('old', 0)
    tier.set('a', old)
    expect(tier.get('a')).toBe(old)
    expect(timers).not.toHaveBeenCalled()
  })

  test('deletes one and clears all', () => {
    const tier = new MemoryTier(limits({ maxEntries: 5 }))
    for (const key of ['a', 'b', 'c']) tier.set(key, entry(key))
    expect(tier.delete('a')).toBe(true)
    expect(tier.delete('a')).toBe(false)
    expect(keysOf(tier)).toEqual(['c', 'b'])
    tier.clear()
    expect(tier.size).toBe(0)
    expect(tier.get('b')).toBeUndefined()
  })

  test('does not read values to find their size', () => {
    const tier = new MemoryTier(limits({ maxEntries: 2 }))
    const looked = vi.fn()
    tier.set('a', entry(new Proxy({}, { ownKeys: looked, get: looked, getPrototypeOf: looked })))
    expect(looked).not.toHaveBeenCalled()
    expect(tier.bytes).toBe(0)
  })

  test('keeps nothing larger than maxEntryBytes, and removes an older value of the key', () => {
    const tier = new MemoryTier(limits({ maxEntries: 5, maxEntryBytes: 1_000 }))
    tier.set('a', entry('small'))
    tier.set('a', entry('x'.repeat(2_000)))
    expect(tier.get('a')).toBeUndefined()
    tier.set('b', entry('x'.repeat(2_000)), 999)
    expect(tier.get('b')).toBeDefined()
    // The key counts, too.
    tier.set('b', entry('small'), 1_000)
    expect(tier.get('b')).toBeUndefined()
    expect(tier.size).toBe(0)
    expect(tier.evictions).toBe(0)
  })
})

describe('a memory tier bounded by bytes', () => {
  test('counts the encoded size if it is given, the key and the entry itself', () => {
    const tier = new MemoryTier(limits({ maxBytes: 100_000 }))
    tier.set('a', entry('x'.repeat(50_000)), 1_000)
    expect(tier.bytes).toBeGreaterThan(1_000)
    expect(tier.bytes).toBeLessThan(1_500)
    const before = tier.bytes
    tier.set('k'.repeat(501), entry('x'), 1_000)
    expect(tier.bytes - before).toBe(before + 500)
  })

  test('estimates the size if none is given', () => {
    const tier = new MemoryTier(limits({ maxBytes: 100_000 }))
    tier.set('a', entry('x'.repeat(20_000)))
    expect(tier.bytes).toBeGreaterThan(20_000)
    expect(tier.bytes).toBeLessThan(42_000)
  })

  test('stays within its limit of bytes, whatever is stored', () => {
    const tier = new MemoryTier(limits({ maxBytes: 50_000 }))
    for (let i = 0; i < 500; i++) {
      tier.set(`key:${i % 90}`, entry(i), (i * 7919) % 20_000)
      expect(tier.bytes).toBeLessThanOrEqual(50_000)
    }
    expect(tier.evictions).toBeGreaterThan(0)
    tier.clear()
    expect(tier.bytes).toBe(0)
  })

  test('does not keep a value that would fill it alone, and evicts nothing for it', () => {
    const tier = new MemoryTier(limits({ maxBytes: 10_000 }))
    tier.set('a', entry(1), 10)
    tier.set('b', entry(1), 10)
    tier.set('b', entry(2), 10_001)
    expect(keysOf(tier)).toEqual(['a'])
  })

  test('obeys a limit of entries too', () => {
    const tier = new MemoryTier(limits({ maxBytes: 1e6, maxEntries: 2 }))
    for (const key of ['a', 'b', 'c']) tier.set(key, entry(key))
    expect(keysOf(tier)).toEqual(['c', 'b'])
  })
})

describe('the values of a memory tier', () => {
  const value = () => ({ list: [{ n: 1 }], when: new Date(0) })

  test('are shared by default', () => {
    const tier = new MemoryTier(limits({ maxEntries: 1 }))
    const given = value()
    expect(tier.sharesValues).toBe(true)
    expect(tier.admit(given)).toBe(given)
    expect(tier.release(given)).toBe(given)
    expect(Object.isFrozen(given)).toBe(false)
  })

  test('can be frozen', () => {
    const tier = new MemoryTier(limits({ maxEntries: 1, values: 'frozen' }))
    const given = value()
    expect(tier.sharesValues).toBe(true)
    expect(tier.admit(given)).toBe(given)
    expect(tier.release(given)).toBe(given)
    expect(Object.isFrozen(given.list[0])).toBe(true)
  })

  test('can be copied on the way in and out', () => {
    const tier = new MemoryTier(limits({ maxEntries: 1, values: 'cloned' }))
    const given = value()
    const kept = tier.admit(given)
    const handed = tier.release(kept)
    expect(tier.sharesValues).toBe(false)
    given.list[0]!.n = 2
    handed.list[0]!.n = 3
    expect(kept).toEqual(value())
  })

  test('are refused at once if they cannot be copied', () => {
    const tier = new MemoryTier(limits({ maxEntries: 1, values: 'cloned' }))
    expect(() => tier.admit({ run: () => {} })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VALUE' }))
  })
})
