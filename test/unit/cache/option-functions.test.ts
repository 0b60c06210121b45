// Functions among the options that fail: callers still get the value that was loaded, and the failure is always reported.
import type { Cache, CacheEvents, CallOptions, WrapOptions } from 'tiercache'
import { record } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const throws = () => {
  throw new TypeError('cannot read orgId of undefined')
}

/** What a tags function returns by mistake. */
const WRONG: [string, () => unknown][] = [
  ['throws', throws],
  ['returns a promise', async () => ['a']],
  ['returns a promise that rejects', async () => throws()],
  ['returns a string', () => 'org'],
  ['returns undefined', () => undefined],
  ['returns a list of numbers', () => [7]],
]

interface Row {
  readonly orgId: string
}

describe('a tags function', () => {
  const tags = (row: Row) => [`org:${row.orgId}`]

  test.each<[string, (cache: Cache, load: () => Row | null) => () => Promise<unknown>]>([
    ['getOrSet', (cache, load) => () => cache.getOrSet('k', load, { tags })],
    ['getOrSetMany', (cache, load) => () => cache.getOrSetMany(['k'], () => [load()], { tags })],
    ['warm', (cache, load) => () => cache.warm([['k', load, { tags } as unknown as CallOptions]])],
    ['wrap', (cache, load) => cache.wrap(() => load(), { name: 'row', tagsOf: tags })],
    [
      'source',
      (cache, load) => {
        const rows = cache.source('rows', { load: (_id: number) => load(), tags })
        return () => rows.get(1)
      },
    ],
  ])('is not called for an absent row, which is cached: %s', async (_verb, reading) => {
    for (const absent of [null, undefined]) {
      const { cache } = l1Only()
      const heard = record<CacheEvents>(cache, ['notice', 'storeFailed'])
      const load = vi.fn(() => absent as null)
      const read = reading(cache, load)
      for (let i = 0; i < 8; i++) await read()
      expect(load).toHaveBeenCalledTimes(1)
      expect(heard.events).toEqual([])
    }
  })

  test('is not called for an absent value that is set', async () => {
    const { cache } = l1Only()
    expect(await cache.set('k', null as Row | null, { tags })).toBe('applied')
    expect(await cache.lookup('k')).toMatchObject({ found: true, value: null, tags: [] })
  })

  test.each(WRONG)('that %s: the value is returned and stored in no tier, with one notice', async (_what, wrong) => {
    const { a, b } = await fleet()
    const heard = record<CacheEvents>(a.cache, ['notice'])
    const load = vi.fn(() => ({ orgId: '7' }))
    const read = () => a.cache.getOrSet('k', load, { tags: wrong as never })
    expect([await read(), await read()]).toEqual([{ orgId: '7' }, { orgId: '7' }])
    await a.cache.drain()
    expect(load).toHaveBeenCalledTimes(2)
    expect([await a.cache.has('k'), await b.cache.has('k')]).toEqual([false, false])
    expect(heard.of('notice')).toMatchObject([
      { code: 'TAGS_FAILED', detail: expect.stringMatching(/^the option tags of tiercache failed: /) },
    ])
    expect(heard.of('notice')[0]?.error).toMatchObject({ code: 'TAGS_FAILED', cause: expect.any(Error) })
  })

  test.each(WRONG)(
    'of a source that %s: the value is returned and not stored, and the notice names the source',
    async (_what, wrong) => {
      const { cache } = l1Only({ name: 'shop' })
      const heard = record<CacheEvents>(cache, ['notice'])
      const rows = cache.source('rows', { load: (id: number) => ({ id }), tags: wrong as never })
      expect([await rows.get(1), await rows.refresh(1), rows.peek(1)]).toEqual([{ id: 1 }, { id: 1 }, undefined])
      expect(heard.of('notice')).toMatchObject([{ code: 'TAGS_FAILED', detail: expect.stringContaining('shop/rows') }])
    },
  )

  test.each(WRONG)(
    'of a list in pages that %s: the page is returned and not stored, with one notice',
    async (_what, wrong) => {
      const { cache } = l1Only()
      const heard = record<CacheEvents>(cache, ['notice'])
      const loadPage = vi.fn((_cursor: number | undefined) => ({ items: [1] }))
      const list = cache.pages('list', { loadPage, tags: wrong as never })
      expect([await list.page(), await list.page()]).toEqual([{ items: [1] }, { items: [1] }])
      expect(loadPage).toHaveBeenCalledTimes(2)
      expect(heard.of('notice')).toMatchObject([
        { code: 'TAGS_FAILED', detail: expect.stringContaining('tiercache/list') },
      ])
    },
  )

  test.each(WRONG)('that %s makes set reject, and nothing changes', async (_what, wrong) => {
    const { cache } = l1Only()
    await cache.set('k', 'old')
    await expect(cache.set('k', 'new', { tags: wrong as never })).rejects.toThrow()
    expect(await cache.get('k')).toBe('old')
  })
})

