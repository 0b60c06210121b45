// Every read counts once, with exactly one outcome, and emits one event.
import type { Cache, CacheEvents, CacheStats } from 'tiercache'
import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet, open } = leavesNothing()

const READ_EVENTS = ['hit', 'joined', 'miss', 'servedStale'] as const
const down = () => Promise.reject(new Error('down'))
const never = () => new Promise<never>(() => undefined)

/** The outcomes that are not 0, such as `{ 'hit l1': 2, loaded: 1 }`. */
function outcomesOf(stats: CacheStats): Record<string, number> {
  const { total, ...reads } = stats.reads
  const flat = Object.entries(reads).flatMap(([result, count]): [string, number][] =>
    typeof count === 'number'
      ? [[result, count]]
      : [
          [`${result} l1`, count.l1],
          [`${result} l2`, count.l2],
        ],
  )
  expect(flat.reduce((sum, [, count]) => sum + count, 0)).toBe(total)
  return Object.fromEntries(flat.filter(([, count]) => count > 0))
}

/** By what `work` increases the outcomes, and the read events that it emits. */
async function whatCounts(cache: Cache, work: () => unknown) {
  const before = outcomesOf(cache.stats())
  const events = record<CacheEvents>(cache, READ_EVENTS)
  await work()
  events.stop()
  const after = Object.entries(outcomesOf(cache.stats())).map(([name, count]) => [name, count - (before[name] ?? 0)])
  return { outcomes: Object.fromEntries(after.filter(([, count]) => count !== 0)), events: events.names() }
}

