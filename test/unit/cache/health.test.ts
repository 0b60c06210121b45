// `health()`: what a health check of the service returns, which must not fail because Redis is away.
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('health()', () => {
  test('of a cache with memory alone is ok, without L2 and bus', () => {
    const { cache } = l1Only()
    expect(cache.health()).toEqual({
      live: true,
      ready: true,
      status: 'ok',
      detail: { l2: 'none', outage: undefined, waiting: 0, bus: 'none' },
    })
  })

  test('of a cache whose L2 is in use is ok', async () => {
    const { a } = await fleet()
    expect(a.cache.health()).toMatchObject({ status: 'ok', detail: { l2: 'inUse', waiting: 0, bus: 'heard' } })
  })

  test('stays live and ready while L2 is away, says that it is degraded, and why', async () => {
    const { a, clock } = await fleet()
    a.tier.cut()
    await a.cache.set('k', 1)
    await clock.advance(10_000)
    const { detail, ...health } = a.cache.health()
    expect(health).toEqual({ live: true, ready: true, status: 'degraded' })
    expect(detail).toEqual({ l2: 'notUsed', outage: expect.any(String), waiting: 1, bus: 'notHeard' })
    a.tier.restore()
    await clock.advance(20_000)
    expect(a.cache.health()).toMatchObject({ status: 'ok', detail: { l2: 'inUse', outage: undefined, waiting: 0 } })
  })

  test('is degraded while the bus alone is not heard', async () => {
    const { a, clock } = await fleet()
    a.tier.busLink.cut()
    await clock.advance(10_000)
    expect(a.cache.health()).toMatchObject({
      ready: true,
      status: 'degraded',
      detail: { l2: 'inUse', bus: 'notHeard' },
    })
    a.tier.restore()
    await clock.advance(20_000)
  })

  test('is not ready once the cache is closed, but live', async () => {
    const { cache } = l1Only()
    const closing = cache.close()
    expect(cache.health()).toMatchObject({ live: true, ready: false, status: 'closed' })
    await closing
    await settle()
    expect(cache.namespace('n').health()).toMatchObject({ live: true, ready: false, status: 'closed' })
  })
})
