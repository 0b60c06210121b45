import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('explain', () => {
  test('reports that nothing is cached and that the loader would run', async () => {
    const { cache } = l1Only({ name: 'shop' })
    expect(await cache.explain('k')).toEqual({
      ...{ key: 'k', scope: 'shop', storeKey: 'shop:k', answeredBy: 'loader', l1: undefined, l2: { state: 'none' } },
      why: 'The loader is called. L1 has no entry. There is no L2.',
      ...{ breaker: 'closed', isQueued: false, isLoading: false, isTrusted: true },
    })
  })

  test('reports what is left of each window in both tiers, and which tier a read would use', async () => {
    const { a, clock } = await fleet({ name: 'shop', ttl: 1000, staleWhileRevalidate: 500, staleIfError: 5000 })
    const orders = a.cache.namespace('orders', { version: 3 })
    await orders.set('k', 1, { l1Ttl: 300, tags: ['t'] })
    await clock.advance(100)
    const named = {
      tags: [{ tag: 't', currency: 'current' }],
      scopes: [
        { scope: 'shop', currency: 'current' },
        { scope: 'shop/orders@3', currency: 'current' },
      ],
    }
    const inL2 = { ageMs: 100, freshForMs: 900, staleForMs: 1400, usableForMs: 5900 }
    expect(await orders.explain('k')).toMatchObject({
      ...{ scope: 'shop/orders@3', storeKey: 'shop/orders@3:k', answeredBy: 'l1' },
      l1: { state: 'fresh', ageMs: 100, freshForMs: 200, staleForMs: 200, usableForMs: 200, ...named },
      l2: { state: 'entry', entry: { state: 'fresh', ...inL2, ...named } },
    })
    await clock.advance(200)
    expect(await orders.explain('k')).toMatchObject({ answeredBy: 'l2', l1: { state: 'expired' } })
    await clock.advance(700)
    expect(await orders.explain('k')).toMatchObject({
      answeredBy: 'l2',
      l2: { entry: { state: 'stale', freshForMs: 0 } },
    })
    await clock.advance(500)
    expect(await orders.explain('k')).toMatchObject({ answeredBy: 'loader', l2: { entry: { state: 'staleIfError' } } })
  })

  test('reports which tag is no longer current', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1, { tags: ['a', 'b'] })
    await cache.invalidateTags(['a'])
    const { l1, answeredBy } = await cache.explain('k')
    expect(answeredBy).toBe('loader')
    expect(l1?.tags).toEqual([
      { tag: 'a', currency: 'unknown' },
      { tag: 'b', currency: 'current' },
    ])
  })

  test('reports whether a load runs: none, one in this process, or one of a lease holder elsewhere', async () => {
    const { a, b, clock } = await fleet()
    expect((await a.cache.explain('k')).l2).toEqual({ state: 'absent' })
    const gate = deferred<number>()
    const caller = a.cache.getOrSet('k', () => gate.promise)
    await clock.advance(1)
    expect(await a.cache.explain('k')).toMatchObject({ isLoading: true, answeredBy: 'flight', l2: { state: 'leased' } })
    expect(await b.cache.explain('k')).toMatchObject({
      isLoading: false,
      answeredBy: 'loader',
      l2: { state: 'leased' },
    })
    gate.resolve(1)
    await caller
  })

  test('reports that L2 is unreachable, that a change waits for it, and that the bus is silent', async () => {
    const { a, clock } = await fleet()
    a.tier.cut()
    expect(await a.cache.set('k', 1)).toBe('queued')
    await clock.advance(4000)
    expect(await a.cache.explain('k')).toMatchObject({
      ...{ breaker: 'open', isQueued: true, isTrusted: false, l2: { state: 'unavailable' } },
    })
    a.tier.restore()
    await clock.advance(20_000)
    expect(await a.cache.explain('k')).toMatchObject({ breaker: 'closed', isQueued: false, isTrusted: true })
  })

  test('reports anything under the key that is not an entry of this key', async () => {
    const { a, server } = await fleet()
    await a.cache.set('k', 1, { l1Ttl: 0 })
    server.corrupt('tiercache:k', (bytes) => bytes.subarray(0, 20))
    expect((await a.cache.explain('k')).l2).toEqual({ state: 'unusable' })
  })

  test('changes neither counters, nor recency, nor L2', async () => {
    const { a, server } = await fleet({ l1: { maxEntries: 2 } })
    await a.cache.set('old', 1)
    await a.cache.set('new', 2)
    const { l2: _before, ...before } = a.cache.stats()
    await a.cache.explain('old')
    await a.cache.explain('none')
    await settle()
    const { l2: _after, ...after } = a.cache.stats()
    expect({ ...after, l2Operations: 0 }).toEqual({ ...before, l2Operations: 0 })
    expect(
      server
        .keys()
        .filter((key) => key.startsWith('tiercache:'))
        .sort(),
    ).toEqual(['tiercache:new', 'tiercache:old'])
    await a.cache.set('newest', 3)
    expect([a.cache.peek('old'), a.cache.peek('new')]).toEqual([undefined, 2])
  })
})

