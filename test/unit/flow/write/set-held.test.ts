// `set` and `save` while a hold lasts: a value of a key that is held is newer than the hold; a value with a tag that is held may not be.
import type { CacheEvents } from 'tiercache'
import { record } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('a set of a key that is held', () => {
  test('is kept, in every process, and ends the hold', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await a.cache.delete('k', { hold: '1m' })
    expect(await a.cache.set('k', 'set')).toBe('applied')
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual(['set', 'set'])
    await a.cache.delete('k')
    await a.cache.getOrSet('k', () => 'loaded')
    await clock.advance(1)
    expect(await a.cache.get('k')).toBe('loaded')
  })

  test('does not end a hold that began after its call', async () => {
    const { a, clock } = await fleet({ ttl: '1h' })
    const setting = a.cache.set('k', 'set')
    const deleting = a.cache.delete('k', { hold: '1m' })
    await Promise.all([setting, deleting])
    await a.cache.getOrSet('k', () => 'loaded')
    await clock.advance(1)
    expect(await a.cache.get('k')).toBeUndefined()
  })

  test('is kept by a save as well', async () => {
    const { a, clock } = await fleet({ ttl: '1h' })
    const rows = a.cache.source('rows', { load: (id: number) => `row ${id}`, save: () => undefined })
    await rows.invalidate(1, { hold: '1m' })
    await rows.save(1, 'saved')
    await clock.advance(1)
    expect(await rows.get(1)).toBe('saved')
  })
})

describe('a set of a value with a tag that is held', () => {
  test.each(['here', 'elsewhere'] as const)('is kept nowhere if it was invalidated %s, and says so', async (where) => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await a.cache.set('k', 'before', { tags: ['t'] })
    await (where === 'here' ? a : b).cache.invalidateTags(['t'], { hold: '5s' })
    await clock.advance(1)
    const dropped = record<CacheEvents>(a.cache, ['dropped', 'stored'])
    expect(await a.cache.set('k', 'set', { tags: ['t'] })).toBe('applied')
    expect(dropped.events).toEqual([{ event: 'dropped', detail: expect.objectContaining({ why: 'held', key: 'k' }) }])
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([undefined, undefined])
    await clock.advance(5_000)
    await a.cache.set('k', 'set', { tags: ['t'] })
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual(['set', 'set'])
  })

  test('is kept nowhere without an L2 either', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    await cache.invalidateTags(['t'], { hold: '5s' })
    await cache.set('k', 'set', { tags: ['t'] })
    expect(cache.peek('k')).toBeUndefined()
    await clock.advance(5_000)
    await cache.set('k', 'set', { tags: ['t'] })
    expect(cache.peek('k')).toBe('set')
  })

  test('is not kept by a save, which changes the source nevertheless', async () => {
    const { a, clock } = await fleet({ ttl: '1h' })
    const table = new Map([[1, 'first']])
    const rows = a.cache.source('rows', {
      load: (id: number) => table.get(id),
      save: (id, row) => table.set(id, row),
      tags: ['t'],
    })
    await a.cache.invalidateTags(['t'], { hold: '5s' })
    expect(await rows.save(1, 'saved')).toBe('applied')
    await clock.advance(1)
    expect([rows.peek(1), table.get(1)]).toEqual([undefined, 'saved'])
  })
})
