// `stats().byPath`: everything is counted at the path of its call, and a bounded number of paths is counted separately.
import { type Cache, type CacheStats, createCache } from 'tiercache'
import { deferred, FakeClock, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()
const down = () => Promise.reject(new Error('down'))

/** The counters of each path that are not 0, reads by their outcome: `{ shop: { 'hit l1': 1, writes: 1 } }`. */
function countedIn({ byPath }: Pick<CacheStats, 'byPath'>): Record<string, Record<string, number>> {
  const counted = Object.entries(byPath).map(([path, { reads, hitRatio: _ratio, ...others }]) => {
    const { total: _total, ...outcomes } = reads
    const flat = Object.entries({ ...outcomes, ...others }).flatMap(([name, count]): [string, number][] =>
      typeof count === 'number'
        ? [[name, count]]
        : [
            [`${name} l1`, count.l1],
            [`${name} l2`, count.l2],
          ],
    )
    return [path, Object.fromEntries(flat.filter(([, count]) => count !== 0))] as const
  })
  return Object.fromEntries(counted)
}

describe('the counters by path', () => {
  test('are those of the calls on the cache, a namespace, a version, a source, a wrapped function and a list', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const catalog = cache.namespace('catalog', { version: 3 })
    const users = cache.source('users', { load: async (id: number) => id })
    const double = cache.wrap(async (n: number) => n * 2, { name: 'double' })
    const list = cache.pages('list', { loadPage: (_cursor: number | undefined) => ({ items: [1] }) })
    await cache.set('k', 1)
    await cache.get('k')
    await catalog.getOrSet('k', () => 1)
    await catalog.getOrSet('k', () => 1)
    await catalog.getOrSet('k', () => 1, { version: 4 })
    await cache.getMany(['k', 'none'], { version: 4 })
    await users.getMany([1, 2])
    await users.invalidate(1)
    await double(1)
    await list.page()
    await list.invalidate()
    await catalog.getOrSet('bad', down).catch(() => undefined)
    expect(countedIn(cache.stats())).toEqual({
      shop: { 'hit l1': 1, writes: 1, stored: 1 },
      'shop/catalog@3': { loaded: 1, 'hit l1': 1, failed: 1, loads: 1, loadFailures: 1, stored: 1 },
      'shop/users': { loaded: 2, loads: 2, stored: 2, invalidations: 1 },
      'shop/double': { loaded: 1, loads: 1, stored: 1 },
      'shop/list': { loaded: 1, loads: 1, stored: 1, invalidations: 1 },
      'shop/catalog@3/@4': { loaded: 1, loads: 1, stored: 1 },
      'shop/@4': { absent: 2 },
    })
  })

  test('contain the time that loads took, also those that failed', async () => {
    const { cache, clock } = l1Only({ name: 'shop' })
    const slow = async (outcome: () => Promise<unknown>) => {
      await new Promise<void>((resolve) => void clock.after(40, resolve))
      return outcome()
    }
    const calls = [
      cache.getOrSet('k', () => slow(async () => 1)),
      cache
        .namespace('n')
        .getOrSet('k', () => slow(down))
        .catch(() => undefined),
    ]
    await clock.advance(40)
    await Promise.all(calls)
    expect(cache.stats()).toMatchObject({ loadMs: 80, byPath: { shop: { loadMs: 40 }, 'shop/n': { loadMs: 40 } } })
    expect(cache.stats().loading.latency.sumMs).toBe(80)
  })

  test('have the ratio of hits of each path', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.set('k', 1)
    await cache.get('k')
    await cache.namespace('n').get('k')
    const { hitRatio, byPath } = cache.stats()
    expect([hitRatio, byPath.shop?.hitRatio, byPath['shop/n']?.hitRatio]).toEqual([0.5, 1, 0])
  })

  test('count an announcement of another process once, at the path of the cache', async () => {
    const { a, b, clock } = await fleet({ name: 'shop' })
    await Promise.all([a.cache.namespace('n').delete('k'), a.cache.delete('k')])
    await clock.advance(1)
    expect(countedIn(a.cache.stats())).toEqual({ shop: { invalidations: 1 }, 'shop/n': { invalidations: 1 } })
    expect(countedIn(b.cache.stats())).toEqual({ shop: { invalidations: 1 } })
  })

  test('count an entry of L2 that cannot be used, and a value that cannot be kept', async () => {
    const { a, b, server, clock } = await fleet({ name: 'shop' })
    await a.cache.namespace('n').set('k', 1)
    server.corrupt('shop/n:k', (bytes) => bytes.subarray(0, 20))
    await b.cache.namespace('n').get('k')
    await b.cache.namespace('m').getOrSet('k', () => ({ f: () => 1 }))
    await clock.advance(1)
    expect(countedIn(b.cache.stats())).toMatchObject({
      'shop/n': { absent: 1, corrupt: 1 },
      'shop/m': { loaded: 1, storeFailures: 1 },
    })
  })

  test('count a loaded value that lost to an invalidation, of this process or of another one', async () => {
    const { a, b } = await fleet({ name: 'shop' })
    const users = a.cache.namespace('users')
    for (const process of [a, b]) {
      const loaded = deferred<number>()
      const reading = users.getOrSet('k', () => loaded.promise)
      await settle()
      await process.cache.namespace('users').delete('k')
      loaded.resolve(1)
      await reading
      await a.cache.drain()
    }
    expect(a.cache.stats().byPath['shop/users']?.fillsRefused).toBe(2)
  })

  test('are a copy that later calls do not change', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.set('k', 1)
    const before = cache.stats()
    await cache.get('k')
    expect(countedIn(before)).toEqual({ shop: { writes: 1, stored: 1 } })
  })

  test('of a namespace are its own and those below it; the totals are their sums, and the sizes those of the whole cache', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const catalog = cache.namespace('catalog')
    const nested = catalog.namespace('nested')
    const sibling = cache.namespace('catalog', { version: 2 })
    await Promise.all([cache, catalog, nested, sibling, cache.namespace('catalogs')].map((each) => each.set('k', 1)))
    await catalog.get('k')
    await nested.get('none')
    const stats = catalog.stats()
    expect(countedIn(stats)).toEqual({
      'shop/catalog': { 'hit l1': 1, writes: 1, stored: 1 },
      'shop/catalog/nested': { absent: 1, writes: 1, stored: 1 },
    })
    expect(stats).toMatchObject({ writes: 2, hits: { l1: 1 }, misses: 1, hitRatio: 0.5, l1: { entries: 5 } })
    expect(cache.stats()).toMatchObject({ writes: 5, hitRatio: 0.5 })
  })
})