describe('with memory alone', () => {
  test('a load is one outcome, and so are a hit and a miss of a read that never loads', async () => {
    const { cache } = l1Only()
    const counted = await whatCounts(cache, async () => {
      await cache.getOrSet('k', () => 1)
      await cache.getOrSet('k', () => 1)
      await cache.get('k')
      await cache.get('none')
      await cache.lookup('none')
    })
    expect(counted).toEqual({
      outcomes: { loaded: 1, 'hit l1': 2, absent: 2 },
      events: ['miss', 'hit', 'hit', 'miss', 'miss'],
    })
    expect(cache.stats()).toMatchObject({ hits: { l1: 2, l2: 0 }, misses: 3, staleServed: 0, hitRatio: 2 / 5 })
  })

  test('of the callers of one load the first counts as loaded, the others as joined', async () => {
    const { cache } = l1Only()
    const gate = deferred<number>()
    const counted = await whatCounts(cache, async () => {
      const callers = [1, 2, 3].map(() => cache.getOrSet('k', () => gate.promise))
      gate.resolve(1)
      await Promise.all(callers)
    })
    expect(counted).toEqual({ outcomes: { loaded: 1, joined: 2 }, events: ['miss', 'joined', 'joined'] })
    expect(cache.stats()).toMatchObject({ loads: 1, misses: 1, hitRatio: 0 })
  })

  test('a load that fails is a failed read of each caller that waited for it', async () => {
    const { cache } = l1Only()
    const counted = await whatCounts(cache, () =>
      Promise.allSettled([cache.getOrSet('k', down), cache.getOrSet('k', down)]),
    )
    expect(counted).toEqual({ outcomes: { failed: 2 }, events: ['miss', 'miss'] })
  })

  test('a stale value served while a refresh runs is one stale read and one event', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 100 })
    await cache.set('k', 1)
    await clock.advance(10)
    const counted = await whatCounts(cache, async () => {
      await cache.getOrSet('k', () => 2)
      await settle()
    })
    expect(counted).toEqual({ outcomes: { 'stale l1': 1 }, events: ['servedStale'] })
    expect(cache.stats()).toMatchObject({ hits: { l1: 0 }, misses: 0, staleServed: 1, loads: 1, hitRatio: 1 })
  })

  test('a stale value served because a load failed is one read of staleIfError, also during the pause after it', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleIfError: 100_000 })
    await cache.set('k', 1)
    await clock.advance(10)
    const counted = await whatCounts(cache, async () => {
      await Promise.all([cache.getOrSet('k', down), cache.getOrSet('k', down)])
      await cache.getOrSet('k', down)
    })
    expect(counted).toEqual({
      outcomes: { 'staleIfError l1': 3 },
      events: ['servedStale', 'servedStale', 'servedStale'],
    })
    expect(cache.stats()).toMatchObject({ misses: 0, staleServed: 3, hitRatio: 0 })
  })

  test('with softTimeout the read ends with the stale value, and the load that goes on counts no second read', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleIfError: 100_000, softTimeout: 50 })
    await cache.set('k', 1)
    await clock.advance(10)
    const gate = deferred<number>()
    const counted = await whatCounts(cache, async () => {
      const caller = cache.getOrSet('k', () => gate.promise)
      await clock.advance(50)
      expect(await caller).toBe(1)
      gate.resolve(2)
      await settle()
    })
    expect(counted).toEqual({ outcomes: { 'staleIfSlow l1': 1 }, events: ['servedStale'] })
  })

  test('a hardTimeout counts once, of the load and of a caller that joined it with a shorter one', async () => {
    const { cache, clock } = l1Only()
    const counted = await whatCounts(cache, async () => {
      const slow = cache.getOrSet('k', never, { hardTimeout: 100 }).catch(() => undefined)
      const hasty = cache.getOrSet('k', never, { hardTimeout: 20 }).catch(() => undefined)
      await clock.advance(100)
      await Promise.all([slow, hasty])
    })
    expect(counted).toEqual({ outcomes: { timedOut: 2 }, events: ['miss', 'miss'] })
  })

  test('a caller that leaves is an aborted read and the others are not, and a call with an aborted signal is one too', async () => {
    const { cache } = l1Only()
    const gate = deferred<number>()
    const leaving = new AbortController()
    const counted = await whatCounts(cache, async () => {
      const left = cache.getOrSet('k', () => gate.promise, { signal: leaving.signal }).catch(() => undefined)
      const stayed = cache.getOrSet('k', () => gate.promise)
      leaving.abort()
      gate.resolve(1)
      await Promise.all([left, stayed])
      const { signal } = leaving
      await cache.getOrSet('other', () => 1, { signal }).catch(() => undefined)
      await cache.get('other', { signal }).catch(() => undefined)
      await cache.getMany(['other', 'one more'], { signal }).catch(() => undefined)
    })
    expect(counted).toEqual({ outcomes: { aborted: 5, joined: 1 }, events: ['joined'] })
    expect(cache.stats().hitRatio).toBe(0)
  })

  test('the last caller that leaves ends the load and is its one aborted read', async () => {
    const { cache } = l1Only()
    const leaving = new AbortController()
    const counted = await whatCounts(cache, async () => {
      const left = cache.getOrSet('k', never, { signal: leaving.signal }).catch(() => undefined)
      await settle()
      leaving.abort()
      await left
    })
    expect(counted).toEqual({ outcomes: { aborted: 1 }, events: [] })
  })

  test('a read that close() ended is a failed read, and a call after it is not a read', async () => {
    const { cache, clock } = l1Only({ closeTimeout: 10 })
    const counted = await whatCounts(cache, async () => {
      const caller = cache.getOrSet('k', never).catch(() => undefined)
      await settle()
      const closing = cache.close()
      await clock.advance(20)
      await Promise.all([closing, caller])
      await cache.getOrSet('k', () => 1).catch(() => undefined)
      await cache.get('k').catch(() => undefined)
    })
    expect(counted).toEqual({ outcomes: { failed: 1 }, events: ['miss'] })
  })

  test.each([
    ['peek', (cache: Cache) => cache.peek('k')],
    ['has', (cache: Cache) => cache.has('k')],
    ['explain', (cache: Cache) => cache.explain('k')],
    ['a refresh of a source', (cache: Cache) => cache.source('s', { load: () => 1 }).refresh(1)],
    ['a call with a key that is none', (cache: Cache) => cache.getOrSet(1 as never, () => 1).catch(() => undefined)],
    ['a call without a loader', (cache: Cache) => cache.getOrSet('none', 1 as never).catch(() => undefined)],
  ])('%s is not a read', async (_, call) => {
    const { cache } = l1Only()
    await cache.set('k', 1)
    expect(await whatCounts(cache, () => call(cache))).toEqual({ outcomes: {}, events: [] })
  })

  test('reads of many keys count each key, and a key given twice to getOrSetMany counts once', async () => {
    const { cache } = l1Only()
    await cache.set('a', 1)
    const counted = await whatCounts(cache, async () => {
      await cache.getMany(['a', 'none', 'a'])
      await cache
        .getOrSetMany(['a', 'b', 'b', 'bad'], (keys) => keys.map((key) => (key === 'bad' ? new Error('no') : 2)))
        .catch(() => undefined)
    })
    expect(counted.outcomes).toEqual({ 'hit l1': 3, absent: 1, loaded: 1, failed: 1 })
  })

  test('reads through a source, in a request scope and of a queued change count like any read', async () => {
    const { cache } = l1Only()
    const source = cache.source('users', { load: (id: number) => id, save: () => undefined, write: 'behind' })
    const counted = await whatCounts(cache, async () => {
      await source.get(1)
      await source.getMany([1, 1, 2])
      await cache.requestScope(async () => {
        await source.get(1)
        await source.get(1)
      })
      await source.save(3, 4)
      expect(await source.get(3)).toBe(4)
    })
    expect(counted.outcomes).toEqual({ loaded: 2, 'hit l1': 4 })
    await cache.close()
  })
})

