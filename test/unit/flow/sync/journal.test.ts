import { record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import type { CacheEvents } from '../../../../src/model/events/events.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()
const HOUR = { ttl: '1h' } as const

type Fleet = Awaited<ReturnType<typeof fleet>>

/** What a process returns without loading. */
const seenBy = (process: Fleet['a'], key: string) => process.cache.get(key)

/** Waits until the bus is heard and the recovery has run. */
const recover = (clock: Fleet['clock']) => clock.advance(20_000)

describe('while L2 is unreachable', () => {
  test("writes and invalidations take effect in their process at once and return 'queued'", async () => {
    const { clock, a } = await fleet(HOUR)
    await a.cache.set('k', 'old', { tags: ['t'] })
    a.tier.cut()
    await settle()
    expect(await a.cache.set('k', 'new')).toBe('queued')
    expect(await seenBy(a, 'k')).toBe('new')
    expect(await a.cache.delete('k')).toBe('queued')
    expect(await seenBy(a, 'k')).toBeUndefined()
    expect(await a.cache.invalidateTags('t')).toBe('queued')
    expect(await a.cache.clear()).toBe('queued')
    expect(a.cache.stats().l2).toMatchObject({ available: false, breaker: 'open', waiting: 3 })
    await clock.advance(1)
  })

  test('of several changes of a key the newest waits', async () => {
    const { clock, server, a, b } = await fleet(HOUR)
    a.tier.cut()
    await settle()
    for (let i = 0; i < 100; i++) await a.cache.set('k', i)
    expect(a.cache.stats().l2.waiting).toBe(1)
    a.tier.restore()
    await recover(clock)
    expect(await seenBy(b, 'k')).toBe(99)
    expect(server.keys().filter((key) => key.startsWith('tiercache:'))).toEqual(['tiercache:k'])
  })

  test('a deletion after a queued value is published instead of the value', async () => {
    const { clock, a, b } = await fleet(HOUR)
    await a.cache.set('k', 'old')
    a.tier.cut()
    await settle()
    await a.cache.set('k', 'new')
    await a.cache.delete('k')
    a.tier.restore()
    await recover(clock)
    expect(await seenBy(b, 'k')).toBeUndefined()
  })

  test('a queued value is not published if its tag was invalidated in the same process', async () => {
    const { clock, a, b } = await fleet(HOUR)
    a.tier.cut()
    await settle()
    await a.cache.set('k', 'v', { tags: ['t'] })
    await a.cache.invalidateTags('t')
    a.tier.restore()
    await recover(clock)
    expect(await seenBy(b, 'k')).toBeUndefined()
    expect(await seenBy(a, 'k')).toBeUndefined()
  })
})

describe('when L2 is reachable again', () => {
  test('queued changes are published before the process reads L2', async () => {
    const { clock, a, b } = await fleet(HOUR)
    await b.cache.getOrSet('k', () => 'old', { tags: ['t'] })
    await b.cache.drain()
    await seenBy(a, 'k')
    a.tier.cut()
    await settle()
    await a.cache.invalidateTags('t')
    a.tier.restore()
    const load = vi.fn(() => 'new')
    expect(await a.cache.getOrSet('k', load, { tags: ['t'] })).toBe('new')
    await recover(clock)
    expect(await b.cache.getOrSet('k', load, { tags: ['t'] })).toBe('new')
  })

  test('a change that is made during the replay of an older one is published too', async () => {
    const { clock, a, b } = await fleet({ ...HOUR, staleIfError: '1h' })
    await a.cache.set('k', 'old')
    a.tier.cut()
    await settle()
    await a.cache.expire('k')
    a.tier.link.requestMs = 50
    a.tier.restore()
    await clock.advance(10) // The replay of `expire` is in flight.
    const deleted = a.cache.delete('k')
    await recover(clock)
    await deleted
    expect(await b.cache.lookup('k')).toEqual({ found: false })
    expect(a.cache.stats().l2.waiting).toBe(0)
  })

  test('a tag that is invalidated during the replay of its soft expiry is invalidated', async () => {
    const { clock, a, b } = await fleet({ ...HOUR, staleIfError: '1h' })
    await b.cache.set('k', 'old', { tags: ['t'] })
    a.tier.cut()
    await settle()
    await a.cache.expireTags('t')
    a.tier.link.requestMs = 50
    a.tier.restore()
    await clock.advance(10)
    const invalidated = a.cache.invalidateTags('t')
    await recover(clock)
    await invalidated
    expect(await b.cache.lookup('k')).toEqual({ found: false })
  })

  test('a queued value does not overwrite a later one of another process', async () => {
    const { clock, a, b } = await fleet(HOUR)
    a.tier.cut()
    await settle()
    await a.cache.set('k', 'of a')
    await clock.advance(10)
    await b.cache.set('k', 'of b')
    a.tier.restore()
    await recover(clock)
    // The order of the two values is unknown, so neither is kept.
    expect(await seenBy(b, 'k')).toBeUndefined()
    expect(await seenBy(a, 'k')).toBeUndefined()
  })

  test('a queued value is dropped if another process may have changed its key meanwhile', async () => {
    const { clock, a, b } = await fleet(HOUR)
    await b.cache.set('k', 'old')
    await clock.advance(10)
    a.tier.link.cut()
    await settle()
    await a.cache.set('k', 'new')
    // The bus of this process stays silent. The key is free when L2 is back: another process may have deleted it.
    a.tier.busLink.cut()
    expect(await b.cache.delete('k')).toBe('applied')
    a.tier.link.restore()
    await recover(clock)
    expect(await seenBy(b, 'k')).toBeUndefined()
  })

  test('a burst of retries publishes a value once', async () => {
    const { clock, a, b } = await fleet(HOUR)
    a.tier.cut()
    await settle()
    const log = record<CacheEvents>(a.cache, ['replayed'])
    await a.cache.set('k', 'v')
    a.tier.link.restore() // The bus comes back later, and values wait for it.
    await clock.advance(1_000)
    a.tier.restore()
    await recover(clock)
    expect(log.of('replayed')).toEqual([{ changes: 1, overflowed: false }])
    expect(await seenBy(b, 'k')).toBe('v')
  })
})

describe('the journal', () => {
  test('that overflows is replaced by one clear, in every process', async () => {
    const { clock, a, b } = await fleet({ ...HOUR, recovery: { maxOperations: 10 } })
    await b.cache.set('other', 'old')
    await seenBy(a, 'other')
    a.tier.cut()
    await settle()
    const log = record<CacheEvents>(a.cache, ['replayed'])
    for (let i = 0; i < 11; i++) expect(await a.cache.delete(`k${i}`)).toBe('queued')
    expect(a.cache.stats().l2.waiting).toBe(1)
    expect(await seenBy(a, 'other')).toBeUndefined()
    a.tier.restore()
    await recover(clock)
    expect(await seenBy(b, 'other')).toBeUndefined()
    expect(log.of('replayed')).toEqual([{ changes: 1, overflowed: true }])
  })

  test('counts the bytes of its values', async () => {
    const { clock, a } = await fleet({ ...HOUR, recovery: { maxBytes: 10_000 } })
    a.tier.cut()
    await settle()
    await a.cache.set('a', 'x'.repeat(6_000), {})
    await a.cache.set('a', 'y'.repeat(6_000), {})
    expect(a.cache.stats().l2.waiting).toBe(1)
    // Compressed they would be small; these bytes do not compress.
    const noise = Array.from({ length: 12_000 }, (_, i) => (i * i * 7919) % 251)
    await a.cache.set('b', Uint8Array.from(noise.map((n, i) => n ^ (i % 253))))
    await clock.advance(1)
    expect(a.cache.stats().l2.waiting).toBe(1)
  })
})

describe('when another server takes over', () => {
  test('changes that the old server confirmed shortly before it died are made again, however long the outage was', async () => {
    const { clock, server, a, b } = await fleet(HOUR)
    await b.cache.set('deleted', 'old')
    await b.cache.set('tagged', 'old', { tags: ['t'] })
    await clock.advance(100)
    const replica = server.snapshot()
    await a.cache.delete('deleted')
    await a.cache.invalidateTags('t')
    server.stop()
    await clock.advance(60_000)
    server.failover(replica)
    server.start()
    await recover(clock)
    expect(await seenBy(b, 'deleted')).toBeUndefined()
    expect(await seenBy(b, 'tagged')).toBeUndefined()
  })

  test('changes that it confirmed earlier are not made again', async () => {
    const { clock, server, a } = await fleet({ ...HOUR, recovery: { window: '10s' } })
    await a.cache.delete('long ago')
    await clock.advance(10_001)
    await a.cache.delete('lately')
    const log = record<CacheEvents>(a.cache, ['replayed'])
    server.restart('kept')
    await recover(clock)
    expect(log.of('replayed')).toEqual([{ changes: 1, overflowed: false }])
  })

  test('the replay starts again if the server changes during it', async () => {
    const { clock, server, a, b } = await fleet(HOUR)
    await b.cache.set('k', 'old')
    await clock.advance(100)
    const replica = server.snapshot()
    await a.cache.delete('k')
    a.tier.link.requestMs = 50
    server.restart('kept')
    await clock.advance(20) // The repeated change is in flight to the present server.
    server.failover(replica)
    await recover(clock)
    expect(await seenBy(b, 'k')).toBeUndefined()
    expect(a.cache.stats().l2.breaker).toBe('closed')
  })
})

test('queued changes are announced on the application’s own bus too', async () => {
  const { inProcessBus } = await import('../../../../src/bus/in-process-bus.js')
  const { createCache } = await import('tiercache')
  const { FakeClock, MemoryServer, memoryTier } = await import('tiercache/testing')
  const clock = new FakeClock()
  const server = new MemoryServer()
  const hub = inProcessBus()
  const open = () => {
    const tier = memoryTier(server, { bus: false })
    return { tier, cache: createCache({ clock, l2: tier, bus: hub.connect(), ttl: '1h' }) }
  }
  const a = open()
  const b = open()
  await clock.advance(1)
  await b.cache.set('k', 'old')
  a.tier.cut()
  await settle()
  await a.cache.delete('k')
  // It was announced at once, then read again by the other process, and is announced again once L2 has applied it.
  await seenBy(b, 'k')
  a.tier.restore()
  await recover(clock)
  expect(await seenBy(b, 'k')).toBeUndefined()
  await Promise.all([a.cache.close(), b.cache.close(), settle(20)])
})