describe('the number of paths', () => {
  const MAX = 100

  test('is bounded: those after the first hundred are counted together, and the totals stay the sums', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const namespaces = Array.from({ length: 150 }, (_, i) => cache.namespace(`n${i}`))
    for (const each of namespaces) await each.get('k')
    await cache.get('k', { version: 7 })
    const { byPath, reads } = cache.stats()
    expect(Object.keys(byPath)).toHaveLength(MAX + 1)
    expect(Object.keys(byPath).slice(-2)).toEqual(['shop/n98', 'other'])
    expect(byPath.other?.reads).toMatchObject({ absent: 52, total: 52 })
    expect(reads.total).toBe(151)
  })

  test('does not grow with namespaces or versions that are made again and again', async () => {
    const { cache } = l1Only({ name: 'shop' })
    for (let i = 0; i < 300; i++) {
      await cache.namespace('n').get('k')
      await cache.get('k', { version: i % 3 })
    }
    expect(Object.keys(cache.stats().byPath)).toEqual(['shop', 'shop/n', 'shop/@0', 'shop/@1', 'shop/@2'])
    expect(cache.stats().byPath['shop/@1']?.reads.total).toBe(100)
  })

  test('leaves a namespace that comes too late with the counters that it shares', async () => {
    const { cache } = l1Only({ name: 'shop' })
    for (let i = 0; i < MAX; i++) cache.namespace(`n${i}`)
    const late = cache.namespace('late')
    await late.get('k')
    await cache.namespace('later').get('k')
    expect(countedIn(late.stats())).toEqual({ other: { absent: 2 } })
    expect(countedIn(cache.namespace('n3').stats())).toEqual({ 'shop/n3': {} })
  })

  test('is not exceeded in a cache that is itself named other', async () => {
    const cache = createCache({ name: 'other', clock: new FakeClock(), l1: { maxEntries: 10 } })
    for (let i = 0; i < 150; i++) await cache.namespace(`n${i}`).get('k')
    await cache.get('k')
    const { byPath, reads } = cache.stats()
    expect(Object.keys(byPath)).toHaveLength(MAX)
    expect([byPath.other?.reads.total, reads.total]).toEqual([52, 151])
    await cache.close()
  })

  test('allows a cache with the name of a property that every object has', async () => {
    const cache = createCache({ name: '__proto__', clock: new FakeClock(), l1: { maxEntries: 10 } })
    await cache.get('k')
    expect(Object.keys(cache.stats().byPath)).toEqual(['__proto__'])
    await cache.close()
  })
})

