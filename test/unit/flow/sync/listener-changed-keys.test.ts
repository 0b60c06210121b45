// A bus whose server reports every changed key and token, whoever changed it, other programs included.
import { type Cache, createCache } from 'tiercache'
import type { Bus, BusEvents } from 'tiercache/ports'
import { deferred, FakeClock, type MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { afterEach, expect, test } from 'vitest'

let cache: Cache
let events: BusEvents
let server: MemoryServer
let clock: FakeClock
const HEARD_EVERY_MS = 1_000

function open(): void {
  clock = new FakeClock()
  const l2 = memoryTier(undefined, { bus: false })
  server = l2.server
  let cancel: () => void = () => undefined
  const bus: Bus = {
    announces: 'none',
    position: () => undefined,
    start: (_channel, listener, time) => {
      events = listener
      const beat = () => {
        events.heard(time.nowMs())
        cancel = time.after(HEARD_EVERY_MS, beat)
      }
      queueMicrotask(beat)
    },
    publish: async () => undefined,
    close: async () => cancel(),
  }
  cache = createCache({ clock, l2, bus, ttl: '1h', staleIfError: '1h' })
}

afterEach(() => Promise.all([cache.close(), settle(20)]))

/** A key is deleted with redis-cli, and the server reports it. */
function deleteFromOutside(storeKey: string): void {
  expect(server.evict(storeKey)).toBe(true)
  events.changed([storeKey])
}

test('a key that another program deleted is loaded again', async () => {
  open()
  await clock.advance(1)
  await cache.getOrSet('k', () => 'old')
  await cache.drain()
  deleteFromOutside('tiercache:k')
  expect(await cache.getOrSet('k', () => 'new')).toBe('new')
})

test('a key that another program wrote in our format is read from L2 again, once', async () => {
  open()
  await clock.advance(1)
  await cache.set('k', 'v')
  events.changed(['tiercache:k'])
  expect(await cache.get('k')).toBe('v')
  expect(cache.stats().hits).toEqual({ l1: 0, l2: 1 })
  expect(await cache.get('k')).toBe('v')
  expect(cache.stats().hits).toEqual({ l1: 1, l2: 1 })
})

test('a deletion by another program during a load wins over it, and later callers do not share that load', async () => {
  open()
  await clock.advance(1)
  const gate = deferred<string>()
  const first = cache.getOrSet('k', () => gate.promise)
  await settle()
  deleteFromOutside('tiercache:k')
  const later = cache.getOrSet('k', () => 'new')
  await settle()
  gate.resolve('old')
  expect(await first).toBe('old')
  expect(await later).toBe('new')
  expect(await cache.get('k')).toBe('new')
})

test('when another program deletes the token of a tag, the entries with that tag are invalidated', async () => {
  open()
  await clock.advance(1)
  await cache.set('k', 'v', { tags: ['t'] })
  deleteFromOutside('{tiercache}#t:t')
  expect(await cache.get('k')).toBeUndefined()
})

test('a flush of the server makes all entries unverified', async () => {
  open()
  await clock.advance(1)
  await cache.set('k', 'v')
  server.wipe()
  events.changed('all')
  await clock.advance(3_000)
  expect(await cache.get('k')).toBeUndefined()
})
