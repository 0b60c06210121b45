// `idleTtl`: what is read lives on, in every tier and process, and what nobody reads is gone.
import type { Cache, CacheOptions } from 'tiercache'
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const IDLE_MS = 10_000
const TENTH_MS = IDLE_MS / 10
const FOREVER = Number.POSITIVE_INFINITY
const SESSIONS = { ttl: FOREVER, idleTtl: IDLE_MS } as const

interface Reading {
  readonly clock: { advance(ms: number): Promise<void> }
  readonly forMs: number
  readonly everyMs?: number
}

/** Calls `read` again and again, and returns what it returned, without repetitions. */
async function readings(read: () => Promise<unknown>, { clock, forMs, everyMs = 500 }: Reading) {
  const seen = new Set<unknown>()
  for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
    await clock.advance(everyMs)
    seen.add(await read())
  }
  return [...seen]
}

describe('a value that is read', () => {
  test('from memory alone lives on after ten idle lives, there and in L2', async () => {
    const { a, b, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'v')
    await a.cache.get('s')
    a.tier.link.resetCounts()
    const load = vi.fn()
    expect(await readings(() => a.cache.getOrSet('s', load), { clock, forMs: 10 * IDLE_MS })).toEqual(['v'])
    expect([load.mock.calls.length, a.tier.link.count('read')]).toEqual([0, 0])
    expect(await b.cache.lookup('s')).toMatchObject({ value: 'v', tier: 'l2' })
  })

  test('by lookup has what is left of its idle life', async () => {
    const { cache, clock } = l1Only(SESSIONS)
    await cache.set('s', 'v')
    await clock.advance(TENTH_MS - 1)
    expect(await cache.lookup('s')).toMatchObject({ idleForMs: IDLE_MS - TENTH_MS + 1 })
    await clock.advance(TENTH_MS)
    expect(await cache.lookup('s')).toMatchObject({ idleForMs: IDLE_MS })
  })

  test('costs at most one touch per tenth of its idle life', async () => {
    const { a, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'v')
    a.tier.link.resetCounts()
    await readings(() => a.cache.get('s'), { clock, forMs: 2 * IDLE_MS, everyMs: 50 })
    expect(a.tier.link.count('extend')).toBeLessThanOrEqual(20)
    expect(a.tier.link.count('extend')).toBeGreaterThanOrEqual(19)
  })

  test.each<[string, Pick<CacheOptions, 'l1'>, 'all' | 'l2']>([
    ['from L2, in a cache without memory', { l1: false }, 'all'],
    ["with tiers: 'l2'", {}, 'l2'],
    ['as a copy', { l1: { values: 'cloned' } }, 'all'],
  ])('%s costs no more', async (_how, options, tiers) => {
    const { a, clock } = await fleet({ ...SESSIONS, ...options })
    await a.cache.set('s', { v: 1 })
    a.tier.link.resetCounts()
    const read = async () => JSON.stringify(await a.cache.get('s', { tiers }))
    const seen = await readings(read, { clock, forMs: 2 * IDLE_MS, everyMs: 50 })
    expect(seen).toEqual(['{"v":1}'])
    expect(a.tier.link.count('extend')).toBeLessThanOrEqual(21)
  })

  test('by one process lives on for the others, whose own copies end', async () => {
    const { a, b, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'v')
    await b.cache.get('s')
    await readings(() => a.cache.get('s'), { clock, forMs: 3 * IDLE_MS })
    expect(b.cache.peek('s')).toBeUndefined()
    expect(await b.cache.lookup('s')).toMatchObject({ value: 'v', tier: 'l2' })
    await readings(() => b.cache.get('s'), { clock, forMs: 3 * IDLE_MS })
    expect(await a.cache.lookup('s')).toMatchObject({ value: 'v', tier: 'l2' })
  })

  test.each<[string, (cache: Cache) => Promise<unknown>]>([
    ['get', (cache) => cache.get('s')],
    ['getMany', async (cache) => (await cache.getMany(['s']))[0]],
    ['lookup', async (cache) => (await cache.lookup('s')).found],
    ['has', (cache) => cache.has('s')],
    ['getOrSet', (cache) => cache.getOrSet('s', () => 'loaded')],
    ['getOrSetMany', async (cache) => (await cache.getOrSetMany(['s'], () => ['loaded']))[0]],
    ['touch', (cache) => cache.touch('s')],
  ])('by %s lives on', async (_verb, read) => {
    const { a, b, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'v')
    const seen = await readings(() => read(b.cache), { clock, forMs: 3 * IDLE_MS, everyMs: 0.8 * IDLE_MS })
    expect(seen).toHaveLength(1)
    expect(await a.cache.get('s')).toBe('v')
  })

  test('is gone at the end of its ttl, in every tier', async () => {
    const { a, server, clock } = await fleet({ ttl: 2.5 * IDLE_MS, idleTtl: IDLE_MS })
    await a.cache.set('s', 'v')
    expect(await readings(() => a.cache.get('s'), { clock, forMs: 2.5 * IDLE_MS - 500 })).toEqual(['v'])
    await clock.advance(499)
    expect([a.cache.peek('s'), server.keys().includes('tiercache:s')]).toEqual(['v', true])
    await clock.advance(1)
    expect([a.cache.peek('s'), server.keys().includes('tiercache:s')]).toEqual([undefined, false])
  })

  test('lives on in a cache with memory alone', async () => {
    const { cache, clock } = l1Only(SESSIONS)
    await cache.set('s', 'v')
    expect(await readings(() => cache.get('s'), { clock, forMs: 10 * IDLE_MS })).toEqual(['v'])
    await clock.advance(IDLE_MS)
    expect(await cache.get('s')).toBeUndefined()
  })

  test('lives on if it was loaded', async () => {
    const { a, b, clock } = await fleet(SESSIONS)
    const load = vi.fn(() => 'v')
    await a.cache.getOrSet('s', load)
    expect(await readings(() => a.cache.getOrSet('s', load), { clock, forMs: 3 * IDLE_MS })).toEqual(['v'])
    expect(load).toHaveBeenCalledTimes(1)
    expect(await b.cache.get('s')).toBe('v')
  })

  test('lives on if it was saved in a source', async () => {
    const { a, b, clock } = await fleet()
    const load = vi.fn((_id: number) => 'loaded')
    const sourceOf = (cache: Cache) => cache.source('users', { ...SESSIONS, load, save: async () => undefined })
    const [users, others] = [sourceOf(a.cache), sourceOf(b.cache)]
    await users.save(1, 'v')
    expect(await readings(() => users.get(1), { clock, forMs: 3 * IDLE_MS })).toEqual(['v'])
    expect(await others.get(1)).toBe('v')
    expect(load).not.toHaveBeenCalled()
  })

  test('because its load is slow lives on', async () => {
    const { a, clock } = await fleet({
      ttl: 1_000,
      staleIfError: '1h',
      idleTtl: IDLE_MS,
      softTimeout: 50,
      hardTimeout: '1h',
    })
    await a.cache.set('s', 'v')
    await clock.advance(1_000)
    const gate = deferred<string>()
    const read = () => a.cache.getOrSet('s', () => gate.promise)
    for (let ms = 0; ms < 3 * IDLE_MS; ms += 0.5 * IDLE_MS) {
      const reading = read()
      await clock.advance(0.5 * IDLE_MS)
      expect(await reading).toBe('v')
    }
    gate.resolve('new')
    await settle()
    expect(await read()).toBe('new')
  })

  test('lives on by the options of the call that stored it, whatever those of its readers', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await a.cache.set('s', 'v', { idleTtl: IDLE_MS })
    expect(await readings(() => b.cache.get('s'), { clock, forMs: 3 * IDLE_MS })).toEqual(['v'])
    await clock.advance(IDLE_MS)
    expect([await a.cache.get('s'), await b.cache.get('s')]).toEqual([undefined, undefined])
  })
})

