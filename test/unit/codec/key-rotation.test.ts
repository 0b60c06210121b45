// Keys are rotated in three releases. At each step, processes of two releases run side by side over one Redis.
import { type Cache, createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { testKey } from '../../support/keys.js'

const old = testKey('old')
const next = testKey('next')
const HOUR_MS = 3_600_000

const RELEASES = {
  before: { keys: { old }, active: 'old' },
  'step 1: the new key is known everywhere': { keys: { old, next }, active: 'old' },
  'step 2: the new key is active': { keys: { old, next }, active: 'next' },
  'step 3: the old key is gone': { keys: { next }, active: 'next' },
} as const
const NAMES = Object.keys(RELEASES) as (keyof typeof RELEASES)[]

interface World {
  readonly clock: FakeClock
  readonly server: MemoryServer
  readonly caches: Cache[]
  corrupt: number
}

let world: World | undefined

afterEach(async () => {
  await Promise.all(world?.caches.map((cache) => cache.close()) ?? [])
  world = undefined
})

function newWorld(): World {
  const clock = new FakeClock()
  world = { clock, server: new MemoryServer({ clock }), caches: [], corrupt: 0 }
  return world
}

/** A process that asks L2 at every read. */
function start(of: World, encrypt: (typeof RELEASES)[keyof typeof RELEASES]): Cache {
  const l2 = memoryTier(of.server, { encrypt })
  const { clock } = of
  const cache = createCache({ name: 'shop', clock, l2, l1: false, logger: false, ttl: '1h', staleIfError: '1h' })
  cache.on('corrupt', () => of.corrupt++)
  of.caches.push(cache)
  return cache
}

const neverLoads = () => Promise.reject(new Error('it was loaded'))

describe.each([
  [NAMES[0]!, NAMES[1]!],
  [NAMES[1]!, NAMES[2]!],
  [NAMES[2]!, NAMES[3]!],
])('processes of "%s" beside those of "%s"', (earlier, later) => {
  test('read each other’s entries in both directions, and each other’s soft expiries', async () => {
    const of = newWorld()
    const [a, b] = [start(of, RELEASES[earlier]), start(of, RELEASES[later])]
    for (const [writer, reader] of [
      [a, b],
      [b, a],
    ] as const) {
      await writer.set('k', 'value')
      expect(await reader.getOrSet('k', neverLoads)).toBe('value')
      expect(await reader.expire('k')).toBe('applied')
      // Softly expired, so both serve it because the load fails.
      expect(await writer.getOrSet('k', neverLoads)).toBe('value')
      expect(await reader.getOrSet('k', neverLoads)).toBe('value')
      await settle()
      await of.clock.advance(60_000)
    }
    expect(of.corrupt).toBe(0)
  })
})

test('an entry written before step 2 is read after it, and its life is over when step 3 comes', async () => {
  const of = newWorld()
  const first = start(of, RELEASES[NAMES[1]!])
  await first.set('k', 'value')
  const second = start(of, RELEASES[NAMES[2]!])
  expect(await second.get('k')).toBe('value')
  await of.clock.advance(3 * HOUR_MS)
  const third = start(of, RELEASES[NAMES[3]!])
  expect(await third.getOrSet('k', () => 'loaded')).toBe('loaded')
  expect(of.corrupt).toBe(0)
})

test('a rotation without its first step causes misses: the earlier release has no key for entries of the later one', async () => {
  const of = newWorld()
  const [a, b] = [start(of, RELEASES[NAMES[0]!]), start(of, RELEASES[NAMES[2]!])]
  await b.set('k', 'value')
  expect(await a.get('k')).toBeUndefined()
  expect(of.corrupt).toBe(1)
})
