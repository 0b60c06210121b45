import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { Background } from '../../../../src/flow/runtime/background.js'
import type { CacheEvents } from '../../../../src/model/events/events.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet, l1Only } = leavesNothing()
const HOUR = { ttl: '1h' } as const

describe('fills of L2', () => {
  test('beyond background.maxPending are dropped with an event and their leases given back; callers and L1 are not affected', async () => {
    const { clock, server, a } = await fleet({ ...HOUR, background: { maxPending: 2 } })
    const log = record<CacheEvents>(a.cache, ['dropped', 'stored'])
    a.tier.link.inject({ on: 'swap', effect: 'delay', byMs: 100 })
    const keys = ['k0', 'k1', 'k2', 'k3']
    await Promise.all(keys.map((key) => a.cache.getOrSet(key, () => key)))
    await clock.advance(100)
    expect(log.of('stored').map(({ tiers }) => tiers)).toEqual(['l1', 'l1', 'all', 'all'])
    expect(log.of('dropped')).toEqual([
      { what: 'store', why: 'busy', scope: 'tiercache', key: 'k2' },
      { what: 'store', why: 'busy', scope: 'tiercache', key: 'k3' },
    ])
    expect(server.keys().filter((key) => key.startsWith('tiercache:'))).toEqual(['tiercache:k0', 'tiercache:k1'])
    const load = vi.fn()
    expect(await Promise.all(keys.map((key) => a.cache.getOrSet(key, load)))).toEqual(keys)
    expect(load).not.toHaveBeenCalled()
    expect(a.cache.stats().dropped).toBe(2)
  })

  test('beyond background.maxBytes are dropped as well', async () => {
    const { clock, a } = await fleet({ ...HOUR, background: { maxBytes: 3_000 } }, { compress: false })
    const log = record<CacheEvents>(a.cache, ['dropped'])
    a.tier.link.inject({ on: 'swap', effect: 'delay', byMs: 100 })
    const noise = (seed: number) => Uint8Array.from({ length: 2_000 }, (_, i) => (i * seed * 7919) % 251)
    await Promise.all([1, 2].map((seed) => a.cache.getOrSet(`k${seed}`, () => noise(seed))))
    await clock.advance(100)
    expect(log.of('dropped')).toMatchObject([{ key: 'k2' }])
  })

  test('make room again when they end, also if they failed', async () => {
    const { clock, a } = await fleet({ ...HOUR, background: { maxPending: 1 } })
    const log = record<CacheEvents>(a.cache, ['dropped', 'stored'])
    a.tier.link.inject({ on: 'swap', effect: 'loseReply', times: 1 })
    await a.cache.getOrSet('k0', () => 0)
    await clock.advance(200)
    await a.cache.getOrSet('k1', () => 1)
    await a.cache.drain()
    expect(log.of('stored').map(({ tiers }) => tiers)).toEqual(['l1', 'all'])
  })
})

describe('values of set for which the queue has no room', () => {
  test('are sent as the removal of their key, so that no older value stays', async () => {
    const { clock, a, b } = await fleet({ ...HOUR, background: { maxPending: 1 } })
    await b.cache.set('k0', 'old')
    await b.cache.set('k1', 'old')
    const log = record<CacheEvents>(a.cache, ['dropped'])
    expect(await Promise.all([a.cache.set('k0', 'new'), a.cache.set('k1', 'new')])).toEqual(['applied', 'applied'])
    await clock.advance(10)
    expect(log.of('dropped')).toEqual([{ what: 'store', why: 'busy', scope: 'tiercache', key: 'k1' }])
    expect(await b.cache.get('k0')).toBe('new')
    expect(await b.cache.get('k1')).toBeUndefined()
    expect(await a.cache.get('k1')).toBe('new')
  })

  test('do not make removals drop, whatever their number', async () => {
    const { a, b } = await fleet({ ...HOUR, background: { maxPending: 1 } })
    const keys = Array.from({ length: 3_000 }, (_, i) => `k${i}`)
    for (const key of keys.slice(0, 5)) await b.cache.set(key, 'old')
    expect(await Promise.all(keys.map((key) => a.cache.delete(key)))).toEqual(keys.map(() => 'applied'))
    for (const key of keys.slice(0, 5)) expect(await b.cache.get(key)).toBeUndefined()
    expect(a.cache.stats().dropped).toBe(0)
  })
})

