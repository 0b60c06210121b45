// The pause after a failed load: what ends it, and what its option does.
import { createCache } from 'tiercache'
import { settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const WINDOWS = { ttl: '1m', staleIfError: '1d', random: () => 0.5 } as const
const failing = () => Promise.reject(new Error('down'))

/** A pause has begun in the cache `here`: the stale value is served and no load is tried. */
async function paused(where: 'memory' | 'L2') {
  const { a, b, clock } = await fleet(WINDOWS)
  await a.cache.set('k', 'old', { tags: ['t'] })
  await clock.advance(60_000)
  const here = where === 'memory' ? a.cache : b.cache
  const there = where === 'memory' ? b.cache : a.cache
  expect(await here.getOrSet('k', failing)).toBe('old')
  const load = vi.fn(() => 'new')
  expect(await here.getOrSet('k', load)).toBe('old')
  expect(load).not.toHaveBeenCalled()
  return { here, there, load, clock }
}

describe.each(['memory', 'L2'] as const)('the pause after a failed load, with a stale value in %s,', (where) => {
  test.each(['here', 'there'] as const)('ends when the key is expired %s', async (by) => {
    const all = await paused(where)
    expect(await all[by].expire('k')).toBe('applied')
    await settle()
    expect(await all.here.getOrSet('k', all.load)).toBe('new')
    await settle()
  })

  test.each(['here', 'there'] as const)('ends when a tag of the key is expired %s', async (by) => {
    const all = await paused(where)
    expect(await all[by].expireTags('t')).toBe('applied')
    await settle()
    expect(await all.here.getOrSet('k', all.load)).toBe('new')
    await settle()
  })

  test.each(['here', 'there'] as const)(
    'ends when the key is set %s, also for the time after that value expires',
    async (by) => {
      const all = await paused(where)
      expect(await all[by].set('k', 'set', { ttl: '100ms', staleIfError: '1d' })).toBe('applied')
      await settle()
      await all.clock.advance(100)
      expect(await all.here.getOrSet('k', all.load)).toBe('new')
      await settle()
    },
  )
})

test('the pause ends when the process missed the announcement of a change and finds it in L2', async () => {
  const { a, b, clock } = await fleet({ ...WINDOWS, failureBackoff: { first: '1h', longest: '1h' } })
  await a.cache.set('k', 'old')
  await clock.advance(60_000)
  expect(await a.cache.getOrSet('k', failing)).toBe('old')
  a.tier.busLink.cut()
  await b.cache.expire('k')
  await clock.advance(4_000)
  expect(await a.cache.getOrSet('k', () => 'new')).toBe('new')
  a.tier.busLink.restore()
  await clock.advance(20_000)
})

test('the pause of a key does not end with changes of other keys', async () => {
  const { here, load } = await paused('memory')
  await here.expire('other')
  await here.expireTags('other')
  expect(await here.getOrSet('k', load)).toBe('old')
})

describe('failureBackoff', () => {
  /** How many of ten reads, one per second, try to load. */
  async function tries(options: object, perCall: object = {}) {
    const { cache, clock } = l1Only({ ttl: '1s', staleIfError: '1d', random: () => 1 - Number.EPSILON, ...options })
    await cache.set('k', 'old')
    await clock.advance(1_000)
    const load = vi.fn(failing)
    for (let i = 0; i < 10; i++) {
      expect(await cache.getOrSet('k', load, perCall)).toBe('old')
      await clock.advance(1_000)
    }
    return load.mock.calls.length
  }

  test('is by default a second, doubled up to a minute', async () => {
    expect(await tries({})).toBe(4)
  })

  test('can be shorter, longer or off, per cache and per call', async () => {
    for (const at of ['cache', 'call']) {
      const by = (failureBackoff: unknown) =>
        at === 'cache' ? tries({ failureBackoff }) : tries({}, { failureBackoff })
      expect(await by(false)).toBe(10)
      expect(await by({ longest: '1s' })).toBe(10)
      expect(await by({ first: '5s', longest: '5s' })).toBe(2)
      expect(await by({ first: '1h' })).toBe(1)
    }
  })

  test('can be set for a namespace and for a source', async () => {
    const { cache, clock } = l1Only({ ttl: '1s', staleIfError: '1d' })
    const load = vi.fn<() => Promise<string>>(failing)
    const source = cache.source('users', { load, failureBackoff: false })
    const space = cache.namespace('n', { failureBackoff: false })
    load.mockResolvedValueOnce('old')
    await source.get(1)
    await space.set('k', 'old')
    await clock.advance(1_000)
    for (let i = 0; i < 3; i++) {
      expect(await source.get(1)).toBe('old')
      expect(await space.getOrSet('k', load)).toBe('old')
    }
    expect(load).toHaveBeenCalledTimes(7)
  })

  test('is validated', () => {
    const withBackoff = (failureBackoff: unknown) => () => createCache({ failureBackoff } as object)
    expect(withBackoff(true)).toThrow(
      "failureBackoff must be { first, longest }, such as { first: '1s', longest: '1m' }",
    )
    expect(withBackoff('1s')).toThrow('failureBackoff must be')
    expect(withBackoff({ frist: '1s' })).toThrow('Did you mean first?')
    expect(withBackoff({ first: 0 })).toThrow('failureBackoff.first must be a duration above 0')
    expect(withBackoff({ first: '5s', longest: '1s' })).toThrow('failureBackoff.longest must be at least')
  })
})