describe('with an L2', () => {
  test('a hit in L2, a caller that joins the read of it, and a stale entry in L2 are one read each', async () => {
    const { a, b, clock } = await fleet({ ttl: 10, staleWhileRevalidate: 1000 })
    await a.cache.set('k', 1)
    const fresh = await whatCounts(b.cache, () => Promise.all([1, 2].map(() => b.cache.getOrSet('k', () => 2))))
    expect(fresh).toEqual({ outcomes: { 'hit l2': 1, joined: 1 }, events: ['hit', 'joined'] })
    await a.cache.set('j', 1)
    await clock.advance(10)
    const stale = await whatCounts(b.cache, async () => {
      await Promise.all([1, 2].map(() => b.cache.getOrSet('j', () => 2)))
      await clock.advance(5)
    })
    expect(stale).toEqual({ outcomes: { 'stale l2': 2 }, events: ['servedStale', 'servedStale'] })
  })

  test('a stale value in memory that is refreshed through L2 is one stale read', async () => {
    const { a, clock } = await fleet({ ttl: 10, staleWhileRevalidate: 1000 })
    await a.cache.set('k', 1)
    await clock.advance(10)
    const counted = await whatCounts(a.cache, async () => {
      expect(await a.cache.getOrSet('k', () => 2)).toBe(1)
      await clock.advance(10)
    })
    expect(counted).toEqual({ outcomes: { 'stale l1': 1 }, events: ['servedStale'] })
  })

  test('an entry of L2 served because a load failed is one read of staleIfError', async () => {
    const { a, b, clock } = await fleet({ ttl: 10, staleIfError: 100_000 })
    await a.cache.set('k', 1)
    await clock.advance(10)
    const counted = await whatCounts(b.cache, () => b.cache.getOrSet('k', down))
    expect(counted).toEqual({ outcomes: { 'staleIfError l2': 1 }, events: ['servedStale'] })
  })
})

describe('what happened to a loaded value', () => {
  const told = (cache: Cache) => record<CacheEvents>(cache, ['loaded', 'stored', 'storeFailed'])

  test.each([
    ['stays in memory', {}, () => 1, { kept: true }, 'l1'],
    ['was skipped', {}, (ctx: { skip(): void }) => ctx.skip(), { kept: false, notKept: 'skipped' }, undefined],
    ['has no ttl', { ttl: 0 }, () => 1, { kept: false, notKept: 'ttlIsZero' }, undefined],
    ['has no tier to stay in', { l1Ttl: 0 }, () => 1, { kept: false, notKept: 'unavailable' }, undefined],
    ['is too large', {}, () => 'x'.repeat(10_000), { kept: false, notKept: 'unavailable' }, undefined],
  ])('is reported without an L2, when it %s', async (_, options, load, loaded, tiers) => {
    const { cache } = l1Only({ l1: { maxEntryBytes: 1000 } })
    const events = told(cache)
    await cache.getOrSet('k', load as () => unknown, options)
    expect(events.of('loaded')).toMatchObject([loaded])
    expect(events.of('stored')).toEqual(tiers === undefined ? [] : [{ scope: 'tiercache', key: 'k', tiers }])
    expect(cache.peek('k') !== undefined).toBe(loaded.kept)
  })

  test('is reported with an L2: stored in both tiers, in one, or in none if L2 refuses it', async () => {
    const { a } = await fleet()
    const events = told(a.cache)
    await a.cache.getOrSet('both', () => 1)
    await a.cache.drain()
    await a.cache.getOrSet('far', () => 1, { l1Ttl: 0 })
    await a.cache.drain()
    await a.cache.getOrSet('near', () => 1, { tiers: 'l1' })
    await a.cache.getOrSet('refused', () => ({ f: () => 1 }))
    await a.cache.drain()
    expect(events.of('stored').map(({ key, tiers }) => [key, tiers])).toEqual([
      ['both', 'all'],
      ['far', 'l2'],
      ['near', 'l1'],
    ])
    expect(events.of('loaded').map(({ key, kept, notKept }) => [key, kept, notKept])).toEqual([
      ['both', true, undefined],
      ['far', true, undefined],
      ['near', true, undefined],
      ['refused', false, 'unsupported'],
    ])
    expect(events.of('storeFailed')).toHaveLength(1)
    expect(a.cache.stats()).toMatchObject({ loads: 4, stored: 3, storeFailures: 1 })
  })

  test('is reported as stored in no tier if an invalidation came before the fill', async () => {
    const { a, b, clock } = await fleet()
    const events = told(a.cache)
    const gate = deferred<number>()
    const caller = a.cache.getOrSet('k', () => gate.promise)
    await clock.advance(1)
    await b.cache.delete('k')
    gate.resolve(1)
    await caller
    await a.cache.drain()
    expect(events.of('loaded')).toMatchObject([{ kept: false, notKept: 'overtaken' }])
    expect(events.of('stored')).toEqual([])
  })

  test('is reported also for a value of set(), with its tiers', async () => {
    const { cache } = l1Only()
    const { a, clock } = await fleet()
    const here = told(cache)
    const there = told(a.cache)
    await cache.set('k', 1)
    await a.cache.set('k', 1)
    a.tier.cut()
    expect(await a.cache.set('k', 2)).toBe('queued')
    expect([...here.of('stored'), ...there.of('stored')].map(({ tiers }) => tiers)).toEqual(['l1', 'all', 'l1'])
    a.tier.restore()
    await clock.advance(20_000)
  })
})

