// After many misses a read claims its key at once. It must find and serve entries like any other read, and leave no lease behind.
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

/** Two processes; the recent reads of b were all misses. */
async function afterMisses(options = {}) {
  const both = await fleet(options)
  const { b } = both
  for (let i = 0; i < 10; i++) await b.cache.getOrSet(`missed ${i}`, () => i)
  await b.cache.drain()
  b.tier.link.resetCounts()
  return both
}

describe('where recent reads missed', () => {
  test('a miss sends one command to L2 before it loads, and stores its value', async () => {
    const { a, b } = await afterMisses()
    expect(await b.cache.getOrSet('k', () => 'v')).toBe('v')
    await b.cache.drain()
    expect([b.tier.link.count('read'), b.tier.link.count('claim'), b.tier.link.count('swap')]).toEqual([0, 1, 1])
    expect(await a.cache.get('k')).toBe('v')
  })

  test('an entry that another process stored is found and not changed', async () => {
    const { a, b } = await afterMisses()
    await a.cache.set('k', 'theirs')
    const load = vi.fn(() => 'ours')
    expect(await b.cache.getOrSet('k', load)).toBe('theirs')
    expect(load).not.toHaveBeenCalled()
    await a.cache.getOrSet('k', load, { tiers: 'l2' })
    expect(load).not.toHaveBeenCalled()
  })

  test('hits make later reads read without claiming', async () => {
    const { a, b } = await afterMisses()
    for (let i = 0; i < 10; i++) await a.cache.set(`stored ${i}`, i)
    for (let i = 0; i < 10; i++) expect(await b.cache.getOrSet(`stored ${i}`, () => -1)).toBe(i)
    b.tier.link.resetCounts()
    await a.cache.set('k', 'v')
    expect(await b.cache.getOrSet('k', () => 'ours')).toBe('v')
    expect([b.tier.link.count('read'), b.tier.link.count('claim')]).toEqual([1, 0])
  })

  test('a stale entry is served at once and refreshed', async () => {
    const { a, b, clock } = await afterMisses({ ttl: 1_000, staleWhileRevalidate: '1m' })
    await a.cache.set('k', 'old')
    await clock.advance(2_000)
    const gate = deferred<string>()
    expect(await b.cache.getOrSet('k', () => gate.promise)).toBe('old')
    gate.resolve('new')
    await b.cache.drain()
    expect(await b.cache.get('k')).toBe('new')
  })

  test('a load of another process is awaited', async () => {
    const { a, b, clock } = await afterMisses()
    const gate = deferred<string>()
    const load = vi.fn(() => 'ours')
    const theirs = a.cache.getOrSet('k', () => gate.promise)
    await settle()
    const ours = b.cache.getOrSet('k', load)
    await clock.advance(50)
    gate.resolve('theirs')
    await clock.advance(50)
    expect([await theirs, await ours]).toEqual(['theirs', 'theirs'])
    expect(load).not.toHaveBeenCalled()
  })

  test('a delete during the load keeps its value from being stored', async () => {
    const { a, b } = await afterMisses()
    const gate = deferred<string>()
    const loading = b.cache.getOrSet('k', () => gate.promise)
    await settle()
    expect(await a.cache.delete('k')).toBe('applied')
    gate.resolve('old')
    expect(await loading).toBe('old')
    await b.cache.drain()
    expect(await a.cache.get('k')).toBeUndefined()
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('a caller that leaves before the reply leaves no lease behind', async () => {
    const { a, b, clock } = await afterMisses()
    const leaving = new AbortController()
    const loading = b.cache.getOrSet('k', () => 'v', { signal: leaving.signal })
    leaving.abort()
    await expect(loading).rejects.toThrow()
    await b.cache.drain()
    const startMs = clock.nowMs()
    expect(await a.cache.getOrSet('k', () => 'theirs')).toBe('theirs')
    expect(clock.nowMs()).toBe(startMs)
  })
})
