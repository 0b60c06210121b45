// Holds that L2 could not be told of at once, or that it lost.
import type { Cache } from 'tiercache'
import { expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()
const breaker = { openFor: 100, maxOpenFor: 100 } as const

const read = (cache: Cache, value: string) => cache.getOrSet('k', () => value, { tags: ['t'] })

/** Whether a process keeps what it loads now. */
async function keeps(cache: Cache, clock: { advance(ms: number): Promise<void> }): Promise<boolean> {
  await cache.delete('k')
  await read(cache, 'loaded')
  await clock.advance(1)
  return (await cache.get('k')) !== undefined
}

test('a plain invalidation that is queued after a hold does not end it', async () => {
  const { a, b, clock } = await fleet({ ttl: '1h' }, { breaker })
  a.tier.cut()
  for (const options of [{ hold: '5s' }, { hold: '1s' }, {}] as const) {
    expect(await a.cache.invalidateTags(['t'], options)).toBe('queued')
  }
  await clock.advance(500)
  a.tier.restore()
  await clock.advance(2_000)
  expect(await keeps(b.cache, clock)).toBe(false)
  await clock.advance(2_600)
  expect(await keeps(b.cache, clock)).toBe(true)
})

test('a plain deletion that goes ahead of a queued hold does not end it', async () => {
  const { a, b, clock } = await fleet({ ttl: '1h' }, { breaker })
  a.tier.link.inject({ on: 'apply', effect: 'refuse', times: 1 })
  expect(await a.cache.delete('k', { hold: '5s' })).toBe('queued')
  await a.cache.delete('k')
  await clock.advance(2_000)
  expect(await keeps(b.cache, clock)).toBe(false)
  await clock.advance(5_000)
  expect(await keeps(b.cache, clock)).toBe(true)
})

test('a set that is queued after a hold of its key ends it', async () => {
  const { a, b, clock } = await fleet({ ttl: '1h' }, { breaker })
  a.tier.cut()
  await a.cache.delete('k', { hold: '1m' })
  expect(await a.cache.set('k', 'set')).toBe('queued')
  a.tier.restore()
  await clock.advance(5_000)
  expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual(['set', 'set'])
})

test('what a failover lost of a hold is published again, for the rest of its time', async () => {
  const { server, a, b, clock } = await fleet({ ttl: '1h' }, { breaker })
  await read(b.cache, 'old')
  await clock.advance(10)
  const snapshot = server.snapshot()
  expect(await a.cache.invalidateTags(['t'], { hold: '5s' })).toBe('applied')
  expect(await a.cache.delete('k', { hold: '5s' })).toBe('applied')
  await clock.advance(10)
  server.failover(snapshot)
  await clock.advance(2_000)
  const held = server.keys().filter((key) => key.endsWith('#t:t') || key.endsWith(':k'))
  for (const key of held) expect(server.keyspace.leftMs(key)).toBeLessThanOrEqual(3_000)
  expect(held).toHaveLength(2)
  await clock.advance(3_000)
  expect(await keeps(b.cache, clock)).toBe(true)
})

test('if the journal overflows, the whole cache is held for the rest of the hold', async () => {
  const { a, b, clock } = await fleet({ ttl: '1h', recovery: { maxOperations: 3 } }, { breaker })
  a.tier.cut()
  await a.cache.invalidateTags(['t'], { hold: '5s' })
  for (let i = 0; i < 5; i++) await a.cache.delete(`k${i}`)
  await clock.advance(500)
  a.tier.restore()
  await clock.advance(2_000)
  expect(await keeps(b.cache, clock)).toBe(false)
  await clock.advance(2_600)
  expect(await keeps(b.cache, clock)).toBe(true)
})
