import { createCache } from 'tiercache'
import type { Bus } from 'tiercache/ports'
import { deferred, FakeClock, MemoryServer, memoryTier, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import type { CacheEvents } from '../../../../src/model/events/events.js'

const CLOSED = expect.objectContaining({ code: 'CLOSED' })

async function open(options = {}, server = new MemoryServer(), clock = new FakeClock()) {
  const tier = memoryTier(server)
  const cache = createCache({ ttl: '1h', closeTimeout: 1_000, ...options, clock, l2: tier })
  await clock.advance(1)
  return { clock, server, tier, cache, log: record<CacheEvents>(cache, ['closed', 'dropped']) }
}

/** How long `close()` takes on the fake clock. */
async function timeOfClose({ clock, cache }: Pick<Awaited<ReturnType<typeof open>>, 'clock' | 'cache'>) {
  const startMs = clock.nowMs()
  let endMs: number | undefined
  void cache.close().then(() => {
    endMs = clock.nowMs()
  })
  for (let i = 0; i < 500 && endMs === undefined; i++) await clock.advance(10)
  return endMs === undefined ? Number.POSITIVE_INFINITY : endMs - startMs
}

describe('a closed cache', () => {
  test('refuses reads, also of values in L1, and writes with CLOSED from the call of close() on', async () => {
    const own = await open()
    const { cache, clock, tier } = own
    const load = vi.fn(() => 'v')
    await cache.getOrSet('k', load)
    await cache.getOrSet('k', load)
    tier.link.stall()
    const writing = cache.set('other', 1)
    await settle()
    const closing = cache.close()
    const reads = [cache.getOrSet('k', load), cache.get('k'), cache.getMany(['k']), cache.explain('k')]
    const writes = [cache.set('k', 1), cache.delete('k'), cache.expire('k'), cache.invalidateTags('t'), cache.clear()]
    for (const call of [...reads, ...writes]) await expect(call).rejects.toEqual(CLOSED)
    await clock.advance(1_000)
    await closing
    await expect(cache.getOrSet('k', load)).rejects.toEqual(CLOSED)
    expect(cache.peek('k')).toBeUndefined()
    expect(load).toHaveBeenCalledTimes(1)
    expect(await writing).toBe('queued')
  })

  test('refuses reads without an L2 too', async () => {
    const cache = createCache()
    await cache.getOrSet('k', () => 'v')
    const closing = cache.close()
    await expect(cache.getOrSet('k', () => 'v')).rejects.toEqual(CLOSED)
    await closing
    await expect(cache.getOrSet('k', () => 'v')).rejects.toEqual(CLOSED)
  })

  test('still returns from stats() and drain(), and closes once, however often close() is called', async () => {
    const { cache, log } = await open()
    await Promise.all([cache.close(), cache.close()])
    await cache.close()
    await cache.drain()
    expect(cache.stats().l2.available).toBe(false)
    expect(log.of('closed')).toHaveLength(1)
  })

  test('leaves no timer, no flight and no entry', async () => {
    const own = await open({ staleWhileRevalidate: '1h' })
    await own.cache.getOrSet('k', () => 'v')
    void own.cache.getOrSet('hangs', () => deferred().promise).catch(() => undefined)
    own.tier.cut()
    await own.cache.delete('k')
    await timeOfClose(own)
    expect(own.clock.pendingTimers).toBe(0)
    expect(own.cache.stats()).toMatchObject({ l1: { entries: 0 }, loading: { flights: 0, background: 0 } })
  })
})

describe('close()', () => {
  test('waits for running work: a write, a load and its fill', async () => {
    const server = new MemoryServer()
    const own = await open({}, server)
    const other = await open({}, server, own.clock)
    own.tier.link.requestMs = 20
    const gate = deferred<string>()
    void own.cache.set('written', 'v')
    const loaded = own.cache.getOrSet('loaded', () => gate.promise)
    own.clock.after(300, () => gate.resolve('v'))
    expect(await timeOfClose(own)).toBeLessThan(500)
    expect(await loaded).toBe('v')
    expect(await other.cache.getMany(['written', 'loaded'])).toEqual(['v', 'v'])
    expect(own.log.of('closed')).toMatchObject([{ lost: 0 }])
    await Promise.all([other.cache.close(), settle(20)])
  })

  test('ends within closeTimeout whatever hangs, and rejects the callers of a hung load', async () => {
    const own = await open()
    const load = vi.fn((context: { signal: AbortSignal }) => {
      void context.signal
      return deferred<string>().promise
    })
    const waiting = own.cache.getOrSet('k', load).catch((error: unknown) => error)
    await settle()
    expect(await timeOfClose(own)).toBeLessThanOrEqual(1_000)
    expect(await waiting).toEqual(CLOSED)
    expect(load.mock.calls[0]?.[0].signal.reason).toEqual(CLOSED)
  })

  test('ends loads that an invalidation detached too', async () => {
    const own = await open()
    const waiting = own.cache.getOrSet('k', () => deferred<string>().promise).catch((error: unknown) => error)
    await settle()
    await own.cache.delete('k')
    expect(await timeOfClose(own)).toBeLessThanOrEqual(1_000)
    expect(await waiting).toEqual(CLOSED)
  })

  test('gives leases back, so that no other process waits for a load that was given up', async () => {
    const server = new MemoryServer()
    const own = await open({}, server)
    const other = await open({}, server, own.clock)
    void own.cache.getOrSet('k', () => deferred<string>().promise).catch(() => undefined)
    await settle()
    await timeOfClose(own)
    const load = vi.fn(() => 'v')
    expect(await other.cache.getOrSet('k', load)).toBe('v')
    await Promise.all([other.cache.close(), settle(20)])
  })

  test('ignores a load that ends after it', async () => {
    const own = await open()
    const gate = deferred<string>()
    void own.cache.getOrSet('k', () => gate.promise).catch(() => undefined)
    await settle()
    await timeOfClose(own)
    own.tier.link.resetCounts()
    gate.resolve('late')
    await settle(20)
    expect(own.tier.link.count()).toBe(0)
    expect(own.cache.stats().l1.entries).toBe(0)
  })

  test('during an outage ends at once and reports the lost changes', async () => {
    const own = await open()
    own.tier.cut()
    await settle()
    await own.cache.delete(['a', 'b'])
    await own.cache.invalidateTags('t')
    expect(await timeOfClose(own)).toBeLessThanOrEqual(10)
    expect(own.log.of('closed')).toMatchObject([{ lost: 3 }])
  })

  test('while L2 hangs ends within closeTimeout and counts changes in flight as lost', async () => {
    const own = await open({ closeTimeout: 100 })
    own.tier.link.stall()
    const deleting = own.cache.delete('k')
    expect(await timeOfClose(own)).toBeLessThanOrEqual(100)
    expect(own.log.of('closed')).toMatchObject([{ lost: 1 }])
    expect(await deleting).toBe('queued')
  })

  test('tries a last time to publish queued changes', async () => {
    const server = new MemoryServer()
    const own = await open({}, server)
    const other = await open({}, server, own.clock)
    await other.cache.set('k', 'old')
    own.tier.link.inject({ on: 'apply', effect: 'refuse', times: 1 })
    expect(await own.cache.delete('k')).toBe('queued')
    await timeOfClose(own)
    expect(own.log.of('closed')).toMatchObject([{ lost: 0 }])
    expect(await other.cache.get('k')).toBeUndefined()
    await Promise.all([other.cache.close(), settle(20)])
  })

  test('gives up waiting refreshes and reports them', async () => {
    const own = await open({ ttl: 1_000, staleWhileRevalidate: '1h', background: { concurrency: 1 } })
    for (const key of ['a', 'b']) await own.cache.getOrSet(key, () => 'old')
    await own.clock.advance(1_000)
    const load = vi.fn(() => deferred<string>().promise)
    for (const key of ['a', 'b']) await own.cache.getOrSet(key, load)
    await settle()
    expect(await timeOfClose(own)).toBeLessThanOrEqual(1_000)
    expect(own.log.of('dropped')).toEqual([{ what: 'refresh', why: 'closed' }])
    expect(load).toHaveBeenCalledTimes(1)
    expect(own.cache.stats().loading).toMatchObject({ flights: 0, background: 0 })
  })

  test('neither hangs nor rejects if the application’s bus throws or never closes', async () => {
    const makeBus = (close: Bus['close']): Bus => ({
      announces: 'publish',
      position: () => undefined,
      start: (_channel, events) => events.heard(Number.POSITIVE_INFINITY),
      publish: async () => undefined,
      close,
    })
    const closes: Bus['close'][] = [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
      () => new Promise(() => undefined),
    ]
    for (const close of closes) {
      const own = await open({ bus: makeBus(close) })
      expect(await timeOfClose(own)).toBeLessThanOrEqual(1_000)
      expect(own.log.of('closed')).toHaveLength(1)
    }
  })

  test('is called by await using', async () => {
    const clock = new FakeClock()
    const events: unknown[] = []
    {
      await using cache = createCache({ clock })
      cache.on('closed', (told) => events.push(told))
      await cache.getOrSet('k', () => 'v')
    }
    expect(events).toMatchObject([{ lost: 0 }])
  })
})

test('during an outage no write waits for a bus whose publish never settles', async () => {
  const bus: Bus = {
    announces: 'publish',
    position: () => undefined,
    start: (_channel, events) => events.heard(Number.POSITIVE_INFINITY),
    publish: () => new Promise(() => undefined),
    close: async () => undefined,
  }
  const own = await open({ bus })
  const results: string[] = []
  for (const key of ['a', 'b']) void own.cache.delete(key).then((result) => results.push(result))
  await own.clock.advance(1_000)
  expect(results).toEqual(['queued', 'queued'])
  await timeOfClose(own)
})
