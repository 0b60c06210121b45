// Deployments of two versions on one Redis: each has its own entries, and clearing one keeps the other.
import type { Cache } from 'tiercache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    ;[a, b] = await fleet.openTwo()
  })

  afterAll(() => fleet.stop())

  test('clear() of one version of a namespace leaves the other version, in both processes', async () => {
    const [old, next] = [1, 2].map((version) => (cache: Cache) => cache.namespace('users', { version })) as [
      (cache: Cache) => Cache,
      (cache: Cache) => Cache,
    ]
    await old(a).set('k', 'of 1')
    await next(b).set('k', 'of 2')
    for (const cache of [a, b]) {
      expect(await old(cache).get('k')).toBe('of 1')
      expect(await next(cache).get('k')).toBe('of 2')
    }
    expect(await next(a).clear()).toBe('applied')
    expect(await next(a).get('k')).toBeUndefined()
    await waitFor('the other process', async () => (await next(b).get('k')) === undefined)
    for (const cache of [a, b]) {
      expect(await old(cache).get('k')).toBe('of 1')
      expect(await old(cache).get('k', { tiers: 'l2' })).toBe('of 1')
      expect(await next(cache).get('k', { tiers: 'l2' })).toBeUndefined()
    }
  })

  test('two versions of a source load and clear their own entries, and share the tags', async () => {
    const loads = { 1: 0, 2: 0 }
    const sourceOf = (cache: Cache, version: 1 | 2) =>
      cache.source('items', {
        load: (id: number) => {
          loads[version]++
          return `item ${id} of ${version}`
        },
        tags: (_, id) => [`item:${id}`],
        version,
      })
    const [old, next] = [sourceOf(a, 1), sourceOf(b, 2)]
    const read = () => Promise.all([old.getMany([1, 2]), next.getMany([1, 2])])
    const expected = [
      ['item 1 of 1', 'item 2 of 1'],
      ['item 1 of 2', 'item 2 of 2'],
    ]
    expect(await read()).toEqual(expected)
    await Promise.all([a.drain(), b.drain()])
    expect(loads).toEqual({ 1: 2, 2: 2 })
    expect(await old.clear()).toBe('applied')
    expect(await read()).toEqual(expected)
    await Promise.all([a.drain(), b.drain()])
    expect(loads).toEqual({ 1: 4, 2: 2 })
    // A tag belongs to the whole cache, since a change in the database affects both versions.
    expect(await old.invalidate(1)).toBe('applied')
    expect(await a.invalidateTags('item:2')).toBe('applied')
    await waitFor('the other deployment', () => next.peek(2) === undefined)
    expect(await read()).toEqual(expected)
    expect(loads).toEqual({ 1: 6, 2: 3 })
  })
})
