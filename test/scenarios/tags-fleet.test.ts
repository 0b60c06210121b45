// Tags, clear() and namespaces between processes: however an entry got its tags, one invalidation reaches it everywhere.
import type { Cache, CallOptions, LoadContext } from 'tiercache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

interface User {
  readonly org: string
  readonly version: number
}

/** The ways in which an entry gets its tag `org:7`. */
const WAYS: [string, CallOptions<User>, (ctx: LoadContext) => void][] = [
  ['an array', { tags: ['org:7'] }, () => undefined],
  ['a function of the value', { tags: (user) => [`org:${user.org}`] }, () => undefined],
  ['ctx.tags()', {}, (ctx) => ctx.tags('org:7')],
]

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    ;[a, b] = await fleet.openTwo({ staleIfError: '1h' })
  })

  afterAll(() => fleet.stop())

  const load = (version: number, tell: (ctx: LoadContext) => void) => (ctx: LoadContext) => {
    tell(ctx)
    return { org: '7', version }
  }

  /** Loads one entry per way with `a`, and reads all of them into the memory of `b`. */
  async function loadAll(version: number): Promise<void> {
    for (const [key, options, tell] of WAYS) await a.getOrSet(key, load(version, tell), options)
    await a.drain()
    for (const [key, options, tell] of WAYS) {
      expect(await b.getOrSet(key, load(-1, tell), options)).toEqual({ org: '7', version })
      expect(b.peek(key)).toEqual({ org: '7', version })
    }
  }

  /** Sets a value with `a` and resolves when `b` has received the announcement, so that no later read of `b` is disturbed by it. */
  async function setAndTell(key: string, tags: readonly string[]): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      const stop = b.on('invalidated', ({ origin, keys }) => {
        if (origin === 'local' || !keys.includes(key)) return
        stop()
        resolve()
      })
    })
    await a.set(key, 1, { tags })
    await heard
  }

  const namesOf = WAYS.map(([name]) => name)
  const nothing = namesOf.map(() => undefined)

  test.each([
    ['invalidateTags', (cache: Cache) => cache.invalidateTags('org:7')],
    ['clear()', (cache: Cache) => cache.clear()],
  ])('%s in one process removes every entry in both, whichever way its tags were given', async (_, invalidate) => {
    for (const [version, by] of [a, b].entries()) {
      await a.delete(namesOf)
      await waitFor('the other process', async () => (await b.getMany(namesOf)).every((value) => value === undefined))
      await loadAll(version)
      const bystander = await a.set('bystander', 1, { tags: ['org:8'] })
      expect([bystander, await invalidate(by)]).toEqual(['applied', 'applied'])
      expect(await by.getMany(namesOf)).toEqual(nothing)
      for (const cache of [a, b]) {
        await waitFor('both', async () => (await cache.getMany(namesOf)).every((value) => value === undefined))
        expect(await cache.getMany(namesOf, { tiers: 'l2' })).toEqual(nothing)
      }
    }
  })

  test('invalidateTags leaves entries with other tags', async () => {
    await a.set('other', 1, { tags: ['org:8'] })
    await a.invalidateTags('org:7')
    expect([await a.get('other'), await b.get('other')]).toEqual([1, 1])
  })

  test('after expireTags both processes serve the entries only if loading fails', async () => {
    await loadAll(1)
    expect(await a.expireTags('org:7')).toBe('applied')
    for (const cache of [a, b]) {
      await waitFor('both', async () => (await cache.getMany(namesOf)).every((value) => value === undefined))
      for (const [key, options] of WAYS) {
        const fails = () => Promise.reject(new Error('the database is away'))
        expect(await cache.getOrSet<User>(key, fails, options)).toEqual({ org: '7', version: 1 })
      }
    }
    // A load that failed is not tried again at once. A successful one replaces the value in both processes.
    for (const [key, options, tell] of WAYS) {
      for (const cache of [b, a]) {
        await waitFor('the new value', async () => {
          const user = await cache.getOrSet(key, load(2, tell), options)
          return user.version === 2
        })
      }
    }
  })

  test('clear() of a namespace removes the entries within it and no others, in both processes', async () => {
    const scopes = (cache: Cache) => [
      cache,
      cache.namespace('x'),
      cache.namespace('x').namespace('y'),
      cache.namespace('z'),
    ]
    const read = (cache: Cache) => Promise.all(scopes(cache).map((scope) => scope.get('k')))
    for (const scope of scopes(a)) await scope.set('k', scope.path)
    expect(await read(b)).toEqual(scopes(b).map(({ path: name }) => name))
    expect(await a.namespace('x').clear()).toBe('applied')
    const left = ['shop', undefined, undefined, 'shop/z']
    expect(await read(a)).toEqual(left)
    await waitFor('the other process', async () => (await b.namespace('x').get('k')) === undefined)
    expect(await read(b)).toEqual(left)
  })

  test('a tagged hit in memory sends no command', async () => {
    await setAndTell('hot', ['t', 'u', 'v'])
    await b.get('hot')
    const hits = async () => {
      for (let i = 0; i < 100; i++) {
        for (const cache of [a, b]) expect(await cache.getOrSet('hot', () => 2, { tags: ['t', 'u', 'v'] })).toBe(1)
      }
    }
    expect(await fleet.count([a, b], hits)).toEqual({})
  })

  test('the tokens of ten unknown tags are read in one further round trip', async () => {
    await setAndTell(
      'many',
      Array.from({ length: 10 }, (_, i) => `cold${i}`),
    )
    const asked = await fleet.count([b], async () => expect(await b.get('many')).toBe(1))
    expect((asked.mget ?? 0) + (asked.get ?? 0)).toBe(2)
    expect(Object.keys(asked).filter((name) => name !== 'mget' && name !== 'get')).toEqual([])
  })

  test('invalidateTags of a tag with 10,000 entries is one command', async () => {
    const counted: Record<string, number>[] = []
    for (const count of [1, 10_000]) {
      for (let from = 0; from < count; from += 1_000) {
        const entries = Array.from({ length: Math.min(count, 1_000) }, (_, i) => [`n${from + i}`, i] as const)
        await a.setMany(entries, { tags: ['crowd'] })
      }
      counted.push(await fleet.count([a, b], () => a.invalidateTags('crowd')))
      expect(await a.getMany(['n0', `n${count - 1}`])).toEqual([undefined, undefined])
    }
    // One script removes the token and announces it.
    expect(counted).toEqual(Array(2).fill({ evalsha: 1, unlink: 1, xadd: 1 }))
  })
})