describe('the path that an event names', () => {
  test('is that of the entry, under a namespace or a version, for eviction, read, write and delete', async () => {
    const { cache } = l1Only({ name: 'shop', l1: { maxEntries: 1 } })
    const events = record<CacheEvents>(cache, ['evicted', 'hit', 'stored', 'invalidated', 'miss'])
    const users = cache.namespace('users', { version: 3 })
    await users.set('1', 'ann')
    await users.get('1')
    await cache.set('2', 'bob', { version: 4 })
    await cache.get('2', { version: 4 })
    await cache.delete('2', { version: 4 })
    await cache.get('2', { version: 4 })
    expect(events.events.map(({ event, detail }) => [event, 'scope' in detail && detail.scope])).toEqual([
      ['invalidated', 'shop/users@3'],
      ['stored', 'shop/users@3'],
      ['hit', 'shop/users@3'],
      ['evicted', 'shop/users@3'],
      ['invalidated', 'shop/@4'],
      ['stored', 'shop/@4'],
      ['hit', 'shop/@4'],
      ['invalidated', 'shop/@4'],
      ['miss', 'shop/@4'],
    ])
  })

  test('is the same in the event of another process, which names the verb too', async () => {
    const { a, b, clock } = await fleet({ name: 'shop' })
    const users = a.cache.namespace('users', { version: 3 })
    const events = record<CacheEvents>(b.cache, ['invalidated'])
    const sender = expect.stringMatching(/^[\w-]{12}$/)
    await a.cache.set('1', 1)
    await users.delete('2')
    await users.expire('3')
    await a.cache.invalidateTags('red')
    await a.cache.expireTags('blue')
    await users.clear()
    await users.expireAll()
    await users.deleteByPrefix('x')
    await clock.advance(5)
    expect(events.of('invalidated')).toEqual([
      { by: 'unknown', origin: 'remote', sender, scope: 'shop', keys: ['1'], tags: [] },
      { by: 'unknown', origin: 'remote', sender, scope: 'shop/users@3', keys: ['2'], tags: [] },
      { by: 'expire', origin: 'remote', sender, scope: 'shop/users@3', keys: ['3'], tags: [] },
      { by: 'invalidateTags', origin: 'remote', sender, scope: 'shop', keys: [], tags: ['red'] },
      { by: 'expireTags', origin: 'remote', sender, scope: 'shop', keys: [], tags: ['blue'] },
      { by: 'clear', origin: 'remote', sender, scope: 'shop/users@3', keys: [], tags: [] },
      { by: 'expireAll', origin: 'remote', sender, scope: 'shop/users@3', keys: [], tags: [] },
      { by: 'deleteByPrefix', origin: 'remote', sender, scope: 'shop/users@3', keys: [], tags: [] },
    ])
  })
})

test('a cache without L1 counts its reads too', async () => {
  const { clock } = l1Only()
  const cache = open(clock, { l1: false })
  const counted = await whatCounts(cache, () => Promise.all([1, 2].map(() => cache.getOrSet('k', () => 1))))
  expect(counted.outcomes).toEqual({ loaded: 1, joined: 1 })
})
