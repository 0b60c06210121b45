// G2 from the moment of the call: a process reads what it wrote, also while the tokens of the value are still unknown.
import { type Cache, createCache } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet, open } = leavesNothing()

/** The read is called in the same turn as the write, without an await between them. */
async function readsOf(cache: Cache, key: string) {
  const load = vi.fn(() => 'loaded')
  const reads = [cache.getOrSet(key, load), cache.get(key), cache.getMany([key]).then(([value]) => value)]
  const peeked = cache.peek(key)
  return { values: await Promise.all(reads), peeked, loads: load.mock.calls.length }
}
const SEEN = { values: ['X', 'X', 'X'], peeked: 'X', loads: 0 }

test('the first set of a cache is seen by the next read', async () => {
  const { a } = await fleet()
  const writing = a.cache.set('k', 'X')
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
  expect(await writing).toBe('applied')
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
})

test('the first set of a namespace, of a version and of a tag is seen by the next read', async () => {
  const { a } = await fleet()
  await a.cache.set('warm', 1)
  const users = a.cache.namespace('users')
  void users.set('k', 'X')
  expect(await readsOf(users, 'k')).toEqual(SEEN)
  void a.cache.set('v', 'X', { version: 2 })
  expect(await a.cache.getOrSet('v', () => 'loaded', { version: 2 })).toBe('X')
  void a.cache.set('t', 'X', { tags: ['new'] })
  expect(await readsOf(a.cache, 't')).toEqual(SEEN)
})

test('setMany is seen by the next read', async () => {
  const { a } = await fleet()
  void a.cache.setMany([
    ['k', 'X'],
    ['l', 'Y'],
  ])
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
  expect(await a.cache.getMany(['k', 'l'])).toEqual(['X', 'Y'])
})

test('a set is seen instead of the older value, whichever tier has that', async () => {
  const { a, b } = await fleet()
  await b.cache.set('k', 'old')
  await b.cache.set('l', 'old')
  await settle()
  expect(await a.cache.get('k')).toBe('old')
  void a.cache.set('k', 'X', { tags: ['new'] })
  void a.cache.set('l', 'X', { tags: ['new'] })
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
  expect(await readsOf(a.cache, 'l')).toEqual(SEEN)
})

test('of two sets in one turn the second is seen', async () => {
  const { a, b } = await fleet()
  const writes = [a.cache.set('k', 'W', { tags: ['one'] }), a.cache.set('k', 'X', { tags: ['two'] })]
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
  await Promise.all(writes)
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
  expect(await b.cache.get('k')).toBe('X')
})

test.each(['l1: false', "tiers: 'l2'"])('a set is seen with %s too', async (which) => {
  const { a } = await fleet(which === 'l1: false' ? { l1: false } : { tiers: 'l2' })
  void a.cache.set('k', 'X')
  expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('X')
  await settle()
  expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('X')
})

test('a set is seen while L2 hangs', async () => {
  const { a, clock } = await fleet()
  a.tier.link.stall()
  const writing = a.cache.set('k', 'X', { tags: ['new'] })
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
  await clock.advance(1000)
  expect(await readsOf(a.cache, 'k')).toEqual(SEEN)
  expect(await writing).toBe('queued')
  a.tier.link.resume()
  await clock.advance(20_000)
})

test.each(['delete', 'invalidateTags', 'clear', 'expire'] as const)(
  'a set that %s undoes in the same turn is not seen, nor is the older value',
  async (verb) => {
    const { a, b } = await fleet()
    await b.cache.set('k', 'old')
    void a.cache.set('k', 'X', { tags: ['new'] })
    if (verb === 'invalidateTags') void a.cache.invalidateTags('new')
    else if (verb === 'clear') void a.cache.clear()
    else void a.cache[verb]('k')
    expect(await a.cache.get('k')).toBeUndefined()
    expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('loaded')
    await settle()
  },
)

test('a set whose value is not cached removes the older value at once', async () => {
  const { a, b } = await fleet()
  await b.cache.set('k', 'old')
  await settle()
  expect(await a.cache.get('k')).toBe('old')
  void a.cache.set('k', 'X', { ttl: 0, tags: ['new'] })
  expect(a.cache.peek('k')).toBeUndefined()
  expect(await a.cache.get('k')).toBeUndefined()
  await settle()
  expect(await a.cache.get('k')).toBeUndefined()
})

test('a set that is refused leaves the older value', async () => {
  const { a, b } = await fleet()
  await b.cache.set('k', 'old')
  await settle()
  const refused = a.cache.set('k', () => 'no value', { tags: ['new'] })
  expect(await a.cache.get('k')).toBe('old')
  await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
  expect(await a.cache.get('k')).toBe('old')
})

test('a change that another process announces meanwhile does not hide the later set', async () => {
  const { a, b } = await fleet()
  a.tier.link.stall()
  void a.cache.set('k', 'X', { tags: ['new'] })
  await b.cache.delete('k')
  await settle()
  expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('X')
  a.tier.link.resume()
  await settle()
})

test('the older value is not served from the call of a source’s save on, although its tokens are unknown', async () => {
  const clock = new FakeClock()
  const server = new MemoryServer({ clock })
  const other = open(clock, { l2: memoryTier(server) })
  const here = open(clock, { l2: memoryTier(server) })
  await clock.advance(1)
  const table = new Map([[1, 'old']])
  const saving = deferred<void>()
  const definition = {
    load: (id: number) => table.get(id) ?? 'none',
    save: async (id: number, value: string) => {
      table.set(id, value)
      await saving.promise
    },
    tags: (value: string) => [value],
  }
  await other.source('users', definition).get(1)
  await settle()
  const users = here.source('users', definition)
  expect(await users.get(1)).toBe('old')
  expect(users.peek(1)).toBe('old')
  const writing = users.save(1, 'X')
  expect(users.peek(1)).toBeUndefined()
  await settle()
  expect(await users.get(1)).toBe('X')
  saving.resolve()
  await writing
  expect(await users.get(1)).toBe('X')
})

test('a cache without an L2 sees its set at once', async () => {
  const cache = createCache()
  void cache.namespace('n').set('k', 'X', { tags: ['new'] })
  expect(await readsOf(cache.namespace('n'), 'k')).toEqual(SEEN)
  await cache.close()
})

test('sets with an asynchronous schema are stored in the order of their calls', async () => {
  const slow = deferred<void>()
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: async (value: unknown) => {
        if (value === 'W') await slow.promise
        return { value: value as string }
      },
    },
  }
  const { a } = await fleet({ schema })
  const writes = [a.cache.set('k', 'W'), a.cache.set('k', 'X')]
  await settle()
  slow.resolve()
  await Promise.all(writes)
  expect(await a.cache.get('k')).toBe('X')
  expect(await a.cache.get('k', { tiers: 'l2' })).toBe('X')
})
