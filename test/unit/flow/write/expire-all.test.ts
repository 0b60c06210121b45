// `expireAll`, the soft twin of `clear`: what it reaches, what it costs, and what it is worth while L2 cannot be reached.
import type { Cache, CacheEvents } from 'tiercache'
import { record, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()
const WINDOWS = { ttl: '1h', staleIfError: '1h' } as const

/** The state of `k`; `false` if it is not there. */
async function stateOf(cache: Pick<Cache, 'lookup'>): Promise<string | false> {
  const lookup = await cache.lookup('k')
  return lookup.found && lookup.state
}

describe('expireAll', () => {
  test('reaches the namespaces below it, and neither those beside it nor other versions of it', async () => {
    const { cache } = l1Only(WINDOWS)
    const a = cache.namespace('a')
    const others = [cache, cache.namespace('b'), cache.namespace('a', { version: 2 })]
    const reached = [a, a.namespace('x'), a.namespace('x', { version: 2 })]
    await Promise.all([...others, ...reached].map((each) => each.set('k', 1)))
    await a.set('k', 1, { version: 7 })
    expect(await a.expireAll()).toBe('applied')
    expect(await Promise.all(others.map(stateOf))).toEqual(['fresh', 'fresh', 'fresh'])
    expect(await Promise.all(reached.map(stateOf))).toEqual(['staleIfError', 'staleIfError', 'staleIfError'])
    expect(await a.lookup('k', { version: 7 })).toMatchObject({ state: 'staleIfError' })
    await cache.expireAll()
    expect(await Promise.all(others.map(stateOf))).toEqual(['staleIfError', 'staleIfError', 'staleIfError'])
  })

  test('leaves what is stored after it alone', async () => {
    const { a, b } = await fleet(WINDOWS)
    await a.cache.set('k', 'old')
    await a.cache.expireAll()
    await a.cache.set('k', 'new')
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual(['new', 'new'])
  })

  test('of a source expires its values only', async () => {
    const { cache } = l1Only(WINDOWS)
    let isDown = false
    const load = async (id: number) => {
      if (isDown) throw new Error('down')
      return `user ${id}`
    }
    const users = cache.source('users', { load })
    await users.getMany([1, 2])
    await cache.set('k', 1)
    expect(await users.expireAll()).toBe('applied')
    isDown = true
    expect([users.peek(1), await users.get(1), await users.get(2)]).toEqual([undefined, 'user 1', 'user 2'])
    expect(await stateOf(cache)).toBe('fresh')
  })

  test('is one command, whatever the number of entries, and one event', async () => {
    const { a, clock } = await fleet(WINDOWS)
    await a.cache.setMany(Array.from({ length: 100 }, (_, i) => [`k${i}`, i] as const))
    await clock.advance(1)
    const events = record<CacheEvents>(a.cache, ['invalidated'])
    a.tier.link.resetCounts()
    expect(await a.cache.expireAll()).toBe('applied')
    expect(a.tier.link.count()).toBe(1)
    expect(events.of('invalidated')).toEqual([
      { by: 'expireAll', origin: 'local', scope: 'tiercache', keys: [], tags: [] },
    ])
  })
})

describe('while L2 cannot be reached', () => {
  test('it takes effect in its process at once, and in the others when L2 is back', async () => {
    const { a, b, clock } = await fleet(WINDOWS)
    await a.cache.set('k', 'old')
    expect(await b.cache.get('k')).toBe('old')
    a.tier.cut()
    await settle()
    expect(await a.cache.expireAll()).toBe('queued')
    expect(await a.cache.get('k')).toBeUndefined()
    a.tier.restore()
    await clock.advance(20_000)
    expect(await stateOf(b.cache)).toBe('staleIfError')
  })

  test('it does not soften a clear that waits', async () => {
    const { a, b, clock } = await fleet(WINDOWS)
    await a.cache.set('k', 'old')
    expect(await b.cache.get('k')).toBe('old')
    a.tier.cut()
    await settle()
    expect(await a.cache.clear()).toBe('queued')
    expect(await a.cache.expireAll()).toBe('queued')
    a.tier.restore()
    await clock.advance(20_000)
    expect([await stateOf(a.cache), await stateOf(b.cache)]).toEqual([false, false])
  })
})
