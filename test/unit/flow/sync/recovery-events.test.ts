// What can be seen of an outage: each event once, the state in stats() and explain(), and listeners that cannot disturb the cache.
import { record, settle } from 'tiercache/testing'
import { expect, test } from 'vitest'
import type { CacheEvents } from '../../../../src/model/events/events.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

test('an outage is reported once when it begins and once when it ends, with its duration', async () => {
  const { clock, a } = await fleet({ ttl: '1h' })
  const log = record<CacheEvents>(a.cache, ['degraded', 'recovered', 'queued', 'replayed'])
  a.tier.cut()
  await settle()
  await a.cache.delete('k')
  await clock.advance(60_000)
  a.tier.restore()
  await clock.advance(1_000)
  expect(log.names()).toEqual(['degraded', 'queued', 'replayed', 'recovered'])
  expect(log.of('degraded')).toMatchObject([{ error: { name: 'CacheError', code: 'L2_UNAVAILABLE' } }])
  expect(log.of('queued')).toEqual([{ waiting: 1 }])
  expect(log.of('recovered')).toEqual([{ degradedMs: 60_000 }])
})

test('stats() and explain() show the state of L2 and the changes that wait for it', async () => {
  const { clock, a } = await fleet({ ttl: '1h' })
  await a.cache.set('k', 'v')
  expect(a.cache.stats().l2).toMatchObject({ available: true, breaker: 'closed', waiting: 0 })
  a.tier.cut()
  await settle()
  await a.cache.delete('k')
  expect(a.cache.stats().l2).toMatchObject({ available: false, breaker: 'open', waiting: 1 })
  expect(await a.cache.explain('k')).toMatchObject({
    breaker: 'open',
    isQueued: true,
    l2: { state: 'unavailable' },
    answeredBy: 'loader',
  })
  await clock.advance(10_000)
  expect(a.cache.stats().bus.trusted).toBe(false)
  a.tier.link.requestMs = 50
  a.tier.restore()
  await clock.advance(10)
  expect(a.cache.stats().l2.breaker).toBe('half-open')
  a.tier.link.requestMs = 0
  await clock.advance(20_000)
  expect(a.cache.stats()).toMatchObject({
    l2: { available: true, breaker: 'closed', waiting: 0 },
    bus: { trusted: true },
  })
  expect(await a.cache.explain('k')).toMatchObject({ isQueued: false, l2: { state: 'absent' } })
})

test('a bus that lost announcements is reported once, and once when it is heard again', async () => {
  const { clock, server, a } = await fleet({ ttl: '1h' })
  const log = record<CacheEvents>(a.cache, ['busLost', 'busRecovered'])
  await clock.advance(5_000)
  expect(log.names()).toEqual([])
  a.tier.busLink.cut()
  server.evictLog('tiercache')
  await clock.advance(10_000)
  a.tier.busLink.restore()
  await clock.advance(5_000)
  expect(log.names()).toEqual(['busLost', 'busRecovered'])
  expect(log.of('busRecovered')[0]?.lostMs).toBeGreaterThanOrEqual(10_000)
})

test('listeners that throw or reject at the events of an outage affect nothing', async () => {
  const { clock, a, b } = await fleet({ ttl: '1h' })
  const events = [
    'degraded',
    'recovered',
    'queued',
    'replayed',
    'loaded',
    'miss',
    'hit',
    'invalidated',
    'stored',
  ] as const
  const failed: string[] = []
  for (const [i, event] of events.entries()) {
    a.cache.on(event, () => {
      if (i % 2 === 0) throw new Error('a listener of the user')
      return Promise.reject(new Error('a listener of the user')) as never
    })
  }
  a.cache.on('listenerFailed', ({ event }) => {
    failed.push(event)
    throw new Error('and this one as well')
  })
  await b.cache.set('k', 'old')
  expect(await a.cache.getOrSet('k', () => 'v')).toBe('old')
  a.tier.cut()
  await settle()
  expect(await a.cache.getOrSet('other', () => 'v')).toBe('v')
  expect(await a.cache.delete('k')).toBe('queued')
  a.tier.restore()
  await clock.advance(20_000)
  expect(a.cache.stats().l2.breaker).toBe('closed')
  expect(await b.cache.get('k')).toBeUndefined()
  expect(new Set(failed)).toEqual(
    new Set(['degraded', 'recovered', 'queued', 'replayed', 'loaded', 'stored', 'miss', 'hit', 'invalidated']),
  )
})