describe('a value that nobody reads', () => {
  test('is gone after one idle life: in the memory of every process, and in L2', async () => {
    const { a, b, server, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'v')
    await b.cache.get('s')
    const state = () => [a.cache.peek('s'), b.cache.peek('s'), server.keys().includes('tiercache:s')]
    await clock.advance(IDLE_MS - 1)
    expect(state()).toEqual(['v', 'v', true])
    await clock.advance(1)
    expect(state()).toEqual([undefined, undefined, false])
    expect(await a.cache.lookup('s')).toEqual({ found: false })
  })

  test('is not served stale, and not instead of a load that failed', async () => {
    const { a, clock } = await fleet({ ttl: 1_000, staleWhileRevalidate: '1h', staleIfError: '1h', idleTtl: IDLE_MS })
    await a.cache.set('s', 'v')
    await clock.advance(IDLE_MS)
    const failure = new Error('down')
    await expect(a.cache.getOrSet('s', () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await a.cache.getOrSet('s', () => 'new')).toBe('new')
  })

  test('is not renewed by peek or explain', async () => {
    const { a, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'v')
    await clock.advance(IDLE_MS - 1)
    a.cache.peek('s')
    expect(await a.cache.explain('s')).toMatchObject({ answeredBy: 'l1' })
    await clock.advance(1)
    expect(await a.cache.get('s')).toBeUndefined()
  })

  test('is gone alone: another one with the same tag, which is read, lives on until the tag is invalidated', async () => {
    const { a, b, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'v', { tags: ['t'] })
    await a.cache.set('other', 'v', { tags: ['t'] })
    expect(await readings(() => a.cache.get('s'), { clock, forMs: 3 * IDLE_MS })).toEqual(['v'])
    expect(await b.cache.getMany(['s', 'other'])).toEqual(['v', undefined])
    await b.cache.invalidateTags('t')
    await clock.advance(1)
    expect(await a.cache.get('s')).toBeUndefined()
  })
})

describe('a soft-expired value', () => {
  test.each([false, { first: '1s' }] as const)(
    'is served while loading fails and it is read, within staleIfError (pause after a failure: %o)',
    async (failureBackoff) => {
      const { a, clock } = await fleet({ ttl: '1h', staleIfError: 3 * IDLE_MS, idleTtl: IDLE_MS, failureBackoff })
      await a.cache.set('s', 'v')
      await a.cache.expire('s')
      const failure = new Error('down')
      const read = () => a.cache.getOrSet('s', () => Promise.reject(failure))
      expect(await readings(read, { clock, forMs: 3 * IDLE_MS - 500 })).toEqual(['v'])
      await clock.advance(500)
      await expect(read()).rejects.toBe(failure)
    },
  )

  test('that nobody reads is gone after one idle life', async () => {
    const { a, clock } = await fleet({ ttl: '1h', staleIfError: '1h', idleTtl: IDLE_MS })
    await a.cache.set('s', 'v')
    await a.cache.expire('s')
    await clock.advance(IDLE_MS)
    const failure = new Error('down')
    await expect(a.cache.getOrSet('s', () => Promise.reject(failure))).rejects.toBe(failure)
  })
})

describe('touch', () => {
  test('renews the idle life of one key or of many, and returns how many are alive', async () => {
    const { a, b, clock } = await fleet(SESSIONS)
    await a.cache.setMany(['x', 'y', 'z'].map((key) => [key, key]))
    await clock.advance(0.9 * IDLE_MS)
    expect(await a.cache.touch(['x', 'absent', 'x'])).toBe(1)
    expect(await b.cache.touch('y')).toBe(1)
    expect(await b.cache.touch([])).toBe(0)
    await clock.advance(0.9 * IDLE_MS)
    expect(await a.cache.getMany(['x', 'y', 'z'])).toEqual(['x', 'y', undefined])
    await clock.advance(IDLE_MS)
    expect(await a.cache.touch(['x', 'y', 'z'])).toBe(0)
  })

  test('is not a read, and leaves entries without an idle life as they are', async () => {
    const { a, clock } = await fleet()
    await a.cache.set('k', 1, { ttl: 1_000 })
    a.tier.link.resetCounts()
    expect(await a.cache.touch('k')).toBe(1)
    expect([a.cache.stats().reads.total, a.tier.link.count('extend')]).toEqual([0, 0])
    await clock.advance(1_000)
    expect(await a.cache.touch('k')).toBe(0)
  })

  test('renews the entry that has replaced the one in memory', async () => {
    const { a, b, clock } = await fleet(SESSIONS)
    await a.cache.set('s', 'old')
    a.tier.busLink.cut()
    await b.cache.set('s', 'new')
    await clock.advance(2 * TENTH_MS)
    expect(await a.cache.touch('s')).toBe(1)
    await clock.advance(IDLE_MS - TENTH_MS)
    expect(await b.cache.get('s', { tiers: 'l2' })).toBe('new')
    a.tier.busLink.restore()
  })

  test('is there for sources and takes a version', async () => {
    const { cache, clock } = l1Only(SESSIONS)
    const load = vi.fn((id: number) => id)
    const source = cache.source('s', { load })
    await source.getMany([1, 2])
    await cache.set('k', 1, { version: 2 })
    await clock.advance(0.9 * IDLE_MS)
    expect([await source.touch(1), await source.touch([1, 3]), await cache.touch('k', { version: 2 })]).toEqual([
      1, 1, 1,
    ])
    expect(await cache.touch('k')).toBe(0)
    await clock.advance(0.9 * IDLE_MS)
    await source.getMany([1, 2])
    expect(load.mock.calls.map(([id]) => id)).toEqual([1, 2, 2])
  })
})

test('explain says what is left of the idle life', async () => {
  const { a, clock } = await fleet({ ttl: 6 * IDLE_MS, idleTtl: IDLE_MS })
  await a.cache.set('s', 'v')
  await clock.advance(4_000)
  expect(await a.cache.explain('s')).toMatchObject({
    l1: { state: 'fresh', freshForMs: 6 * IDLE_MS - 4_000, idleForMs: 6_000 },
    why: expect.stringContaining('it is fresh for another 56 s, and is gone if it is not read for 6 s.'),
  })
  await clock.advance(6_000)
  expect(await a.cache.explain('s')).toMatchObject({
    l1: { state: 'expired', idleForMs: 0 },
    why: expect.stringContaining('L1 has an entry, but it was not read for its idleTtl.'),
  })
  await a.cache.set('k', 1, { idleTtl: FOREVER })
  expect((await a.cache.explain('k')).l1?.idleForMs).toBe(FOREVER)
})
