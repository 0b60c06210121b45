// What the devtools page shows of a cache, and what it can change.
import { type Cache, CacheError } from 'tiercache'
import { settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { Site } from '../../../src/devtools/http/site.js'
import { cacheView } from '../../../src/devtools/view/cache-view.js'
import type { DevtoolsSnapshot, DevtoolsView } from '../../../src/devtools/view/view.js'
import { leavesNothing } from '../../support/leaves-nothing.js'
import { asked, opened } from './site.js'

const { l1Only, fleet } = leavesNothing()
const down = () => Promise.reject(new Error('password is hunter2'))
const ROW = 50

/** Watches the cache while `work` runs, as an open page does. */
async function watched<T>(view: DevtoolsView, work: () => Promise<T>): Promise<T> {
  const end = view.watch(() => undefined)
  try {
    return await work()
  } finally {
    end()
  }
}

describe('a snapshot', () => {
  test('has what stats(), health() and inspect() return', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.namespace('users').getOrSet('1', () => 'ann', { tags: ['org:7'] })
    await cache.namespace('users').get('1')
    await cache.drain()
    const snapshot = (await cacheView(cache, false).snapshot()) as Required<DevtoolsSnapshot>
    expect(snapshot.stats).toEqual(cache.stats())
    expect(snapshot.health).toEqual(cache.health())
    expect(snapshot.inspection).toEqual(cache.inspect({ entries: 5_000, rows: ROW }))
  })

  test('has the keys that were read most while a page is open', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const view = cacheView(cache, false)
    await cache.get('before')
    await watched(view, async () => {
      for (const key of ['a', 'b', 'a', 'a']) await cache.getOrSet(key, () => 1)
      await cache.namespace('users').get('1')
      expect((await view.snapshot()).hottest).toEqual([
        { scope: 'shop', key: 'a', reads: 3 },
        { scope: 'shop', key: 'b', reads: 1 },
        { scope: 'shop/users', key: '1', reads: 1 },
      ])
    })
  })

  test('lists no more than fifty keys and a hundred events, however many there are', async () => {
    const { cache } = l1Only()
    const view = cacheView(cache, false)
    await watched(view, async () => {
      for (let i = 0; i < 600; i++) {
        await cache.set(`k${i}`, i)
        await cache.get(`k${i}`)
      }
      const { hottest, inspection, events } = await view.snapshot()
      expect(hottest).toHaveLength(ROW)
      expect(inspection?.l1.entries).toHaveLength(ROW)
      expect(events).toHaveLength(100)
      expect(events[0]?.text).toMatch(/^set k599 by this process/)
    })
  })

  test('says what happened, but neither values nor what the errors of loaders say', async () => {
    const { cache } = l1Only()
    const view = cacheView(cache, false)
    await watched(view, async () => {
      await cache.set('k', 'hunter2', { tags: ['t'] })
      await cache.getOrSet('failing', down).catch(() => undefined)
      await cache.invalidateTags(['t'])
      const snapshot = await view.snapshot()
      expect(snapshot.events.map(({ name, level }) => [name, level])).toEqual([
        ['invalidated', 'info'],
        ['loadFailed', 'warning'],
        ['invalidated', 'info'],
      ])
      expect(snapshot.events[0]?.text).toBe('invalidateTags t by this process')
      expect(snapshot.events[1]?.text).toMatch(/^the load \(miss\) failed after .*: Error$/)
      expect(
        JSON.stringify([snapshot, await view.report('tiercache', 'k'), await view.report('tiercache', 'failing')]),
      ).not.toContain('hunter2')
    })
  })

  test('shows events of one kind and key that follow each other as one', async () => {
    const { cache } = l1Only({ failureBackoff: false })
    const view = cacheView(cache, false)
    await watched(view, async () => {
      for (const key of ['a', 'a', 'a', 'b']) await cache.getOrSet(key, down).catch(() => undefined)
      expect((await view.snapshot()).events.map(({ key, times }) => [key, times])).toEqual([
        ['b', 1],
        ['a', 3],
      ])
    })
  })
})

