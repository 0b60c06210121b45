import { type CacheEvents, createCache, inProcessBus } from 'tiercache'
import { deferred, FakeClock, record, settle } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { fleet, l1Only } = leavesNothing()

test('every key that begins with the prefix is gone in every process, and no other key', async () => {
  const { a, b, clock } = await fleet()
  for (const key of ['user:1', 'user:2', 'user', 'order:1']) await a.cache.set(key, key)
  expect(await b.cache.getMany(['user:1', 'user:2', 'user', 'order:1'])).toEqual([
    'user:1',
    'user:2',
    'user',
    'order:1',
  ])
  expect(await a.cache.deleteByPrefix('user:')).toBe(2)
  await clock.advance(1)
  for (const { cache } of [a, b]) {
    expect(await cache.getMany(['user:1', 'user:2', 'user', 'order:1'])).toEqual([
      undefined,
      undefined,
      'user',
      'order:1',
    ])
  }
})

test('deleteByPrefix stays within its namespace and version', async () => {
  const { a } = await fleet()
  const spaces = [a.cache, a.cache.namespace('ns'), a.cache.namespace('ns', { version: 2 })]
  for (const space of spaces) await space.set('k1', 'v')
  expect(await spaces[1]!.deleteByPrefix('k')).toBe(1)
  expect(await Promise.all(spaces.map((space) => space.get('k1')))).toEqual(['v', undefined, 'v'])
})

test('characters with a meaning in patterns or cluster slots are taken literally', async () => {
  const { a } = await fleet()
  for (const key of ['a*b', 'a{b}', 'a%b', 'axb']) await a.cache.set(key, 'v')
  expect(await a.cache.deleteByPrefix('a*')).toBe(1)
  expect(await a.cache.deleteByPrefix('a{')).toBe(1)
  expect(await a.cache.deleteByPrefix('a%')).toBe(1)
  expect(await a.cache.get('axb')).toBe('v')
})

test('a load that began before deleteByPrefix stores nothing, in this process or another', async () => {
  const { a, b, clock } = await fleet()
  const gate = deferred<string>()
  const callers = [a, b].map(({ cache }, i) => cache.getOrSet(`k${i}`, () => gate.promise))
  await clock.advance(1)
  await a.cache.deleteByPrefix('k')
  await clock.advance(1)
  gate.resolve('old')
  expect(await Promise.all(callers)).toEqual(['old', 'old'])
  await clock.advance(10)
  for (const { cache } of [a, b]) expect(await cache.getMany(['k0', 'k1'])).toEqual([undefined, undefined])
})

test('a queued value whose key begins with the prefix is never written to Redis', async () => {
  const { a, b, clock } = await fleet()
  const stopRefusing = a.tier.link.inject({ on: 'apply', effect: 'refuse' })
  expect(await a.cache.set('k', 'old')).toBe('queued')
  expect(await b.cache.deleteByPrefix('k')).toBe(0)
  await clock.advance(1)
  stopRefusing()
  await clock.advance(20_000)
  expect(await b.cache.get('k')).toBeUndefined()
})

test('without an L2 it returns how many keys memory had', async () => {
  const { cache } = l1Only()
  await cache.set('a1', 1)
  await cache.set('a2', 2)
  await cache.set('b1', 3)
  expect(await cache.deleteByPrefix('a')).toBe(2)
  expect(cache.peek('b1')).toBe(3)
})

test('other caches of one process receive it over their bus', async () => {
  const hub = inProcessBus()
  const clock = new FakeClock()
  const [a, b] = [createCache({ clock, bus: hub.connect() }), createCache({ clock, bus: hub.connect() })]
  await settle()
  await b.set('k', 'v')
  await a.deleteByPrefix('k')
  expect(b.peek('k')).toBeUndefined()
  await Promise.all([a.close(), b.close()])
})

test('it rejects while Redis is unreachable, since no other process would hear of it', async () => {
  const { a, clock } = await fleet()
  await a.cache.set('k', 'v')
  a.tier.cut()
  await clock.advance(1)
  await expect(a.cache.deleteByPrefix('k')).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
})

test('an aborted signal ends it', async () => {
  const { a } = await fleet()
  const reason = new Error('enough')
  await expect(a.cache.deleteByPrefix('k', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test.each([
  ['too long', 'x'.repeat(600)],
  ['ill-formed', '\ud800'],
  ['no string', 7 as unknown as string],
])('a prefix that is %s is refused', async (_, prefix) => {
  const { cache } = l1Only()
  await expect(cache.deleteByPrefix(prefix)).rejects.toMatchObject({ code: 'INVALID_KEY' })
})

test('it is reported as an event, in this process and in the other', async () => {
  const { a, b, clock } = await fleet()
  const [here, there] = [a, b].map(({ cache }) => record<CacheEvents>(cache, ['invalidated']))
  await a.cache.deleteByPrefix('k')
  await clock.advance(1)
  expect(here?.of('invalidated')).toMatchObject([{ by: 'deleteByPrefix', origin: 'local' }])
  expect(there?.of('invalidated')).toMatchObject([{ origin: 'remote' }])
})
