import { settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const tagged = (id: number) => ({ tags: [`t:${id}`] })

describe('an afterCommit collector', () => {
  test('does nothing before its commit, and all its invalidations with it', async () => {
    const { cache } = l1Only({ staleIfError: '1h' })
    for (let id = 1; id <= 5; id++) await cache.set(`k${id}`, id, tagged(id))
    const users = cache.source('users', { load: (id: number) => `user ${id}` })
    await users.getMany([1, 2])
    const collector = cache
      .afterCommit()
      .delete('k1')
      .expire(['k2'])
      .invalidateTags('t:3')
      .expireTags(['t:4'])
      .invalidate(users, 1)
    expect([await cache.get('k1'), await cache.get('k4'), users.peek(1)]).toEqual([1, 4, 'user 1'])
    expect(await collector.commit()).toBe('applied')
    const states = await Promise.all([1, 2, 3, 4, 5].map((id) => cache.lookup(`k${id}`)))
    expect(states.map((lookup) => lookup.found && lookup.state)).toEqual([
      false,
      'staleIfError',
      false,
      'staleIfError',
      'fresh',
    ])
    expect([users.peek(1), users.peek(2)]).toEqual([undefined, 'user 2'])
  })

  test('wins over a load that began between the change and the commit', async () => {
    const { a, b, clock } = await fleet()
    let row = 'old'
    const collector = a.cache.afterCommit().delete('k')
    // Read committed: until the commit, the reader sees the old row.
    const reading = b.cache.getOrSet('k', () => row)
    await clock.advance(1)
    row = 'new'
    expect(await collector.commit()).toBe('applied')
    expect(await reading).toBe('old')
    await clock.advance(1)
    expect(await b.cache.getOrSet('k', () => row)).toBe('new')
    expect(await a.cache.getOrSet('k', () => row)).toBe('new')
    await clock.advance(1)
  })

  test('does nothing if it is dropped', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1)
    const collector = cache.afterCommit().delete('k').clear()
    collector.drop()
    await settle()
    expect(await cache.get('k')).toBe(1)
    expect(() => collector.commit()).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('may clear its cache or namespace', async () => {
    const { cache } = l1Only()
    const namespace = cache.namespace('n')
    await cache.set('k', 1)
    await namespace.set('k', 2)
    expect(await namespace.afterCommit().clear().commit()).toBe('applied')
    expect([await cache.get('k'), await namespace.get('k')]).toEqual([1, undefined])
  })

  test('may expire everything in its cache or namespace, unless it clears it as well', async () => {
    const { cache } = l1Only({ staleIfError: '1h' })
    const namespace = cache.namespace('n')
    const stateOf = async (each: typeof cache) => {
      const lookup = await each.lookup('k')
      return lookup.found && lookup.state
    }
    await cache.set('k', 1)
    await namespace.set('k', 2)
    const collector = namespace.afterCommit().expireAll()
    expect(await stateOf(namespace)).toBe('fresh')
    expect(await collector.commit()).toBe('applied')
    expect([await stateOf(cache), await stateOf(namespace)]).toEqual(['fresh', 'staleIfError'])
    await namespace.set('k', 3)
    expect(await namespace.afterCommit().expireAll().clear().commit()).toBe('applied')
    expect([await stateOf(cache), await stateOf(namespace)]).toEqual(['fresh', false])
  })

  test('sends all invalidations in one command', async () => {
    const { a, clock } = await fleet()
    await a.cache.set('tokens are known now', 1, tagged(1))
    await clock.advance(1)
    const users = a.cache.source('users', { load: (id: number) => id })
    a.tier.link.resetCounts()
    await a.cache.afterCommit().delete(['a', 'b']).invalidateTags(['t:1', 't:2']).invalidate(users, [1, 2, 3]).commit()
    expect(a.tier.link.count()).toBe(1)
  })

  test("returns 'queued' while L2 is unreachable, and the invalidation is not lost", async () => {
    const { a, b, clock } = await fleet()
    await b.cache.set('k', 'old')
    await clock.advance(1)
    a.tier.cut()
    const committing = a.cache.afterCommit().delete('k').commit()
    await clock.advance(1_000)
    expect(await committing).toBe('queued')
    a.tier.restore()
    await clock.advance(10_000)
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test("without invalidations returns 'applied' and publishes nothing", async () => {
    const { cache } = l1Only()
    const heard = vi.fn()
    cache.on('invalidated', heard)
    expect(await cache.afterCommit().invalidate({ invalidate: heard }, []).commit()).toBe('applied')
    expect(heard).not.toHaveBeenCalled()
  })

  test('commits once if it is committed twice, and collects nothing afterwards', async () => {
    const { cache } = l1Only()
    const collector = cache.afterCommit().delete('k')
    const first = collector.commit()
    expect(collector.commit()).toBe(first)
    await first
    collector.drop()
    expect(() => collector.delete('other')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('refuses wrong keys and tags when they are collected, not after the commit', async () => {
    const { cache } = l1Only()
    const collector = cache.afterCommit()
    for (const wrong of [1, null, [1], {}]) {
      expect(() => collector.delete(wrong as never)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
      expect(() => collector.invalidateTags(wrong as never)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
    }
    expect(await collector.commit()).toBe('applied')
  })

  test('takes calls of wrapped functions, each of them once, and lists in pages', async () => {
    const { cache } = l1Only()
    const loads = vi.fn(async (id: number, unit: string) => `${id} ${unit}`)
    const price = cache.wrap(loads, { name: 'price' })
    const list = cache.pages('list', {
      loadPage: (_cursor: number | undefined) => ({ items: [loads.mock.calls.length] }),
    })
    await Promise.all([price(1, 'EUR'), price(2, 'EUR'), list.page()])
    const collector = cache.afterCommit().invalidate(price, 1, 'EUR').invalidate(price, 1, 'EUR').invalidate(list)
    expect(price.peek(1, 'EUR')).toBe('1 EUR')
    expect(await collector.commit()).toBe('applied')
    expect([price.peek(1, 'EUR'), price.peek(2, 'EUR')]).toEqual([undefined, '2 EUR'])
    expect(cache.stats().invalidations).toBe(2)
  })

  test.each<[string, (collector: AnyCollector) => unknown]>([
    ['two keys', (collector) => collector.delete('a', 'b')],
    ['two keys that expire', (collector) => collector.expire('a', 'b')],
    ['two tags', (collector) => collector.invalidateTags('a', 'b')],
    ['two tags that expire', (collector) => collector.expireTags('a', 'b')],
    ['a key to clear', (collector) => collector.clear('a')],
    ['a key to expire with all', (collector) => collector.expireAll('a')],
    ['two ids of a source', (collector) => collector.invalidate({ invalidate: async () => 'applied' }, 1, 2)],
    ['no id of a source', (collector) => collector.invalidate({ invalidate: async () => 'applied' })],
    ['no source', (collector) => collector.invalidate('users', 1)],
  ])('refuses %s as arguments instead of ignoring one of them', async (_what, collect) => {
    const { cache } = l1Only()
    const collector = cache.afterCommit()
    expect(() => collect(collector as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(await collector.commit()).toBe('applied')
  })

  test('is refused by a closed cache', async () => {
    const { cache } = l1Only()
    const collector = cache.afterCommit().delete('k')
    await cache.close()
    await expect(collector.commit()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(() => cache.afterCommit()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})

/** What untyped code can call. */
type AnyCollector = Record<
  'delete' | 'expire' | 'invalidateTags' | 'expireTags' | 'clear' | 'expireAll' | 'invalidate',
  (...args: unknown[]) => unknown
>
