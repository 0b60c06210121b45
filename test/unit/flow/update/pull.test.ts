// What a pull promises, on the fake clock: of all callers at most one gets the value, and afterwards nobody has it.
import type { CacheError } from 'tiercache'
import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'
import { until } from '../../../support/until.js'

const { l1Only, fleet } = leavesNothing()

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'accepted',
    (error: CacheError) => error.code,
  )
}

describe('a pull', () => {
  test('returns the value, and afterwards no process has it', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'v')
    expect(await b.cache.get('k')).toBe('v')
    expect(await b.cache.pull('k')).toBe('v')
    await clock.advance(1)
    expect([a.cache.peek('k'), b.cache.peek('k')]).toEqual([undefined, undefined])
    expect([await a.cache.get('k'), await b.cache.pull('k')]).toEqual([undefined, undefined])
  })

  test('by many callers in two processes gives the value to one of them', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'v')
    a.tier.link.requestMs = 2
    const pulls = [a, b].flatMap(({ cache }) => Array.from({ length: 20 }, () => cache.pull('k')))
    const values = await until(clock, Promise.all(pulls))
    expect(values.filter((value) => value !== undefined)).toEqual(['v'])
  })

  test('takes the value from L2, not from the memory of its process', async () => {
    const { a, b } = await fleet()
    await a.cache.set('k', 'old')
    a.tier.busLink.stall()
    await b.cache.set('k', 'new')
    expect(await a.cache.pull('k')).toBe('new')
    await b.cache.set('k', 'newer')
    await b.cache.pull('k')
    a.tier.busLink.resume()
  })

  test('leaves nothing in the memory of its process for what L2 has lost', async () => {
    const { a, server } = await fleet()
    await a.cache.set('k', 'v')
    for (const key of server.keys()) if (key.endsWith(':k')) server.evict(key)
    expect([await a.cache.pull('k'), a.cache.peek('k')]).toEqual([undefined, undefined])
  })

  test('does not return what is soft-expired, and removes it', async () => {
    const { a, b } = await fleet({ staleIfError: '1h' })
    await a.cache.set('k', 'v')
    await a.cache.expire('k')
    expect(await b.cache.pull('k')).toBeUndefined()
    expect(await a.cache.lookup('k')).toEqual({ found: false })
  })

  test('wins over a load that refreshes the value', async () => {
    const { a, b, clock } = await fleet({ ttl: '1s', staleWhileRevalidate: '1h' })
    await a.cache.set('k', 'v')
    await clock.advance(2_000)
    const gate = deferred<string>()
    expect(await b.cache.getOrSet('k', () => gate.promise)).toBe('v')
    await settle()
    expect(await a.cache.pull('k')).toBe('v')
    gate.resolve('refreshed')
    await b.cache.drain()
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([undefined, undefined])
  })

  test('works in namespaces and for versions', async () => {
    const { a, b } = await fleet()
    const jobs = a.cache.namespace('jobs')
    await jobs.setMany([['k', 'v']], { version: 2 })
    expect([await jobs.pull('k'), await jobs.pull('k', { version: 2 })]).toEqual([undefined, 'v'])
    expect(await b.cache.namespace('jobs').pull('k', { version: 2 })).toBeUndefined()
  })

  test('is a read with one outcome, and an invalidation if there was a value', async () => {
    const { a, clock } = await fleet()
    await a.cache.set('k', 'v')
    const events = record(a.cache, ['hit', 'miss', 'invalidated'])
    await a.cache.pull('k')
    await a.cache.pull('k')
    expect(events.names()).toEqual(['invalidated', 'hit', 'miss'])
    expect(events.of('invalidated')).toMatchObject([{ by: 'delete', keys: ['k'] }])
    a.tier.cut()
    expect(await codeOf(until(clock, a.cache.pull('k')))).toBe('L2_UNAVAILABLE')
    await expect(a.cache.pull('k', { signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left')
    expect(a.cache.stats().reads).toMatchObject({ hit: { l2: 1 }, absent: 1, failed: 1, aborted: 1, total: 4 })
    a.tier.restore()
  })
})

describe('a pull while L2 is in trouble', () => {
  test('rejects and removes nothing if L2 cannot be reached', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'v')
    a.tier.cut()
    expect(await codeOf(until(clock, a.cache.pull('k')))).toBe('L2_UNAVAILABLE')
    expect(a.cache.peek('k')).toBe('v')
    a.tier.restore()
    await clock.advance(2_000)
    expect(await b.cache.pull('k')).toBe('v')
  })

  test('rejects if its removal was not confirmed, and then nobody gets the value', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await b.cache.set('k', 'v')
    a.tier.link.inject({ on: 'swap', effect: 'loseReply', times: 1 })
    expect(await codeOf(until(clock, a.cache.pull('k')))).toBe('L2_UNAVAILABLE')
    await clock.advance(1)
    expect([await b.cache.pull('k'), await b.cache.get('k'), await a.cache.get('k')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('without an L2, a pull', () => {
  test('takes the value from memory once', async () => {
    const { cache } = l1Only()
    await cache.set('k', 'v')
    expect(await Promise.all([cache.pull('k'), cache.pull('k')])).toEqual(['v', undefined])
    expect(cache.stats().reads).toMatchObject({ hit: { l1: 1 }, absent: 1 })
  })
})