type Fleet = Awaited<ReturnType<typeof fleet>>
const down = () => Promise.reject(new Error('the database is down'))

/** What is done, and what explain() of a then says about the key `k`. `<b>` stands for the name of the other process. */
const STORIES: readonly [name: string, act: (world: Fleet) => unknown, why: string][] = [
  ['nothing was ever stored', () => undefined, 'The loader is called. L1 has no entry. L2 has no entry.'],
  ['memory has it', ({ a }) => a.cache.set('k', 1), 'L1 serves it: it is fresh for another 1 s.'],
  [
    'it is kept without an end',
    ({ a }) => a.cache.set('k', 1, { ttl: Number.POSITIVE_INFINITY }),
    'L1 serves it: it is fresh for ever.',
  ],
  [
    'it is stale',
    async ({ a, clock }) => {
      await a.cache.set('k', 1)
      await clock.advance(1000)
    },
    'L1 serves it: it is stale, and is served for another 500 ms while one refresh runs.',
  ],
  ['only L2 has it', ({ b }) => b.cache.set('k', 1), 'L2 serves it: it is fresh for another 1 s. L1 has no entry.'],
  [
    'it was deleted here',
    async ({ a, clock }) => {
      await a.cache.set('k', 1)
      await a.cache.delete('k')
      await clock.advance(2000)
    },
    'The loader is called. L1 has no entry. L2 has no entry. The key was deleted 2 s ago by this process (delete).',
  ],
  [
    'it was deleted elsewhere',
    async ({ a, b, clock }) => {
      await a.cache.set('k', 1)
      await b.cache.delete('k')
      await clock.advance(100)
    },
    'The loader is called. L1 has no entry. L2 has no entry. ' +
      'The key was deleted or overwritten 100 ms ago by another process (<b>) (set or delete).',
  ],
  [
    'a tag of it was invalidated here',
    async ({ a, clock }) => {
      await a.cache.set('k', 1, { tags: ['red', 'blue'] })
      await a.cache.invalidateTags('red')
      await clock.advance(200)
    },
    'The loader is called. L1 has an entry, but one of its tags or scopes is not current. ' +
      'L2 has an entry that must not be served: it is expired, invalidated or damaged. ' +
      'Its tag "red" was invalidated 200 ms ago by this process (invalidateTags).',
  ],
  [
    'a tag of it was expired elsewhere',
    async ({ a, b, clock }) => {
      await a.cache.set('k', 1, { tags: ['red'], staleIfError: 5000 })
      await b.cache.expireTags('red')
      await clock.advance(100)
    },
    'The loader is called. L1 has an entry, but it is no longer fresh, and is served only if loading fails. ' +
      'L2 has an entry, but it is no longer fresh, and is served only if loading fails. ' +
      'Its tag "red" was expired 100 ms ago by another process (<b>) (expireTags).',
  ],
  [
    'its cache was expired elsewhere',
    async ({ a, b, clock }) => {
      await a.cache.set('k', 1, { staleIfError: 5000 })
      await b.cache.expireAll()
      await clock.advance(100)
    },
    'The loader is called. L1 has an entry, but it is no longer fresh, and is served only if loading fails. ' +
      'L2 has an entry, but it is no longer fresh, and is served only if loading fails. ' +
      'Its scope tiercache was expired 100 ms ago by another process (<b>) (expireAll).',
  ],
  [
    'its cache was cleared',
    async ({ a, clock }) => {
      await a.cache.set('k', 1, { l1Ttl: 0 })
      await a.cache.clear()
      await clock.advance(100)
    },
    'The loader is called. L1 has no entry. ' +
      'L2 has an entry that must not be served: it is expired, invalidated or damaged. ' +
      'Its scope tiercache was cleared 100 ms ago by this process (clear).',
  ],
  [
    'all keys of its beginning were deleted',
    async ({ a, clock }) => {
      await a.cache.deleteByPrefix('')
      await clock.advance(100)
    },
    'The loader is called. L1 has no entry. L2 has no entry. ' +
      'The key was deleted 100 ms ago by this process (deleteByPrefix).',
  ],
  [
    'its value was refused',
    async ({ a, clock }) => {
      await a.cache.getOrSet('k', () => ({ price: () => 1 }))
      await a.cache.drain()
      await clock.advance(50)
    },
    'The loader is called. L1 has no entry. L2 has no entry. The last loaded value was refused 50 ms ago: <error>.',
  ],
  [
    'its loader skips',
    ({ a }) => a.cache.getOrSet('k', (ctx) => ctx.skip()),
    'The loader is called. L1 has no entry. L2 has no entry. ' +
      'The last loaded value was not kept, because its loader called ctx.skip(), 0 ms ago.',
  ],
  [
    'an invalidation came before the fill',
    async ({ a, b, clock }) => {
      const gate = deferred<number>()
      const caller = a.cache.getOrSet('k', () => gate.promise)
      await clock.advance(1)
      await b.cache.delete('k')
      gate.resolve(1)
      await caller
      await a.cache.drain()
    },
    'The loader is called. L1 has no entry. L2 has no entry. ' +
      'The key was deleted or overwritten 0 ms ago by another process (<b>) (set or delete). ' +
      'The last loaded value was refused, because an invalidation or a write came while it was loaded, 0 ms ago.',
  ],
  [
    'its load failed while a stale value may be served',
    async ({ a, clock }) => {
      await a.cache.set('k', 1, { staleIfError: 60_000, staleWhileRevalidate: 0 })
      await clock.advance(1000)
      await a.cache.getOrSet('k', down, { staleIfError: 60_000 })
    },
    'L1 serves it: the last load failed, and staleIfError allows it until the next load is tried. ' +
      'The last load failed 0 ms ago: the database is down.',
  ],
  [
    'L2 is out of use',
    async ({ a }) => {
      a.tier.cut()
      await a.cache.getOrSet('other', () => 1)
    },
    'The loader is called. L1 has no entry. L2 is not used: <error>.',
  ],
  [
    'its deletion waits for L2',
    async ({ a }) => {
      a.tier.cut()
      await a.cache.delete('k')
    },
    'The loader is called. L1 has no entry. A change of this key waits until L2 can be reached, so L2 is not read for it. ' +
      'The key was deleted 0 ms ago by this process (delete).',
  ],
]