describe('a function among the options of wrap', () => {
  type Options = WrapOptions<[id: number], { id: number } | null, unknown>

  function wrapped(cache: Cache, options: Options) {
    const find = vi.fn((id: number) => (id === 0 ? null : { id }))
    return { find, call: cache.wrap(find, { name: 'find', ...options }) }
  }

  test.each(
    (['tags', 'tagsOf'] as const).flatMap((name) => WRONG.map(([what, wrong]) => [name, what, wrong] as const)),
  )('%s that %s: the result is returned and stored in no tier', async (name, _what, wrong) => {
    const { a, b } = await fleet({ name: 'shop' })
    const heard = record<CacheEvents>(a.cache, ['notice'])
    const { find, call } = wrapped(a.cache, { [name]: wrong })
    expect([await call(1), await call(1)]).toEqual([{ id: 1 }, { id: 1 }])
    await a.cache.drain()
    expect(find).toHaveBeenCalledTimes(2)
    expect([call.peek(1), await b.cache.namespace('find').get(call.keyOf(1))]).toEqual([undefined, undefined])
    const detail = expect.stringMatching(new RegExp(`^the option ${name} of shop/find failed: `))
    expect(heard.of('notice')).toMatchObject([{ code: 'TAGS_FAILED', detail }])
  })

  test.each<[string, Options]>([
    ['ttl that throws', { ttl: throws }],
    ['ttl that returns undefined', { ttl: () => undefined as never }],
    ['ttl that returns a promise', { ttl: (async () => 1) as never }],
    ['ttl that returns no duration', { ttl: () => -1 }],
    ['staleIfError that returns no duration', { staleIfError: () => 'soon' as never }],
    ['tiers that returns no tier', { tiers: () => 'l3' as never }],
    ['ttlOf that throws', { ttlOf: throws }],
    ['ttlOf that returns undefined', { ttlOf: () => undefined as never }],
    ['ttlOf that returns a promise', { ttlOf: (async () => throws()) as never }],
    ['ttlOf that returns no duration', { ttlOf: () => '5 minutes' as never }],
  ])('%s: the result is returned and stored nowhere', async (_what, options) => {
    const { cache } = l1Only()
    const heard = record<CacheEvents>(cache, ['notice'])
    const { find, call } = wrapped(cache, options)
    expect([await call(1), await call(1), await call.refresh(1)]).toEqual([{ id: 1 }, { id: 1 }, { id: 1 }])
    expect(find).toHaveBeenCalledTimes(3)
    expect(call.peek(1)).toBeUndefined()
    const [name] = Object.keys(options)
    expect(heard.of('notice')).toMatchObject([
      { code: 'OPTION_FAILED', detail: expect.stringContaining(`option ${name} `) },
    ])
  })

  test.each<[string, Options]>([
    ['key that throws', { key: throws }],
    ['key that returns a number', { key: () => 7 as never }],
    ['key that returns undefined', { key: () => undefined as never }],
    ['key that returns a promise', { key: (async () => throws()) as never }],
  ])('%s: calls run the function, share nothing and store nothing; the verbs reject', async (_what, options) => {
    const { cache } = l1Only()
    const heard = record<CacheEvents>(cache, ['notice'])
    const { find, call } = wrapped(cache, options)
    expect(await Promise.all([call(1), call(2), call.refresh(3)])).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
    expect(find).toHaveBeenCalledTimes(3)
    expect(cache.stats().l1.entries).toBe(0)
    expect(heard.of('notice')).toMatchObject([{ code: 'KEY_FAILED', detail: expect.stringContaining('option key ') }])
    await expect(call.invalidate(1)).rejects.toThrow()
    await expect(call.set([1], { id: 1 })).rejects.toThrow()
    expect(() => call.keyOf(1)).toThrow()
    expect(() => call.peek(1)).toThrow()
  })

  test('per that throws: calls run the function and store nothing; a call without an instance is still refused', async () => {
    const { cache } = l1Only()
    const whose = cache.wrap(
      function (this: { tenant?: { id: string } }) {
        return this.tenant?.id
      },
      { name: 'whose', per: (self) => (self.tenant as { id: string }).id },
    )
    expect(await whose.call({})).toBeUndefined()
    expect(await whose.call({ tenant: { id: 'a' } })).toBe('a')
    await expect((whose as () => Promise<unknown>)()).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('arguments that cannot become a key are still refused before the function runs', async () => {
    const { cache } = l1Only()
    const { find, call } = wrapped(cache, { per: () => 'a' })
    await expect(call.call({}, Symbol('s') as never)).rejects.toMatchObject({ code: 'INVALID_KEY' })
    expect(find).not.toHaveBeenCalled()
  })

  test('tagsOf and ttlOf are not called for an absent result, whose life is absentTtl', async () => {
    const { cache, clock } = l1Only({ ttl: '1h', absentTtl: 50 })
    const { find, call } = wrapped(cache, { tagsOf: throws, ttlOf: throws })
    expect([await call(0), await call(0)]).toEqual([null, null])
    expect(await call.set([0], null)).toBe('applied')
    await clock.advance(50)
    await call(0)
    expect(find).toHaveBeenCalledTimes(2)
  })

  test('the signal of a call without a key lets its caller leave', async () => {
    const { cache } = l1Only()
    const wait = cache.wrap(
      (signal: AbortSignal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { name: 'wait', key: throws },
    )
    const controller = new AbortController()
    const waiting = wait(controller.signal)
    controller.abort(new Error('left'))
    await expect(waiting).rejects.toThrow('left')
  })
})

describe('a key function of a source', () => {
  test.each<[string, () => unknown]>([
    ['throws', throws],
    ['returns a number', () => 7],
    ['returns a promise', async () => throws()],
  ])('that %s: values are loaded and not shared or stored; changes are refused', async (_what, wrong) => {
    const { cache } = l1Only()
    const heard = record<CacheEvents>(cache, ['notice'])
    const save = vi.fn()
    const rows = cache.source('rows', {
      loadMany: (ids: readonly number[]) => ids.map((id) => ({ id })),
      save,
      key: wrong as never,
    })
    expect(await rows.get(1)).toEqual({ id: 1 })
    expect(await rows.refresh(1)).toEqual({ id: 1 })
    expect(await rows.getMany([1, 2])).toEqual([{ id: 1 }, { id: 2 }])
    expect(cache.stats().l1.entries).toBe(0)
    expect(heard.of('notice')).toMatchObject([
      { code: 'KEY_FAILED', detail: expect.stringContaining('tiercache/rows') },
    ])
    await expect(rows.save(1, { id: 1 })).rejects.toThrow()
    await expect(rows.invalidate(1)).rejects.toThrow()
    expect(save).not.toHaveBeenCalled()
  })
})
