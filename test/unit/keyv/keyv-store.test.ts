// The store for Keyv: what Keyv does with it, and what a set after a miss must not do.
import Keyv from 'keyv'
import { type Cache, createCache } from 'tiercache'
import { keyvStore } from 'tiercache/keyv'
import { FakeClock, MemoryServer, memoryTier } from 'tiercache/testing'
import { afterEach, expect, test } from 'vitest'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

function setUp(cache: Cache = createCache({ logger: false, ttl: '1h' })) {
  const store = keyvStore(cache.namespace('keyv'))
  const keyv = new Keyv({ store, throwOnErrors: true })
  ends.push(
    () => keyv.disconnect(),
    () => cache.close(),
  )
  return { cache, store, keyv }
}

test('a set after a miss stores, and is seen', async () => {
  const { keyv } = setUp()
  expect(await keyv.get('a')).toBeUndefined()
  expect(await keyv.set('a', 1)).toBe(true)
  expect(await keyv.get('a')).toBe(1)
})

test('a set after a miss loses against a delete or a clear in between, and the next one stores', async () => {
  const { keyv } = setUp()
  for (const change of [() => keyv.delete('a'), () => keyv.clear()]) {
    await keyv.get('a')
    await change()
    expect(await keyv.set('a', 'old')).toBe(false)
    expect(await keyv.get('a')).toBeUndefined()
    expect(await keyv.set('a', 'new')).toBe(true)
    expect(await keyv.get('a')).toBe('new')
    await keyv.delete('a')
  }
})

test('a set without a miss always stores', async () => {
  const { keyv } = setUp()
  await keyv.set('a', 1)
  await keyv.delete('a')
  expect(await keyv.set('a', 2)).toBe(true)
  expect(await keyv.set('a', 3)).toBe(true)
  expect(await keyv.get('a')).toBe(3)
})

test('nobody waits for a set: reads at the same time are misses, and the first set of them counts', async () => {
  const { keyv } = setUp()
  expect(await Promise.all([keyv.get('a'), keyv.get('a'), keyv.getMany(['a', 'b'])])).toEqual([
    undefined,
    undefined,
    [undefined, undefined],
  ])
  expect(await keyv.get('a')).toBeUndefined()
  expect(await Promise.all([keyv.set('a', 1), keyv.set('a', 1)])).toEqual([true, true])
  expect(await keyv.get('a')).toBe(1)
})

test('when two that missed together set different values, neither is kept: one of them may be outdated', async () => {
  const { keyv } = setUp()
  await Promise.all([keyv.get('a'), keyv.get('a')])
  expect(await keyv.set('a', 'new')).toBe(true)
  expect(await keyv.set('a', 'old')).toBe(false)
  expect(await keyv.get('a')).toBeUndefined()
})

test('after the window of a miss a set stores as any other', async () => {
  const clock = new FakeClock()
  const { keyv } = setUp(createCache({ logger: false, clock, ttl: '1h' }))
  await keyv.get('a')
  await clock.advance(31_000)
  await keyv.delete('a')
  expect(await keyv.set('a', 1)).toBe(true)
  expect(await keyv.get('a')).toBe(1)
})

test('the ttl of Keyv is that of the entry, and without one the cache says it', async () => {
  const clock = new FakeClock(Date.now())
  const { cache, keyv } = setUp(createCache({ logger: false, clock, ttl: '1h' }))
  await keyv.set('short', 1, 1000)
  await keyv.set('long', 2)
  await clock.advance(2000)
  const stored = cache.namespace('keyv')
  expect(await stored.get('keyv:short')).toBeUndefined()
  expect(await stored.get('keyv:long')).toBeDefined()
  await clock.advance(3_600_000)
  expect(await stored.get('keyv:long')).toBeUndefined()
})

test('clear is of the namespace of Keyv, and a store without one clears its cache', async () => {
  const { cache, keyv } = setUp()
  const other = new Keyv({ store: keyvStore(cache.namespace('keyv')), namespace: 'other' })
  await keyv.set('a', 1)
  await other.set('a', 2)
  await keyv.clear()
  expect([await keyv.get('a'), await other.get('a')]).toEqual([undefined, 2])
  await keyvStore(cache.namespace('keyv')).clear()
  expect(await other.get('a')).toBeUndefined()
})

test('has, hasMany, deleteMany and getMany say what there is, and reserve nothing', async () => {
  const { keyv, store } = setUp()
  await keyv.set('a', 1)
  expect([await keyv.has('a'), await keyv.has('b')]).toEqual([true, false])
  expect(await store.hasMany(['keyv:a', 'keyv:b'])).toEqual([true, false])
  expect(await keyv.get(['a', 'b'])).toEqual([1, undefined])
  expect(await keyv.deleteMany(['a', 'b'])).toBe(true)
  expect(await keyv.deleteMany(['a', 'b'])).toBe(false)
})

test('a process that sets after its miss loses against an invalidation of another one, and does not wait for its slot', async () => {
  const server = new MemoryServer()
  const process = () => setUp(createCache({ logger: false, name: 'shop', l2: memoryTier(server), ttl: '1h' }))
  const [one, two] = [process(), process()]
  expect([await one.keyv.get('a'), await two.keyv.get('a')]).toEqual([undefined, undefined])
  await two.keyv.delete('a')
  expect(await one.keyv.set('a', 'old')).toBe(false)
  expect([await one.keyv.get('a'), await two.keyv.get('a')]).toEqual([undefined, undefined])
})

test('a wrong option is refused', () => {
  expect(() => keyvStore(createCache(), { fillWithn: 1 } as never)).toThrow('Did you mean fillWithin?')
})