describe('a caller that joins a load is counted as joined', () => {
  /** Calls `read` three times while one load runs, and returns the outcomes. */
  async function outcomesOf(cache: Cache, read: (load: () => Promise<number>) => Promise<unknown>) {
    const gate = deferred<number>()
    const callers = [1, 2, 3].map(() => read(() => gate.promise))
    await settle()
    gate.resolve(1)
    await Promise.all(callers)
    await settle()
    const { loaded, joined, total } = cache.stats().reads
    return { loaded, joined, total }
  }

  test('of a source', async () => {
    const { cache } = l1Only()
    let load: () => Promise<number> = async () => 0
    const users = cache.source('users', { load: (_id: number) => load() })
    const counted = await outcomesOf(cache, (own) => {
      load = own
      return users.get(1)
    })
    expect(counted).toEqual({ loaded: 1, joined: 2, total: 3 })
  })

  test('of a source that loads batches, by get and by getMany', async () => {
    const { cache } = l1Only()
    const gate = deferred<void>()
    const users = cache.source('users', {
      loadMany: async (ids: readonly number[]) => {
        await gate.promise
        return ids
      },
    })
    const callers = [users.get(1), users.getMany([1, 2]), users.get(2)]
    await settle()
    callers.push(users.getMany([1, 2]))
    gate.resolve()
    await Promise.all(callers)
    expect(countedIn(cache.stats())['tiercache/users']).toMatchObject({ loaded: 2, joined: 4, loads: 2 })
  })

  test('of getOrSetMany, by another one and by a single get', async () => {
    const { cache } = l1Only()
    const gate = deferred<void>()
    const loadMany = async (keys: readonly string[]) => {
      await gate.promise
      return keys
    }
    const callers: Promise<unknown>[] = [
      cache.getOrSetMany(['a', 'b'], loadMany),
      cache.getOrSetMany(['b', 'c'], loadMany),
      cache.getOrSet('a', () => 'alone'),
    ]
    await settle()
    gate.resolve()
    await Promise.all(callers)
    expect(countedIn(cache.stats()).tiercache).toMatchObject({ loaded: 3, joined: 2, loads: 3 })
  })

  test('of a wrapped function, and of a list in pages', async () => {
    const { cache } = l1Only()
    let load: () => Promise<number> = async () => 0
    const double = cache.wrap(async (_n: number) => load(), { name: 'double' })
    expect(
      await outcomesOf(cache, (own) => {
        load = own
        return double(1)
      }),
    ).toEqual({ loaded: 1, joined: 2, total: 3 })
    const gate = deferred<void>()
    const list = cache.pages('list', {
      loadPage: async (_cursor: number | undefined) => {
        await gate.promise
        return { items: [1] }
      },
    })
    const readers = [list.page(), list.page()]
    gate.resolve()
    await Promise.all(readers)
    expect(countedIn(cache.stats())['tiercache/list']).toMatchObject({ loaded: 1, joined: 1 })
  })

  test('of a refresh, which is a load and no read', async () => {
    const { cache } = l1Only()
    const gate = deferred<number>()
    const users = cache.source('users', { load: (_id: number) => gate.promise })
    const callers = [users.refresh(1), users.refresh(1), users.get(1)]
    await settle()
    gate.resolve(1)
    await Promise.all(callers)
    expect(countedIn(cache.stats())['tiercache/users']).toMatchObject({ joined: 1, loads: 1 })
    expect(cache.stats().reads.total).toBe(1)
  })

  test('of the background refresh of a stale value', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 10 })
    await cache.set('k', 'old')
    await clock.advance(10)
    const gate = deferred<string>()
    expect(await cache.getOrSet('k', () => gate.promise)).toBe('old')
    await clock.advance(10)
    const caller = cache.getOrSet('k', () => 'own')
    gate.resolve('new')
    expect(await caller).toBe('new')
    expect(countedIn(cache.stats()).tiercache).toMatchObject({ 'stale l1': 1, joined: 1, loads: 1 })
  })

  test('at the path of its own version of the key, not at that of another', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const gate = deferred<number>()
    const callers = [{ version: 1 }, { version: 1 }, { version: 2 }, {}].map((options) =>
      cache.getOrSet('k', () => gate.promise, options),
    )
    await settle()
    gate.resolve(1)
    await Promise.all(callers)
    expect(countedIn(cache.stats())).toMatchObject({
      shop: { loaded: 1 },
      'shop/@1': { loaded: 1, joined: 1 },
      'shop/@2': { loaded: 1 },
    })
  })
})
