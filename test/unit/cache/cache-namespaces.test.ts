import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('a namespace', () => {
  test('keeps its keys apart from those of its parent, its siblings and its versions, and from keys that look like its own', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const caches = [
      cache,
      cache.namespace('a'),
      cache.namespace('b'),
      cache.namespace('a', { version: 2 }),
      cache.namespace('a').namespace('b'),
    ]
    const keys = ['k', '\0shop/a:k', 'shop/a:k', 'a:k']
    for (const [i, each] of caches.entries()) for (const key of keys) await each.set(key, `${i} ${key}`)
    for (const [i, each] of caches.entries()) {
      expect(await each.getMany(keys)).toEqual(keys.map((key) => `${i} ${key}`))
      for (const key of keys) expect(await each.getOrSet(key, () => 'loaded')).toBe(`${i} ${key}`)
    }
    expect(caches.map((each) => each.path)).toEqual(['shop', 'shop/a', 'shop/b', 'shop/a@2', 'shop/a/b'])
  })

  test('has its own defaults and inherits the others from its parent', async () => {
    const { cache, clock } = l1Only({ ttl: 100, staleWhileRevalidate: 100 })
    const short = cache.namespace('short', { ttl: 10 })
    const nested = short.namespace('nested', { staleWhileRevalidate: 0 })
    for (const each of [cache, short, nested]) await each.set('k', 1)
    await clock.advance(10)
    const states = async () => Promise.all([cache, short, nested].map(async (each) => (await each.lookup('k')).found))
    expect(await cache.lookup('k')).toMatchObject({ state: 'fresh' })
    expect(await short.lookup('k')).toMatchObject({ state: 'stale' })
    expect(await states()).toEqual([true, true, false])
    await clock.advance(100)
    expect(await states()).toEqual([true, false, false])
  })

  test('is cleared with its parent, and clears the namespaces nested in it', async () => {
    const { cache } = l1Only()
    const a = cache.namespace('a')
    const caches = [cache, a, a.namespace('x'), a.namespace('x', { version: 2 }), cache.namespace('b')]
    const has = () => Promise.all(caches.map((each) => each.has('k')))
    const fill = () => Promise.all(caches.map((each) => each.set('k', 1)))
    await fill()
    await a.clear()
    expect(await has()).toEqual([true, false, false, false, true])
    await fill()
    await cache.clear()
    expect(await has()).toEqual([false, false, false, false, false])
  })

  test('in one version can be cleared without the other, in every process', async () => {
    const { a, b, clock } = await fleet()
    const [one, two] = [1, 2].map((version) => a.cache.namespace('catalog', { version }))
    await Promise.all([one?.set('k', 'one'), two?.set('k', 'two')])
    const inB = [1, 2].map((version) => b.cache.namespace('catalog', { version }))
    expect(await Promise.all(inB.map((each) => each.get('k')))).toEqual(['one', 'two'])
    await one?.clear()
    await clock.advance(1)
    expect(await Promise.all(inB.map((each) => each.get('k')))).toEqual([undefined, 'two'])
  })

  test('shares the tags of the whole cache', async () => {
    const { cache } = l1Only()
    const a = cache.namespace('a')
    await cache.set('k', 1, { tags: ['t'] })
    await a.set('k', 2, { tags: ['t'] })
    await a.namespace('x').set('k', 3, { tags: ['u'] })
    await a.invalidateTags(['t'])
    expect([await cache.has('k'), await a.has('k'), await a.namespace('x').has('k')]).toEqual([false, false, true])
  })

  test('shares memory, events and close() with the cache', async () => {
    const { cache } = l1Only({ l1: { maxEntries: 2 } })
    const a = cache.namespace('a')
    const scopes: string[] = []
    cache.on('miss', ({ scope, key }) => scopes.push(`${scope} ${key}`))
    await a.get('k')
    expect(scopes).toEqual(['tiercache/a k'])
    await a.set('1', 1)
    await a.set('2', 2)
    await cache.set('3', 3)
    expect(a.stats().l1).toMatchObject({ entries: 2, evictions: 1 })
    await a.close()
    await expect(cache.get('3')).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('is apart for each version of the cache', async () => {
    const { a, server, clock } = await fleet({ name: 'shop', version: 7 })
    await a.cache.set('k', 1)
    expect(a.cache.path).toBe('shop@7')
    await clock.advance(1)
    expect(server.keys().filter((key) => key.endsWith(':k'))).toEqual(['shop@7:k'])
  })
})
