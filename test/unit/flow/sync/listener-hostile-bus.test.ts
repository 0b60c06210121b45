// Nothing is thrown at a bus, whatever it delivers, since a bus may stop listening because of an error.
import { type Cache, type CacheEvents, createCache } from 'tiercache'
import type { Bus, BusEvents } from 'tiercache/ports'
import { FakeClock, memoryTier, settle } from 'tiercache/testing'
import { afterEach, expect, test } from 'vitest'

let cache: Cache
let events: BusEvents
let clock: FakeClock

function open(): void {
  clock = new FakeClock()
  const bus: Bus = {
    announces: 'publish',
    position: () => undefined,
    start: (_channel, listener) => {
      events = listener
    },
    publish: async () => undefined,
    close: async () => undefined,
  }
  cache = createCache({ clock, l2: memoryTier(undefined, { bus: false }), bus, ttl: '1h', logger: false })
}

afterEach(() => Promise.all([cache.close(), settle(20)]))

/** Sets a key so long ago that L1 serves it only because the bus was heard. */
async function setAndTrust(): Promise<void> {
  await cache.set('k', 1)
  await clock.advance(5_000)
  events.heard(clock.nowMs())
  expect(await cache.get('k')).toBe(1)
}

const throws = (): never => {
  throw new Error('touched')
}
const trap = () => new Proxy({}, { get: throws, getPrototypeOf: throws, has: throws, ownKeys: throws })

test.each([
  ['a string', 'x'],
  ['nothing', undefined],
  ['an array of numbers', [1, 2]],
  ['an object whose every property throws', trap()],
  ['bytes that throw when they are read', new Proxy(new Uint8Array(5), { get: throws })],
])('a message that is %s is ignored, and L1 is verified', async (_, message) => {
  open()
  events.heard(clock.nowMs())
  await setAndTrust()
  const ignored: CacheEvents['messageIgnored'][] = []
  cache.on('messageIgnored', (event) => void ignored.push(event))
  events.message(message as Uint8Array)
  expect(ignored.map(({ error }) => error.code)).toEqual(['BUS_MESSAGE_INVALID'])
  expect(await cache.get('k')).toBe(1)
  expect(cache.stats().hits).toEqual({ l1: 1, l2: 1 })
})

test.each([
  ['not a list', 5],
  ['a list of other things', [{ toString: 0 }]],
  ['a list that throws', new Proxy([], { get: throws })],
])('changed keys that are %s are ignored, and L1 is verified', async (_, keys) => {
  open()
  events.heard(clock.nowMs())
  await setAndTrust()
  events.changed(keys as unknown as string[])
  expect(cache.stats().messagesIgnored).toBe(1)
  expect(await cache.get('k')).toBe(1)
  expect(cache.stats().hits).toEqual({ l1: 1, l2: 1 })
})

test('a bus that is heard at a time which is not a number does not count as heard', async () => {
  open()
  for (const proof of [Number.NaN, undefined, '9e99', trap()]) events.heard(proof as number)
  expect(cache.stats().bus?.trusted).toBe(false)
  expect(cache.stats().messagesIgnored).toBe(4)
})

test('a reason that cannot be printed is replaced by a phrase', async () => {
  open()
  events.heard(clock.nowMs())
  const reasons: string[] = []
  cache.on('busLost', ({ reason }) => void reasons.push(reason))
  events.lost(trap() as string)
  expect(reasons).toEqual(['the bus did not say why'])
})

test('a thousand losses in a second are reported once and counted', async () => {
  open()
  events.heard(clock.nowMs())
  let told = 0
  cache.on('busLost', () => void told++)
  for (let i = 0; i < 1_000; i++) events.lost('a flood')
  expect(told).toBe(1)
  expect(cache.stats().busLosses).toBe(1_000)
})
