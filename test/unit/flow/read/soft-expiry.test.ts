// `expire`, `expireTags` and `expireAll`: the value stops being fresh at once, and only `staleIfError` decides whether and how long it may be served.
import type { Cache } from 'tiercache'
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const places = ['memory alone', 'the process that expires', 'another process', 'a process that comes later'] as const
const verbs = ['expire', 'expireTags', 'expireAll'] as const

const down = new Error('down')
const failing = () => Promise.reject(down)

function softlyExpire(cache: Cache, verb: (typeof verbs)[number]) {
  if (verb === 'expireAll') return cache.expireAll()
  return verb === 'expire' ? cache.expire('k') : cache.expireTags('t')
}

/** A value that was expired when it was 60 s old, and the cache that reads it, which may be a namespace of another. */
async function expired(place: (typeof places)[number], verb: (typeof verbs)[number], options = {}, name?: string) {
  const within = (cache: Cache) => (name === undefined ? cache : cache.namespace(name, options))
  const own = name === undefined ? options : {}
  if (place === 'memory alone') {
    const { cache, clock } = l1Only(own)
    const home = within(cache)
    await home.set('k', 'old', { tags: ['t'] })
    await clock.advance(60_000)
    await softlyExpire(home, verb)
    return { cache: home, clock }
  }
  const { a, b, clock } = await fleet(own)
  const [writer, other] = [within(a.cache), within(b.cache)]
  await writer.set('k', 'old', { tags: ['t'] })
  if (place === 'another process') await other.get('k')
  await clock.advance(60_000)
  await softlyExpire(writer, verb)
  await settle()
  return { cache: place === 'the process that expires' ? writer : other, clock }
}

describe.each(places)('in %s', (place) => {
  describe.each(verbs)('after %s', (verb) => {
    test('a value without staleIfError is not served when the load fails', async () => {
      for (const name of [undefined, 'users']) {
        const { cache } = await expired(place, verb, { ttl: '1d' }, name)
        await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
        expect(await cache.get('k')).toBeUndefined()
        expect(await cache.lookup('k')).toEqual({ found: false })
      }
    })

    test('a value with staleWhileRevalidate alone is not served when the load fails', async () => {
      const { cache } = await expired(place, verb, { ttl: '1d', staleWhileRevalidate: '1d' })
      await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
    })

    test('staleIfError serves it, counted from the soft expiry', async () => {
      const { cache, clock } = await expired(place, verb, { ttl: '1d', staleIfError: '10s', failureBackoff: false })
      await clock.advance(9_800)
      expect(await cache.get('k')).toBeUndefined()
      // A process that learns of the expiry of a label only at its first read cannot know when it was.
      const isKnownHere = !(place === 'a process that comes later' && verb !== 'expire')
      expect(await cache.getOrSet('k', failing)).toBe('old')
      await clock.advance(isKnownHere ? 200 : 10_000)
      await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
      await clock.advance(1000)
      await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
    })

    test('staleIfError serves it no longer than without the soft expiry', async () => {
      const { cache, clock } = await expired(place, verb, { ttl: '48s', staleIfError: '18s', failureBackoff: false })
      await clock.advance(5_000)
      expect(await cache.getOrSet('k', failing)).toBe('old')
      await clock.advance(1_000)
      await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
    })

    test('with equal windows of staleWhileRevalidate and staleIfError it is served only if the load fails', async () => {
      const { cache } = await expired(place, verb, { ttl: '1d', staleWhileRevalidate: '1m', staleIfError: '1m' })
      expect(await cache.get('k')).toBeUndefined()
      expect(await cache.getOrSet('k', failing)).toBe('old')
      await settle()
    })
  })
})

test('a second soft expiry does not restart the time', async () => {
  const { cache, clock } = await expired('memory alone', 'expire', {
    ttl: '1d',
    staleIfError: '10s',
    failureBackoff: false,
  })
  await clock.advance(9_000)
  await cache.expire('k')
  expect(await cache.getOrSet('k', failing)).toBe('old')
  await clock.advance(1_000)
  await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
})

test('a value with an infinite ttl is served for the staleIfError of its reader', async () => {
  for (const staleIfError of [0, '10s'] as const) {
    const { cache } = await expired('a process that comes later', 'expire', { ttl: Infinity, staleIfError })
    if (staleIfError === 0) await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
    else expect(await cache.getOrSet('k', failing)).toBe('old')
  }
})

test('softTimeout does not serve a value whose time ends while the load runs', async () => {
  const { cache, clock } = await expired('memory alone', 'expire', { ttl: '1d', staleIfError: '10s' })
  await clock.advance(9_000)
  const caller = cache.getOrSet('k', () => new Promise((resolve) => void clock.after(3_000, () => resolve('new'))), {
    softTimeout: '2s',
  })
  await clock.advance(3_000)
  expect(await caller).toBe('new')
})
