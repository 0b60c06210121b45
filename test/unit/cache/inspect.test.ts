// `inspect()`: what a process has and does at one moment.
import { deferred } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const NO_STATES = { fresh: 0, stale: 0, staleIfError: 0, expired: 0, invalidated: 0, unverified: 0 }

describe('inspect() of memory', () => {
  test('has the entries with their states, most recently used first', async () => {
    const { cache, clock } = l1Only({ name: 'shop', ttl: 1000, staleWhileRevalidate: 500, staleIfError: 5000 })
    await cache.set('old', 1)
    await clock.advance(1_200)
    await cache.namespace('users').set('1', 1, { tags: ['org:7'] })
    await cache.set('gone', 1, { tags: ['t'] })
    await cache.invalidateTags(['t'])
    const { l1 } = cache.inspect()
    expect(l1.states).toEqual({ ...NO_STATES, fresh: 1, stale: 1, invalidated: 1 })
    expect(l1).toMatchObject({ looked: 3, complete: true })
    expect(l1.entries).toEqual([
      { scope: 'shop', key: 'gone', state: 'invalidated', ageMs: 0, freshForMs: 1000, tags: ['t'] },
      { scope: 'shop/users', key: '1', state: 'fresh', ageMs: 0, freshForMs: 1000, tags: ['org:7'] },
      { scope: 'shop', key: 'old', state: 'stale', ageMs: 1200, freshForMs: 0, tags: [] },
    ])
  })

  test('looks at no more entries than it is told, and lists no more rows', async () => {
    const { cache } = l1Only()
    for (let i = 0; i < 10; i++) await cache.set(`k${i}`, i, { tags: [`t${i}`, 'all'] })
    const { l1 } = cache.inspect({ entries: 5, rows: 2 })
    expect(l1).toMatchObject({ looked: 5, complete: false, states: { fresh: 5 } })
    expect(l1.tags).toEqual([
      { tag: 'all', entries: 5 },
      { tag: 't9', entries: 1 },
    ])
    expect(l1.entries.map(({ key }) => key)).toEqual(['k9', 'k8'])
  })

  test('changes neither the order of use nor the counters', async () => {
    const { cache } = l1Only()
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ])
    const before = cache.stats()
    cache.inspect()
    expect(cache.inspect().l1.entries.map(({ key }) => key)).toEqual(['b', 'a'])
    expect(cache.stats()).toEqual(before)
  })

  test('of a namespace has what is in it and below it', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const users = cache.namespace('users')
    await cache.set('k', 1)
    await cache.namespace('users2').set('k', 1)
    await users.set('1', 1)
    await users.namespace('roles').set('2', 1)
    const { l1 } = users.inspect()
    expect(l1).toMatchObject({ looked: 2, complete: true })
    expect(l1.entries.map(({ scope }) => scope)).toEqual(['shop/users/roles', 'shop/users'])
  })

  test('shows keys and tags as the option eventKeys says', async () => {
    const { cache } = l1Only({ eventKeys: 'omitted' })
    await cache.set('secret', 1, { tags: ['person:7'] })
    expect(JSON.stringify(cache.inspect())).not.toMatch(/secret|person/)
  })

  test('refuses options that it does not know, and numbers that are none', () => {
    const { cache } = l1Only()
    expect(() => cache.inspect({ limit: 1 } as never)).toThrow(/inspect has no option "limit"/)
    expect(() => cache.inspect({ entries: -1 })).toThrow(/entries must be a whole number/)
  })
})

describe('inspect() of what is under way', () => {
  test('has the loads that run, and whether they are detached', async () => {
    const { cache, clock } = l1Only({ name: 'shop' })
    const value = deferred<number>()
    const loading = cache.getOrSet('k', () => value.promise)
    await clock.advance(250)
    const flight = { scope: 'shop', key: 'k', reason: 'miss', phase: 'loading', forMs: 250 }
    expect(cache.inspect().flights).toEqual([{ ...flight, detached: false }])
    await cache.delete('k')
    expect(cache.inspect().flights).toEqual([{ ...flight, detached: true }])
    value.resolve(1)
    await loading
    await cache.drain()
    expect(cache.inspect().flights).toEqual([])
  })

  test('tells a read of L2 from a load', async () => {
    const { a } = await fleet()
    const loading = a.cache.getOrSet('k', () => 1)
    expect(a.cache.inspect().flights).toMatchObject([{ key: 'k', phase: 'reading' }])
    expect(await loading).toBe(1)
    await a.cache.drain()
  })

  test('has the changes that wait for L2, by key, tag and scope', async () => {
    const { a, clock } = await fleet({ name: 'shop' })
    a.tier.cut()
    const users = a.cache.namespace('users')
    await users.set('1', 1)
    await a.cache.delete('k')
    await a.cache.invalidateTags(['org:7'])
    await a.cache.expireTags(['org:8'])
    await users.clear()
    await a.cache.expire('e')
    const waiting = [
      { verb: 'delete', scope: 'shop', key: 'k' },
      { verb: 'invalidateTags', scope: 'shop', tag: 'org:7' },
      { verb: 'expireTags', scope: 'shop', tag: 'org:8' },
      { verb: 'clear', scope: 'shop/users' },
      { verb: 'delete', scope: 'shop/users', key: '1' },
      { verb: 'expire', scope: 'shop', key: 'e' },
    ]
    const byText = (list: readonly unknown[]) => list.map((each) => JSON.stringify(each)).sort()
    expect(byText(a.cache.inspect().waiting)).toEqual(byText(waiting))
    expect(a.cache.inspect().waiting).toHaveLength(a.cache.health().detail.waiting)
    expect(
      users
        .inspect()
        .waiting.map(({ verb }) => verb)
        .sort(),
    ).toEqual(['clear', 'delete', 'expireTags', 'invalidateTags'])
    expect(a.cache.inspect({ rows: 2 }).waiting).toHaveLength(2)
    a.tier.restore()
    await clock.advance(20_000)
    expect(a.cache.inspect().waiting).toEqual([])
  })

  test('says for how long L1 is trusted', async () => {
    expect(l1Only().cache.inspect().trustedForMs).toBe(Number.POSITIVE_INFINITY)
    const { a, clock } = await fleet({ l1: { maxStaleness: 3_000 } })
    a.tier.busLink.cut()
    expect(a.cache.inspect().trustedForMs).toBeGreaterThan(0)
    await clock.advance(10_000)
    expect(a.cache.inspect().trustedForMs).toBe(0)
    a.tier.restore()
    await clock.advance(20_000)
  })
})