describe('background refreshes', () => {
  const STALE = { ttl: 1_000, staleWhileRevalidate: '1h' } as const

  test('run and wait up to their limits, and beyond them a stale value is served without a refresh', async () => {
    const { clock, cache } = l1Only({ ...STALE, background: { concurrency: 2, maxPending: 1 } })
    const keys = ['k0', 'k1', 'k2', 'k3']
    for (const key of keys) await cache.getOrSet(key, () => 'old')
    await clock.advance(1_000)
    const log = record<CacheEvents>(cache, ['dropped'])
    const gate = deferred<string>()
    const load = vi.fn(() => gate.promise)
    for (const key of keys) expect(await cache.getOrSet(key, load)).toBe('old')
    await settle()
    expect(load).toHaveBeenCalledTimes(2)
    expect(log.of('dropped')).toEqual([{ what: 'refresh', why: 'busy', scope: 'tiercache', key: 'k3' }])
    gate.resolve('new')
    await cache.drain()
    expect(load).toHaveBeenCalledTimes(3)
    expect(await cache.getOrSet('k3', load)).toBe('old')
    await cache.drain()
    expect(await cache.getOrSet('k3', load)).toBe('new')
  })

  test('that wait behind hanging loaders do not delay a caller whose value has expired', async () => {
    const { clock, cache } = l1Only({ ttl: 1_000, staleWhileRevalidate: 1_000, background: { concurrency: 1 } })
    const hang = deferred<string>()
    for (const key of ['hangs', 'k']) await cache.getOrSet(key, () => 'old')
    await clock.advance(1_000)
    await cache.getOrSet('hangs', () => hang.promise)
    const load = vi.fn(() => 'new')
    expect(await cache.getOrSet('k', load)).toBe('old')
    await clock.advance(1_000)
    expect(await cache.getOrSet('k', load)).toBe('new')
    expect(load).toHaveBeenCalledTimes(1)
    hang.resolve('late')
    await cache.drain()
    expect(load).toHaveBeenCalledTimes(1)
  })
})

describe('work in the background', () => {
  function background() {
    const failures: string[] = []
    const policy = { concurrency: 1, maxPending: 1, maxBytes: 1 }
    return {
      failures,
      background: new Background(policy, (what, error) => void failures.push(`${what}: ${(error as Error).message}`)),
    }
  }

  test('that fails, at once or later, is reported and has no other effect', async () => {
    const { background: own, failures } = background()
    own.run('later', () => Promise.reject(new Error('no')))
    own.run('at once', () => {
      throw new Error('no')
    })
    own.refresh('refresh', () => Promise.reject(new Error('no')))
    expect(await own.guard('guarded', () => Promise.reject(new Error('no')), 'instead')).toBe('instead')
    await own.drain()
    expect(failures.sort()).toEqual(['at once: no', 'guarded: no', 'later: no', 'refresh: no'])
    expect(own.size).toBe(0)
  })

  test('is awaited by drain(), with the work that it starts itself', async () => {
    const { background: own } = background()
    const order: string[] = []
    own.run('first', async () => {
      await settle()
      own.run('second', async () => {
        await settle()
        order.push('second')
      })
      order.push('first')
    })
    await own.drain()
    expect(order).toEqual(['first', 'second'])
  })
})

test('drain() waits for writes that no caller awaits', async () => {
  const { clock, a, b } = await fleet(HOUR)
  await b.cache.set('k', 'old')
  a.tier.link.requestMs = 50
  void a.cache.set('k', 'new')
  let isDrained = false
  void a.cache.drain().then(() => {
    isDrained = true
  })
  await clock.advance(49)
  expect(isDrained).toBe(false)
  await clock.advance(200)
  expect(isDrained).toBe(true)
  expect(await b.cache.get('k')).toBe('new')
})