describe('watching', () => {
  test('ends with the last page, and leaves no listener', async () => {
    const { cache } = l1Only()
    const on = vi.spyOn(cache, 'on')
    const ended: number[] = []
    on.mockImplementation((name) => {
      expect(name).not.toBe('')
      const at = on.mock.calls.length
      return () => void ended.push(at)
    })
    const site = new Site(cacheView(cache, false), { token: undefined, allowChanges: false, showValues: false })
    expect(on).not.toHaveBeenCalled()
    const live = { path: '/devtools/live' }
    const first = opened(await site.reply(asked(live)))
    const listeners = on.mock.calls.length
    expect(on.mock.calls.map(([name]) => name)).toContain('hit')
    const second = opened(await site.reply(asked(live)))
    first.leave()
    expect(on).toHaveBeenCalledTimes(listeners)
    expect(ended).toEqual([])
    second.leave()
    expect(ended).toHaveLength(listeners)
    on.mockRestore()
  })

  test('sends each page a snapshot at once', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const site = new Site(cacheView(cache, false), { token: undefined, allowChanges: false, showValues: false })
    const page = opened(await site.reply(asked({ path: '/devtools/live' })))
    await settle()
    const [, json = ''] = /^event: snapshot\ndata: (.*)\n\n$/.exec(page.parts[0] ?? '') ?? []
    expect(JSON.parse(json)).toMatchObject({ health: { status: 'ok' }, events: [] })
    page.leave()
  })

  test('ends every page when the cache is closed', async () => {
    const { cache } = l1Only()
    const site = new Site(cacheView(cache, false), { token: undefined, allowChanges: false, showValues: false })
    const page = opened(await site.reply(asked({ path: '/devtools/live' })))
    await cache.close()
    expect(page.state.hasEnded).toBe(true)
  })

  test('says what is wrong with a view that fails, and goes on', async () => {
    const snapshot = vi.fn().mockRejectedValue(new Error('Redis is away'))
    const view = { ...cacheView(l1Only().cache, false), snapshot }
    const site = new Site(view, { token: undefined, allowChanges: false, showValues: false })
    const page = opened(await site.reply(asked({ path: '/devtools/live' })))
    await settle()
    expect(page.parts).toEqual(['event: trouble\ndata: "Redis is away"\n\n'])
    page.leave()
  })
})

describe('the report of a key', () => {
  test('is what explain() says, with its life while a page is open', async () => {
    const { cache, clock } = l1Only({ name: 'shop', ttl: 1000, staleWhileRevalidate: 500 })
    const view = cacheView(cache, false)
    await watched(view, async () => {
      const load = () => cache.getOrSet('k', () => 1, { tags: ['t'] })
      await load()
      await load()
      await clock.advance(1_200)
      await load()
      await cache.drain()
      await cache.invalidateTags(['t'])
      await cache.namespace('users').set('k', 'another')
      const report = await view.report('shop', 'k')
      expect(report?.explanation).toEqual(await cache.explain('k'))
      expect(report?.reads).toBe(3)
      expect(report?.value).toBeUndefined()
      expect(report?.events.map(({ name }) => name)).toEqual([
        ...['invalidated', 'stored', 'loaded', 'servedStale'],
        ...['miss', 'stored', 'loaded'],
      ])
    })
  })

  test('has the clear of its namespace and of those above it, and of no other', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const users = cache.namespace('users')
    const view = cacheView(cache, false)
    await watched(view, async () => {
      await cache.namespace('user').clear()
      await users.namespace('roles').clear()
      await users.clear()
      await cache.clear()
      expect((await view.report('shop/users', '1'))?.events.map(({ text }) => text)).toEqual([
        'clear shop by this process',
        'clear shop/users by this process',
      ])
    })
  })

  test('has its value only if values are shown, and does not count as a read', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.set('k', { name: 'ann' })
    const before = cache.stats().reads
    expect((await cacheView(cache, true).report('shop', 'k'))?.value).toMatch(/name: 'ann'/)
    expect((await cacheView(cache, true).report('shop', 'none'))?.value).toBeUndefined()
    expect((await cacheView(cache, false).report('shop', 'k'))?.value).toBeUndefined()
    expect(cache.stats().reads).toEqual(before)
  })

  test('of a scope that was never used is none, and the scope is not counted from then on', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.namespace('users').get('k')
    const view = cacheView(cache, false)
    for (const scope of ['shop/made-up', 'shop2', 'other', '', 'shop/', 'shop/users/x', '__proto__']) {
      expect(await view.report(scope, 'k'), scope).toBeUndefined()
    }
    expect(Object.keys(cache.stats().byPath)).toEqual(['shop', 'shop/users'])
  })
})

