// The in-process half of G1 and G2: what this process writes or invalidates during a load or a read of L2 wins in both tiers.
import type { Cache } from 'tiercache'
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

type Verb = 'set' | 'delete' | 'expire' | 'clear' | 'expireAll' | 'invalidateTags' | 'expireTags'
const verbs: readonly Verb[] = ['set', 'delete', 'expire', 'clear', 'expireAll', 'invalidateTags', 'expireTags']

function run(cache: Cache, verb: Verb): Promise<unknown> {
  switch (verb) {
    case 'set':
      return cache.set('k', 'set', { tags: ['t'] })
    case 'delete':
    case 'expire':
      return cache[verb]('k')
    case 'clear':
    case 'expireAll':
      return cache[verb]()
    case 'invalidateTags':
    case 'expireTags':
      return cache[verb](['t'])
    default:
      return verb satisfies never
  }
}

/** The value that later reads find. */
const remains = (verb: Verb) => (verb === 'set' ? 'set' : undefined)

describe.each(verbs)('%s during a load', (verb) => {
  test('wins in memory: callers of the load get its value, later callers do not', async () => {
    const { cache } = l1Only()
    const gate = deferred<string>()
    const callers = [1, 2].map(() => cache.getOrSet('k', () => gate.promise, { tags: ['t'] }))
    await settle()
    const invalidating = run(cache, verb)
    // Not awaited, because it has its effect at once.
    const later = cache.getOrSet('k', () => 'new', { tags: ['t'] })
    gate.resolve('old')
    await invalidating
    expect(await Promise.all(callers)).toEqual(['old', 'old'])
    expect(await later).toBe(verb === 'set' ? 'set' : 'new')
    expect(await cache.get('k')).toBe(verb === 'set' ? 'set' : 'new')
  })

  test('wins in L2, and so in every other process', async () => {
    const { a, b, clock } = await fleet()
    const gate = deferred<string>()
    const caller = a.cache.getOrSet('k', () => gate.promise, { tags: ['t'] })
    await clock.advance(1)
    expect(await run(a.cache, verb)).toBe('applied')
    gate.resolve('old')
    expect(await caller).toBe('old')
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([remains(verb), remains(verb)])
  })

  test('wins although the fill was already on its way when it was called', async () => {
    const { a, b, clock } = await fleet()
    const gate = deferred<string>()
    const caller = a.cache.getOrSet('k', () => gate.promise, { tags: ['t'] })
    await clock.advance(1)
    a.tier.link.inject({ on: 'swap', effect: 'delay', byMs: 50, times: 1 })
    gate.resolve('old')
    expect(await caller).toBe('old')
    await settle()
    expect(await run(a.cache, verb)).toBe('applied')
    await clock.advance(60)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([remains(verb), remains(verb)])
  })

  test('wins over a replay of the fill', async () => {
    const { a, b, clock } = await fleet()
    a.tier.link.inject({ on: 'swap', effect: 'repeat', byMs: 50, times: 1 })
    await a.cache.getOrSet('k', () => 'old', { tags: ['t'] })
    await clock.advance(1)
    expect(await run(a.cache, verb)).toBe('applied')
    await clock.advance(60)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([remains(verb), remains(verb)])
  })

  test('wins over a background refresh', async () => {
    const { a, b, clock } = await fleet({ ttl: 100, staleWhileRevalidate: 1000 })
    await a.cache.set('k', 'older', { tags: ['t'] })
    await clock.advance(100)
    const gate = deferred<string>()
    expect(await a.cache.getOrSet('k', () => gate.promise, { tags: ['t'] })).toBe('older')
    await clock.advance(1)
    expect(await run(a.cache, verb)).toBe('applied')
    gate.resolve('old')
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([remains(verb), remains(verb)])
  })
})

describe.each(verbs)('%s while L2 is being read', (verb) => {
  test('keeps the value that was read out of memory', async () => {
    const { a, b, clock } = await fleet()
    await b.cache.set('k', 'old', { tags: ['t'] })
    await a.cache.getMany(['k']) // From here on the tokens are known.
    await b.cache.set('k', 'newer', { tags: ['t'] })
    await clock.advance(1)
    a.tier.link.stall('replies')
    const reading = a.cache.getOrSet('k', () => 'loaded', { tags: ['t'] })
    await clock.advance(10)
    const invalidating = run(a.cache, verb)
    a.tier.link.resume()
    expect(['newer', 'loaded']).toContain(await reading)
    if (verb === 'delete' || verb === 'expire') expect(a.cache.peek('k')).toBeUndefined()
    expect(await invalidating).toBe('applied')
    await a.cache.drain()
    if (verb !== 'clear' && !verb.endsWith('Tags')) expect(a.cache.peek('k')).toBe(remains(verb))
    const later = await a.cache.get('k')
    expect([remains(verb), 'loaded']).toContain(later)
  })
})

describe('read your writes (G2)', () => {
  test('a value that was set is read back at once, whatever L2 does', async () => {
    for (const trouble of ['none', 'cut', 'hung', 'refusing'] as const) {
      const { a, clock } = await fleet()
      await a.cache.set('k', 'old')
      if (trouble === 'cut') a.tier.cut()
      if (trouble === 'hung') a.tier.link.stall()
      if (trouble === 'refusing') a.tier.link.inject({ effect: 'refuse' })
      const setting = a.cache.set('k', 'new')
      await clock.advance(201)
      expect(await setting).toBe(trouble === 'none' ? 'applied' : 'queued')
      expect(await a.cache.get('k')).toBe('new')
      expect(await a.cache.getOrSet('k', () => 'loaded')).toBe('new')
      a.tier.restore()
      a.tier.link.resume()
      a.tier.link.clearFaults()
      await clock.advance(20_000)
      expect(await a.cache.get('k')).toBe('new')
    }
  })

  test('a key that was deleted is gone, whatever L2 does', async () => {
    for (const trouble of ['cut', 'hung', 'refusing'] as const) {
      const { a, b, clock } = await fleet()
      await a.cache.set('k', 'old')
      if (trouble === 'cut') a.tier.cut()
      if (trouble === 'hung') a.tier.link.stall()
      if (trouble === 'refusing') a.tier.link.inject({ effect: 'refuse' })
      const deleting = a.cache.delete('k')
      await clock.advance(201)
      expect(await deleting).toBe('queued')
      expect(await a.cache.get('k')).toBeUndefined()
      a.tier.restore()
      a.tier.link.resume()
      a.tier.link.clearFaults()
      await clock.advance(20_000)
      expect(await a.cache.get('k')).toBeUndefined()
      expect(await b.cache.get('k')).toBeUndefined()
    }
  })

  test('of two sets the later one stays, in both tiers', async () => {
    const { a, b, clock } = await fleet()
    await Promise.all([a.cache.set('k', 1), a.cache.set('k', 2), a.cache.set('k', 3)])
    expect(await a.cache.get('k')).toBe(3)
    await clock.advance(1)
    expect(await b.cache.get('k')).toBe(3)
    await Promise.all([a.cache.set('k', 4), a.cache.delete('k')])
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([undefined, undefined])
    await Promise.all([a.cache.delete('k'), a.cache.set('k', 5)])
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([5, 5])
  })
})