describe('the sentence of explain', () => {
  test.each(STORIES)('when %s', async (_, act, why) => {
    const world = await fleet({ ttl: 1000, staleWhileRevalidate: 500 })
    await act(world)
    const said = (await world.a.cache.explain('k')).why
    const general = said
      .replace(/process \([\w-]{12}\)/, 'process (<b>)')
      .replace(/(refused 50 ms ago: |not used: ).*\.$/, '$1<error>.')
    expect(general).toBe(why)
    world.a.tier.restore()
    await world.clock.advance(30_000)
  })

  test('follows the option tiers and lists no tier that the call does not read', async () => {
    const { a } = await fleet()
    await a.cache.set('k', 1)
    expect(await a.cache.explain('k', { tiers: 'l2' })).toMatchObject({ answeredBy: 'l2', l1: undefined })
    const near = await a.cache.explain('none', { tiers: 'l1' })
    expect(near).toMatchObject({ answeredBy: 'loader', l2: { state: 'none' } })
    expect(near.why).toContain("L2 is not read: the option tiers is 'l1'")
  })

  test('lists an entry as fresh or stale only if it would be served', async () => {
    const { a, clock } = await fleet({ ttl: 60_000 })
    await a.cache.set('k', 1, { tags: ['t'] })
    await a.cache.invalidateTags('t')
    expect(await a.cache.explain('k')).toMatchObject({ answeredBy: 'loader', l1: { state: 'invalidated' } })
    await a.cache.set('j', 1)
    a.tier.cut()
    await clock.advance(10_000)
    expect(await a.cache.explain('j')).toMatchObject({ answeredBy: 'loader', l1: { state: 'unverified' } })
    a.tier.restore()
    await clock.advance(30_000)
  })

  test('reports a queued value, which this process serves also with its L1 off', async () => {
    const { a, clock } = await fleet({ l1: false })
    a.tier.cut()
    await a.cache.set('k', 1)
    const said = await a.cache.explain('k')
    expect(said).toMatchObject({ answeredBy: 'l1', isQueued: true, l1: { state: 'fresh' } })
    expect(said.why).toContain('A change of this key waits until L2 can be reached')
    expect(await a.cache.getOrSet('k', () => 2)).toBe(1)
    a.tier.restore()
    await clock.advance(30_000)
  })

  test('forgets the oldest of too many changes', async () => {
    const { cache } = l1Only()
    await cache.delete('first')
    expect((await cache.explain('first')).why).toContain('was deleted')
    await cache.delete(Array.from({ length: 1000 }, (_, i) => `k${i}`))
    expect((await cache.explain('first')).why).not.toContain('was deleted')
    expect((await cache.explain('k999')).why).toContain('was deleted')
  })
})
