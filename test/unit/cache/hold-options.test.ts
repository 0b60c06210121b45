// The option `hold` wherever something is invalidated: what it takes, and that it reaches the entries.
import type { Cache } from 'tiercache'
import { cached, cachedMethod, invalidates } from 'tiercache/decorators'
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()
const hold = '5s'

describe('hold is refused', () => {
  test.each<[string, unknown, RegExp]>([
    ['above ten minutes', '11m', /at most '10m'.*got "11m"/],
    ['without end', Number.POSITIVE_INFINITY, /at most '10m'/],
    ['below 0', -1, /hold must be a duration/],
    ['as text without a unit', '5', /hold must be a duration/],
  ])('%s', async (_, wrong, message) => {
    const { cache } = l1Only()
    const source = cache.source('s', { load: () => 1 })
    const calls: (() => unknown)[] = [
      () => cache.delete('k', { hold: wrong as never }),
      () => cache.invalidateTags('t', { hold: wrong as never }),
      () => source.invalidate(1, { hold: wrong as never }),
      () => cache.afterCommit({ hold: wrong as never }),
      () => invalidates(cache, { tags: ['t'], hold: wrong as never }),
    ]
    for (const call of calls) {
      await expect(Promise.resolve().then(call)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(message),
      })
    }
  })
})

test('ten minutes are accepted, and 0 holds nothing', async () => {
  const { cache } = l1Only({ ttl: '1h' })
  await cache.delete('k', { hold: '10m' })
  await cache.delete('free', { hold: 0 })
  await cache.getOrSet('k', () => 1)
  await cache.getOrSet('free', () => 1)
  expect([cache.peek('k'), cache.peek('free')]).toEqual([undefined, 1])
})

test('a hold of a key is that of its namespace and version', async () => {
  const { cache } = l1Only({ ttl: '1h' })
  const ns = cache.namespace('ns')
  await ns.delete('k', { hold, version: 2 })
  await Promise.all([cache.getOrSet('k', () => 1), ns.getOrSet('k', () => 2)])
  await ns.getOrSet('k', () => 3, { version: 2 })
  expect([cache.peek('k'), ns.peek('k'), ns.peek('k', { version: 2 })]).toEqual([1, 2, undefined])
})

/** Decorates a method as TypeScript's `experimentalDecorators` do. The tests of the decorators themselves have both standards. */
function decorateMethod(type: { readonly prototype: object }, name: string, decorator: unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name) as PropertyDescriptor
  ;(decorator as (...place: unknown[]) => void)(type.prototype, name, descriptor)
  Object.defineProperty(type.prototype, name, descriptor)
}

/** Everything that a collector can collect, read again after its commit: which of them L1 keeps. */
async function collectAll(cache: Cache, given: { readonly hold?: '5s' }) {
  const rows = cache.source('rows', { load: (id: number) => `row ${id}` })
  const quote = cache.wrap(async (symbol: string) => symbol, { name: 'quote' })
  const list = cache.pages('list', { loadPage: () => ({ items: [1] }), prefetch: 0 })
  class Repo {
    async find(id: number): Promise<number> {
      return id
    }
  }
  decorateMethod(Repo, 'find', cached(cache, { name: 'find' }))
  const repo = new Repo()
  const read = () =>
    Promise.all([
      cache.getOrSet('k', () => 1),
      cache.getOrSet('tagged', () => 1, { tags: ['t'] }),
      rows.get(1),
      quote('A'),
      list.page(),
      repo.find(1),
    ])
  await read()
  const collector = cache
    .afterCommit(given)
    .delete('k')
    .invalidateTags('t')
    .invalidate(rows, 1)
    .invalidate(quote, 'A')
    .invalidate(list)
    .invalidate(cachedMethod(repo, 'find'), 1)
  await collector.commit()
  await read()
  await settle()
  const kept = [
    cache.peek('k'),
    cache.peek('tagged'),
    rows.peek(1),
    quote.peek('A'),
    cachedMethod(repo, 'find').peek(1),
  ]
  return { kept: kept.map((value) => value !== undefined), pages: cache.namespace('list').peek('') !== undefined, read }
}

describe('an afterCommit collector', () => {
  test('holds whatever it removes, from its commit on', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const { kept, read } = await collectAll(cache, { hold })
    expect(kept).toEqual([false, false, false, false, false])
    await clock.advance(5_000)
    await read()
    expect(cache.peek('k')).toBe(1)
  })

  test('holds nothing without the option', async () => {
    const { cache } = l1Only({ ttl: '1h' })
    expect((await collectAll(cache, {})).kept).toEqual([true, true, true, true, true])
  })

  test('refuses at once to collect with a hold what has no place for it', () => {
    const { cache } = l1Only()
    const foreign = {
      invalidate: async () => 'applied' as const,
      keyOf: () => 'k',
      set: async () => 'applied' as const,
    }
    expect(() => cache.afterCommit({ hold }).invalidate(foreign)).toThrow(/invalidated with hold/)
  })
})

test('@invalidates holds tags, keys and the result of a cached method', async () => {
  const { cache } = l1Only({ ttl: '1h' })
  class Repo {
    async find(id: number): Promise<number> {
      return id
    }
    async update(_id: number): Promise<void> {}
  }
  decorateMethod(Repo, 'find', cached(cache, { name: 'find' }))
  const update = invalidates<[number], void, Repo>(cache, {
    ...{ tags: ['t'], keys: 'k', hold },
    ...{ method: 'find', args: (id: number) => [id] },
  })
  decorateMethod(Repo, 'update', update)
  const repo = new Repo()
  const read = () =>
    Promise.all([cache.getOrSet('k', () => 1), cache.getOrSet('x', () => 1, { tags: ['t'] }), repo.find(1)])
  await read()
  await repo.update(1)
  await read()
  expect([cache.peek('k'), cache.peek('x'), cachedMethod(repo, 'find').peek(1)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

describe('a request scope', () => {
  test('remembers nothing that was loaded within a hold that its own work made', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    let row = 'old'
    const read = () => cache.getOrSet('k', () => row, { tags: ['t'] })
    await cache.requestScope(async () => {
      expect(await read()).toBe('old')
      await cache.invalidateTags(['t'], { hold })
      expect(await read()).toBe('old')
      row = 'new'
      await clock.advance(5_000)
      expect(await read()).toBe('new')
    })
  })

  test('keeps the values of its keys the same while others hold them', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    let row = 'old'
    const read = () => cache.getOrSet('k', () => row, { tags: ['t'] })
    const scope = cache.openRequestScope()
    await cache.invalidateTags(['t'], { hold })
    expect(await scope.run(read)).toBe('old')
    row = 'new'
    await clock.advance(5_000)
    expect(await scope.run(read)).toBe('old')
    scope.end()
    expect(await read()).toBe('new')
  })
})