describe('a change', () => {
  const make = (
    cache: Cache,
    verb: 'delete' | 'expire' | 'invalidateTags' | 'expireTags' | 'clear',
    scope: string,
    ...names: string[]
  ) => cacheView(cache, false).change({ verb, scope, names })

  test('is made in the scope that it names: a namespace, a source, a version of single calls', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const inner = cache.namespace('a', { version: 2 }).namespace('b')
    const users = cache.source('users', { load: (id: number) => id, version: 3 })
    await inner.set('k', 1)
    await users.get(1)
    await cache.set('k', 1)
    await cache.set('k', 2, { version: 7 })
    expect(await make(cache, 'delete', 'shop/a@2/b', 'k')).toBe('applied')
    expect([inner.peek('k'), cache.peek('k')]).toEqual([undefined, 1])
    expect(await make(cache, 'delete', 'shop/users@3', users.keyOf(1))).toBe('applied')
    expect(users.peek(1)).toBeUndefined()
    expect(await make(cache, 'delete', 'shop/@7', 'k')).toBe('applied')
    expect([cache.peek('k', { version: 7 }), cache.peek('k')]).toEqual([undefined, 1])
  })

  test('is by key, by tag, or of a whole namespace', async () => {
    const { cache } = l1Only({ name: 'shop', staleIfError: '1h' })
    const users = cache.namespace('users')
    const state = async (key: string) => (await cache.explain(key)).l1?.state
    await cache.set('soft', 1)
    await cache.set('tagged', 1, { tags: ['t'] })
    await cache.set('soft-tagged', 1, { tags: ['s'] })
    await users.set('1', 1)
    await make(cache, 'expire', 'shop', 'soft')
    await make(cache, 'invalidateTags', 'shop', 't')
    await make(cache, 'expireTags', 'shop', 's')
    await make(cache, 'clear', 'shop/users')
    expect(await state('soft')).toBe('staleIfError')
    expect(await state('soft-tagged')).toBe('staleIfError')
    expect([await cache.get('tagged'), await users.get('1')]).toEqual([undefined, undefined])
  })

  test('never clears more than it names', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.set('k', 1)
    await cache.set('k', 2, { version: 7 })
    expect(await make(cache, 'clear', 'shop/@7')).toBeUndefined()
    expect(cache.peek('k')).toBe(1)
    expect(await make(cache, 'clear', 'shop/made-up')).toBeUndefined()
  })

  test('waits while L2 cannot be reached, as any call does', async () => {
    const { a, clock } = await fleet({ name: 'shop' })
    a.tier.cut()
    expect(await make(a.cache, 'delete', 'shop', 'k')).toBe('queued')
    const snapshot = await cacheView(a.cache, false).snapshot()
    expect(snapshot.inspection?.waiting).toEqual([{ verb: 'delete', scope: 'shop', key: 'k' }])
    a.tier.restore()
    await clock.advance(20_000)
  })

  test('that the cache refuses is refused with its reason', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await expect(make(cache, 'invalidateTags', 'shop', 'x'.repeat(2_000))).rejects.toThrow(CacheError)
  })
})
