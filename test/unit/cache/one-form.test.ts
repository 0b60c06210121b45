// Where several keys, ids or tags can be meant, one or an array is taken; what else stands there is refused, never ignored.
import type { Cache } from 'tiercache'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

/** What code without types can call. */
type Loose = Record<string, (...args: unknown[]) => unknown>
const loose = (held: unknown) => held as Loose

function call(held: unknown, verb: string, ...args: unknown[]): Promise<unknown> {
  return Promise.resolve().then(() => (held as Loose)[verb]?.call(held, ...args))
}

describe('a meaningless second argument is refused before anything is done:', () => {
  test.each<[string, unknown[], RegExp]>([
    ['delete', ['a', 'b'], /options of delete .* got "b"\. Pass several keys as one array/],
    ['delete', ['a', ['b']], /options of delete/],
    ['delete', ['a', { ttl: 1 }], /no option "ttl"/],
    ['expire', ['a', 'b'], /options of expire/],
    ['invalidateTags', ['t', 'u'], /one tag or an array.*got "u"/],
    ['invalidateTags', ['t', {}], /one tag or an array/],
    ['expireTags', ['t', 'u'], /one tag or an array/],
    ['clear', ['a'], /deleteByPrefix/],
    ['get', ['a', 'b'], /options of get/],
    ['get', ['a', { ttl: '1m' }], /get has no option "ttl"/],
    ['lookup', ['a', { hardTimeout: 1 }], /lookup has no option/],
    ['has', ['a', { schema: {} }], /has has no option/],
    ['peek', ['a', { tiers: 'l2' }], /peek has no option/],
    ['getMany', ['a', 'b'], /Pass several keys as one array/],
    ['getMany', [['a'], { signal: 1 }], /signal must be an AbortSignal/],
    ['set', ['a', 1, { softTimeout: 1 }], /set has no option "softTimeout"/],
    ['set', ['a', 1, '5m'], /options of set/],
    ['update', ['a', () => 1, { softTimeout: 1 }], /update has no option "softTimeout"/],
    ['update', ['a', 'b'], /second argument of update must be a function/],
    ['pull', ['a', 'b'], /options of pull/],
    ['setMany', [[['a', 1]], { singleFlight: 'process' }], /set has no option/],
    ['warm', [[], { concurency: 1 }], /Did you mean concurrency/],
    ['explain', ['a', 'b'], /options of explain/],
    ['deleteByPrefix', ['a', { version: 1 }], /deleteByPrefix has no option/],
  ])('%s(%j)', async (verb, args, message) => {
    const { cache } = l1Only()
    await cache.setMany([
      ['a', 'kept'],
      ['b', 'kept'],
    ])
    await expect(call(cache, verb, ...args)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message),
    })
    expect(await cache.getMany(['a', 'b'])).toEqual(['kept', 'kept'])
  })

  test.each<[string, unknown[]]>([
    ['get', [1, { ttl: '1m' }]],
    ['get', [1, 2]],
    ['get', [1, { signal: 'no' }]],
    ['getMany', [[1], 2]],
    ['lookupMany', [[1], { version: 2 }]],
    ['refresh', [1, { ttl: '1m' }]],
    ['invalidate', [1, 2]],
    ['expire', [1, 2]],
    ['save', [1, 'v', { ttl: '1m' }]],
    ['saveMany', [[[1, 'v']], { ttl: '1m' }]],
    ['remove', [1, 2]],
    ['clear', [1]],
    ['warm', [[1], { ttl: '1m' }]],
  ])('source.%s(%j)', async (verb, args) => {
    const { cache } = l1Only()
    const table = new Map([[1, 'one']])
    const source = cache.source('s', {
      load: (id: number) => table.get(id),
      save: (id, value) => table.set(id, value),
      remove: (id) => table.delete(id),
    })
    await source.get(1)
    await expect(call(source, verb, ...args)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect([source.peek(1), table.get(1)]).toEqual(['one', 'one'])
  })

  test.each<[string, unknown[]]>([
    ['clear', ['a']],
    ['set', ['a', 1]],
  ])('wrapped.%s(%j)', async (verb, args) => {
    const { cache } = l1Only()
    const echo = cache.wrap(async (text: string) => text, { name: 'echo' })
    await echo('a')
    await expect(call(echo, verb, ...args)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(echo.peek('a')).toBe('a')
  })

  test('a list in pages refuses a cursor for invalidate and an unknown option for page', async () => {
    const { cache } = l1Only()
    const list = cache.pages('list', { loadPage: (_cursor: number | undefined) => ({ items: [1] }) })
    await list.page()
    await expect(call(list, 'invalidate', 7)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(call(list, 'page', 7, { ttl: 1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('verbs take one or an array', () => {
  test('of keys', async () => {
    const { cache } = l1Only()
    await cache.setMany(['a', 'b', 'c'].map((key) => [key, key]))
    await cache.delete('a')
    await cache.delete(['b'])
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([undefined, undefined, 'c'])
    expect(await cache.getMany('c' as never)).toEqual(['c'])
  })

  test('of tags', async () => {
    const { cache } = l1Only()
    const set = (key: string) => cache.set(key, key, { tags: [`t:${key}`] })
    await Promise.all(['a', 'b', 'c'].map(set))
    await cache.invalidateTags('t:a')
    await cache.expireTags(['t:b'])
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([undefined, undefined, 'c'])
    await expect(loose(cache).invalidateTags?.call(cache, 7)).rejects.toMatchObject({ code: 'INVALID_KEY' })
  })

  test('of ids, and an id that is an array itself only inside an array', async () => {
    const { cache } = l1Only()
    const source = cache.source('s', { load: (id: readonly [number, number]) => id[0] + id[1] })
    await source.getMany([
      [1, 2],
      [3, 4],
    ])
    await source.invalidate([[1, 2]])
    expect([source.peek([1, 2]), source.peek([3, 4])]).toEqual([undefined, 7])
  })

  test('peek takes the option version', async () => {
    const { cache } = l1Only()
    const read = (held: Cache) => [held.peek('k'), held.peek('k', { version: 2 })]
    await cache.set('k', 'two', { version: 2 })
    expect(read(cache)).toEqual([undefined, 'two'])
  })
})
