// Lists in pages.
import { createCache, type Page } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'

/** Pages of two items: 0 1 | 2 3 | 4. The cursor of a page is its first item. */
async function load(cursor: number | undefined): Promise<Page<string, number>> {
  const first = cursor ?? 0
  const all = ['a', 'b', 'c', 'd', 'e']
  return { items: all.slice(first, first + 2), next: first + 2 < all.length ? first + 2 : undefined }
}

function makeList(options = {}, cacheOptions = {}) {
  const clock = new FakeClock()
  const cache = createCache({ clock, name: 'shop', ...cacheOptions })
  const loadPage = vi.fn(load)
  return { clock, cache, loadPage, list: cache.pages('letters', { loadPage, ...options }) }
}

const cursorsOf = (loadPage: { mock: { calls: unknown[][] } }) => loadPage.mock.calls.map(([cursor]) => cursor)

describe('a list in pages', () => {
  test('returns each page under its cursor and loads it once', async () => {
    const { loadPage, list } = makeList({ prefetch: 0 })
    expect(await list.page()).toEqual({ items: ['a', 'b'], next: 2 })
    expect(await list.page(2)).toEqual({ items: ['c', 'd'], next: 4 })
    expect(await list.page()).toEqual({ items: ['a', 'b'], next: 2 })
    expect(cursorsOf(loadPage)).toEqual([undefined, 2])
  })

  test('can be iterated by item, and by page from any cursor', async () => {
    const { list } = makeList()
    const items: string[] = []
    for await (const item of list) items.push(item)
    expect(items).toEqual(['a', 'b', 'c', 'd', 'e'])
    const pages: (readonly string[])[] = []
    for await (const page of list.from(2)) pages.push(page.items)
    expect(pages).toEqual([['c', 'd'], ['e']])
  })

  test('ends at a page whose next is null, and may be empty', async () => {
    const { cache } = makeList()
    const empty = cache.pages('empty', { loadPage: () => ({ items: [], next: null }) })
    const items: unknown[] = []
    for await (const item of empty) items.push(item)
    expect(items).toEqual([])
  })

  test('loads no page beyond the iterated ones, except those that it prefetches', async () => {
    const { loadPage, list, cache } = makeList({ prefetch: 0 })
    for await (const item of list) if (item === 'a') break
    await cache.drain()
    expect(cursorsOf(loadPage)).toEqual([undefined])
  })

  test('takes cursors of any kind', async () => {
    const { cache } = makeList()
    const list = cache.pages('any', {
      loadPage: (cursor: unknown) => ({ items: [cursor], next: undefined as unknown }),
    })
    const cursors = [undefined, '', '1', 1, { after: 1, by: 'name' }]
    for (const cursor of cursors) expect((await list.page(cursor)).items).toEqual([cursor])
    expect((await list.page({ by: 'name', after: 1 })).items[0]).toBe((await list.page(cursors[4])).items[0])
  })

  test('rejects with what loadPage threw, and loads the page again afterwards', async () => {
    const { loadPage, list } = makeList()
    const error = new Error('down')
    loadPage.mockRejectedValueOnce(error)
    await expect(list.page()).rejects.toBe(error)
    expect((await list.page()).items).toEqual(['a', 'b'])
  })

  test('refuses a result of loadPage that is not a page', async () => {
    const { cache } = makeList()
    const list = cache.pages('wrong', { loadPage: () => ['a', 'b'] as never })
    await expect(list.page()).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('lets a reader leave with its signal', async () => {
    const { loadPage, list } = makeList()
    const gate = deferred<Page<string, number>>()
    loadPage.mockImplementationOnce(() => gate.promise)
    const leaving = new AbortController()
    const left = list.page(undefined, { signal: leaving.signal })
    const stayed = list.page()
    await settle()
    leaving.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    gate.resolve({ items: ['z'] })
    expect((await stayed).items).toEqual(['z'])
  })

  test.each([
    ['without loadPage', {}],
    ['with an unknown option', { loadPage: load, perPage: 2 }],
    ['with a prefetch below 0', { loadPage: load, prefetch: -1 }],
    ['with a wrong duration', { loadPage: load, ttl: 'soon' }],
    ['with tags that are not a list', { loadPage: load, tags: 'a' }],
  ])('is refused %s', (_what, definition) => {
    const { cache } = makeList()
    expect(() => cache.pages('other', definition as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('cannot have the name of another list or function', () => {
    const { cache } = makeList()
    expect(() => cache.pages('letters', { loadPage: async () => ({ items: [] }) })).toThrow(/letters/)
    expect(() => cache.wrap(async () => 1, { name: 'letters' })).toThrow(/letters/)
  })
})

describe('the next page of a list', () => {
  test('is fetched in the background while the page before it is used', async () => {
    const { cache, loadPage, list } = makeList()
    const gate = deferred<void>()
    loadPage.mockImplementation(async (cursor) => {
      if (cursor === 2) await gate.promise
      return load(cursor)
    })
    expect((await list.page()).items).toEqual(['a', 'b'])
    await settle()
    expect(cursorsOf(loadPage)).toEqual([undefined, 2])
    const next = list.page(2)
    gate.resolve()
    expect((await next).items).toEqual(['c', 'd'])
    await cache.drain()
    expect(cursorsOf(loadPage)).toEqual([undefined, 2, 4])
  })

  test('is fetched as far ahead as prefetch says', async () => {
    const { cache, loadPage, list } = makeList({ prefetch: 2 })
    await list.page()
    await cache.drain()
    expect(cursorsOf(loadPage)).toEqual([undefined, 2, 4])
  })

  test('is not fetched again if L1 has it', async () => {
    const { cache, list } = makeList({ prefetch: 2 })
    await list.page()
    await cache.drain()
    const before = cache.stats()
    await list.page()
    await cache.drain()
    expect(cache.stats().hits.l1).toBe(before.hits.l1 + 1)
  })

  test('is fetched once, however many readers use the page before it', async () => {
    const { cache, loadPage, list } = makeList({}, { background: { concurrency: 1 } })
    await list.page()
    await Promise.all(Array.from({ length: 50 }, () => list.page()))
    await cache.drain()
    expect(cursorsOf(loadPage)).toEqual([undefined, 2])
    // Only the readers asked for the page.
    expect(cache.stats().hits.l1).toBe(50)
  })

  test('that cannot be prefetched causes no error', async () => {
    const { cache, loadPage, list } = makeList()
    loadPage.mockImplementation(async (cursor) => {
      if (cursor === 2) throw new Error('down')
      return load(cursor)
    })
    const notices: unknown[] = []
    cache.on('notice', (notice) => notices.push(notice))
    expect((await list.page()).items).toEqual(['a', 'b'])
    await cache.drain()
    await expect(list.page(2)).rejects.toThrow('down')
    expect(notices).toEqual([])
  })

  test('is fetched outside the load that read the page', async () => {
    const { cache, list } = makeList()
    // Its loader needs what the caller loads; as a part of that load it would be a cycle.
    const nested = cache.pages('nested', {
      loadPage: async (cursor: number | undefined) => {
        if (cursor === 1) await cache.getOrSet('report', () => 'from the page')
        return { items: [cursor], next: cursor === undefined ? 1 : undefined }
      },
    })
    const failures: unknown[] = []
    cache.on('loadFailed', ({ error }) => failures.push(error))
    await cache.getOrSet('report', async () => {
      await nested.page()
      await settle()
      return (await list.page()).items
    })
    await cache.drain()
    expect(failures).toEqual([])
  })
})

describe('an invalidation', () => {
  test('of a list removes all its pages with one command, in every process', async () => {
    const clock = new FakeClock()
    const server = new MemoryServer()
    const [here, there] = [1, 2].map(() => makeList({}, { clock, l2: memoryTier(server) }))
    for (const made of [here, there]) {
      for await (const _ of made?.list ?? []);
      await made?.cache.drain()
    }
    expect(there?.loadPage).not.toHaveBeenCalled()
    expect(await here?.list.invalidate()).toBe('applied')
    await settle()
    await there?.list.page()
    await there?.list.page(4)
    expect(cursorsOf(there?.loadPage as never)).toEqual(expect.arrayContaining([undefined, 4]))
  })

  test('by a tag of the application reaches every page', async () => {
    const { cache, loadPage, list } = makeList({ tags: ['letters'], prefetch: 0 })
    for await (const _ of list);
    await cache.invalidateTags('letters')
    await list.page(2)
    expect(cursorsOf(loadPage)).toEqual([undefined, 2, 4, 2])
  })

  test('wins over a page that is being prefetched', async () => {
    const { cache, loadPage, list } = makeList()
    const gate = deferred<void>()
    let isOld = true
    loadPage.mockImplementation(async (cursor) => {
      if (!isOld || cursor !== 2) return load(cursor)
      await gate.promise
      return { items: ['old'] }
    })
    await list.page()
    await settle()
    await list.invalidate()
    isOld = false
    gate.resolve()
    await cache.drain()
    expect((await list.page(2)).items).toEqual(['c', 'd'])
  })

  test('in the middle of an iteration makes the following pages load again', async () => {
    const { loadPage, list } = makeList()
    const items: string[] = []
    for await (const item of list) {
      items.push(item)
      if (item !== 'b') continue
      loadPage.mockImplementation(async (cursor) => ({ items: [`new ${cursor}`] }))
      await list.invalidate()
    }
    expect(items).toEqual(['a', 'b', 'new 2'])
  })
})
