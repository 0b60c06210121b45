import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('explain', () => {
  test('says that nothing is there and the loader would answer', async () => {
    const { cache } = l1Only({ name: 'shop' })
    expect(await cache.explain('k')).toEqual({
      ...{ key: 'k', scope: 'shop', storeKey: 'shop:k', answeredBy: 'loader', l1: undefined, l2: { state: 'none' } },
      ...{ breaker: 'closed', isQueued: false, isLoading: false, isTrusted: true },
    })
  })

  test('says what is left of each window, in both tiers, and who would answer', async () => {
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
    expect(await orders.explain('k')).toMatchObject({ answeredBy: 'loader', l2: { entry: { state: 'failsafe' } } })
  })

  test('says which tag is no longer current', async () => {
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

  test('says who loads: nobody, a flight here, or the holder of a lease elsewhere', async () => {
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

  test('says that L2 cannot be reached, that a change waits for it, and that the bus is silent', async () => {
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

  test('says whatever stands there that is no entry of this key', async () => {
    const { a, server } = await fleet()
    await a.cache.set('k', 1, { l1Ttl: 0 })
    server.corrupt('cache:k', (bytes) => bytes.subarray(0, 20))
    expect((await a.cache.explain('k')).l2).toEqual({ state: 'useless' })
  })

  test('changes nothing: neither counters, nor recency, nor what L2 holds', async () => {
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
        .filter((key) => key.startsWith('cache:'))
        .sort(),
    ).toEqual(['cache:new', 'cache:old'])
    await a.cache.set('newest', 3)
    expect([a.cache.peek('old'), a.cache.peek('new')]).toEqual([undefined, 2])
  })
})
