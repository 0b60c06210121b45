// Tokens that are being read or sent while their label is invalidated: entries that carry them must not be served afterwards (G1).
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

test('a value set while its tag is invalidated by a later call is gone afterwards', async () => {
  const { a, clock } = await fleet()
  a.tier.link.requestMs = 5
  const set = a.cache.set('k', 'v', { tags: ['t'] })
  await settle()
  const invalidated = a.cache.invalidateTags(['t'])
  await clock.advance(50)
  expect([await set, await invalidated]).toEqual(['applied', 'applied'])
  expect(a.cache.peek('k')).toBeUndefined()
})

test('the tokens of all labels of a tick are read in one command', async () => {
  const { a, b } = await fleet()
  await a.cache.set('x', 1, { tags: ['t1', 't2', 't3'] })
  await a.cache.set('y', 2, { tags: ['t3', 't4'] })
  b.tier.link.resetCounts()
  expect(await Promise.all([b.cache.get('x'), b.cache.get('y')])).toEqual([1, 2])
  expect(b.tier.link.count('read')).toBe(1)
  expect(b.tier.link.count('readTokens')).toBe(1)
  expect(b.tier.link.count()).toBe(2)
})

test('once the tokens are known a tagged hit in L2 is one command, and in L1 none', async () => {
  const { a, b } = await fleet()
  await a.cache.set('x', 1, { tags: ['t1', 't2'] })
  await a.cache.set('y', 2, { tags: ['t1', 't2'] })
  expect(await b.cache.get('x')).toBe(1)
  b.tier.link.resetCounts()
  expect(await b.cache.get('y')).toBe(2)
  expect(b.tier.link.count()).toBe(1)
  expect(await b.cache.get('y')).toBe(2)
  expect(b.tier.link.count()).toBe(1)
})

test('once the tokens are known a miss costs at most two commands before the load and one after it', async () => {
  const { a } = await fleet()
  await a.cache.getOrSet('warm', () => 1, { tags: ['t'] })
  await a.cache.drain()
  a.tier.link.resetCounts()
  let before = -1
  await a.cache.getOrSet(
    'k',
    () => {
      before = a.tier.link.count()
      return 1
    },
    { tags: ['t'] },
  )
  await a.cache.drain()
  expect(before).toBe(2)
  expect(a.tier.link.count()).toBe(3)
})

describe('a tag derived from the loaded value', () => {
  const derived = { tags: (value: { tags: readonly string[] }) => value.tags }
  const load = () => ({ tags: ['t'] })

  test('invalidates the value, also if its token was only read before', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('other', 'v', { tags: ['t'] })
    expect(await b.cache.get('other')).toBe('v')
    await b.cache.getOrSet('k', load, derived)
    await clock.advance(1)
    expect(await b.cache.invalidateTags(['t'])).toBe('applied')
    expect(await b.cache.get('k')).toBeUndefined()
    expect(await a.cache.get('k')).toBeUndefined()
  })

  test('keeps the value out of L2 if the tag was invalidated meanwhile and L2 cannot show it', async () => {
    const { a, b, clock } = await fleet()
    const gate = deferred<{ tags: readonly string[] }>()
    const loading = b.cache.getOrSet('k', () => gate.promise, derived)
    await clock.advance(1)
    // B does not hear of it in time, and learns the new token.
    b.tier.busLink.replyMs = 1_000
    expect(await a.cache.invalidateTags(['t'])).toBe('applied')
    await a.cache.set('other', 'v', { tags: ['t'] })
    expect(await b.cache.get('other')).toBe('v')
    b.tier.link.inject({ on: 'ensureTokens', effect: 'refuse', times: 1 })
    gate.resolve({ tags: ['t'] })
    await loading
    await b.cache.drain()
    expect(await a.cache.get('k')).toBeUndefined()
    await clock.advance(2_000)
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('does not delay a caller that joins the load after an invalidation', async () => {
    const { a, clock } = await fleet()
    const gate = deferred<{ tags: readonly string[] }>()
    const first = a.cache.getOrSet('k', () => gate.promise, derived)
    await clock.advance(1)
    await a.cache.invalidateTags(['t'])
    const fresh = { tags: ['t'], is: 'fresh' }
    const second = a.cache.getOrSet('k', () => fresh, derived)
    // The proof for the first load takes a while.
    a.tier.link.inject({ on: 'ensureTokens', effect: 'delay', byMs: 50, times: 1 })
    gate.resolve({ tags: ['t'] })
    expect(await first).toEqual({ tags: ['t'] })
    await clock.advance(100)
    expect(await second).toEqual(fresh)
  })
})

test('a token learned at the moment at which a load began proves nothing about the time before it', async () => {
  const { a, b, server, clock } = await fleet({ ttl: '1h' })
  const gate = deferred<string>()
  const loading = b.cache.getOrSet('k', () => gate.promise, { tags: () => ['t'] })
  await settle()
  server.evictLog('tiercache') // B does not hear what is announced from now on.
  expect(await a.cache.invalidateTags(['t'])).toBe('applied')
  await b.cache.set('other', 'v', { tags: ['t'] })
  gate.resolve('old')
  expect(await loading).toBe('old')
  await clock.advance(5_000)
  expect(await b.cache.get('k')).toBeUndefined()
  expect(await a.cache.get('k')).toBeUndefined()
})

test('known tokens stay valid for L2 if the bus has a loss while the unknown ones are read', async () => {
  const { a, b, server, clock } = await fleet({ ttl: '1h' })
  await a.cache.set('other', 'v')
  const lost: string[] = []
  a.cache.on('busLost', ({ reason }) => void lost.push(reason))
  a.tier.link.inject({ on: 'ensureTokens', effect: 'delay', byMs: 150, times: 1 })
  const loading = a.cache.getOrSet('k', () => 'v', { tags: ['t'] })
  await settle()
  a.tier.busLink.cut()
  server.evictLog('tiercache')
  a.tier.busLink.restore()
  await clock.advance(150)
  expect(await loading).toBe('v')
  await a.cache.drain()
  expect(lost).toHaveLength(1)
  expect(await b.cache.get('k')).toBe('v')
})
