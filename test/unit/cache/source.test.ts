import type { LoadContext } from 'tiercache'
import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

interface User {
  readonly id: number
  readonly org: string
}

const userOf = (id: number): User => ({ id, org: `org${id % 2}` })

/** Loaders of single values and of many, whose calls the tests inspect. */
function loaders() {
  const load = vi.fn(async (id: number): Promise<User | undefined> => (id < 0 ? undefined : userOf(id)))
  const loadMany = vi.fn(
    async (ids: readonly number[]): Promise<(User | undefined)[]> => ids.map((id) => (id < 0 ? undefined : userOf(id))),
  )
  return { load, loadMany, batches: () => loadMany.mock.calls.map(([ids]) => ids) }
}

const usersDefinition = () => {
  const { load, loadMany } = loaders()
  return { load, loadMany }
}

describe('get of a source', () => {
  test('loads once and then returns the cached value', async () => {
    const { cache } = l1Only()
    const { load } = loaders()
    const users = cache.source('users', { load })
    expect(await users.get(1)).toEqual(userOf(1))
    expect(await users.get(1)).toEqual(userOf(1))
    expect(load).toHaveBeenCalledTimes(1)
    expect(load.mock.calls[0]).toMatchObject([1, { key: '1', reason: 'miss' }])
  })

  test('returns the promise that the entry keeps for a hit in memory', async () => {
    const { cache } = l1Only()
    const users = cache.source('users', usersDefinition())
    await users.get(1)
    expect(users.get(1)).toBe(users.get(1))
  })

  test('returns what the loader returns for an unknown id, and caches it for absentTtl', async () => {
    const { cache, clock } = l1Only()
    const { load } = loaders()
    const users = cache.source('users', { load, absentTtl: '5s' })
    expect(await users.get(-1)).toBeUndefined()
    expect(await users.get(-1)).toBeUndefined()
    expect(load).toHaveBeenCalledTimes(1)
    await clock.advance(5_000)
    await users.get(-1)
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('rejects with what the loader threw, and caches nothing', async () => {
    const { cache } = l1Only()
    const error = new TypeError('no')
    const load = vi.fn().mockRejectedValueOnce(error).mockResolvedValue('v')
    const source = cache.source('s', { load: (id: number) => load(id) as Promise<string> })
    await expect(source.get(1)).rejects.toBe(error)
    expect(await source.get(1)).toBe('v')
  })

  test('rejects instead of throwing for an id that cannot become a key', async () => {
    const { cache } = l1Only()
    const source = cache.source('s', { load: (id: unknown) => String(id) })
    await expect(source.get(Symbol('x'))).rejects.toMatchObject({ code: 'INVALID_KEY' })
  })

  test('can be left with its signal, which aborts the load if no other caller waits', async () => {
    const { cache } = l1Only()
    let signal: AbortSignal | undefined
    const source = cache.source('s', {
      load: (_id: number, ctx) => {
        signal = ctx.signal
        return new Promise<string>(() => {})
      },
    })
    const leaving = new AbortController()
    const outcome = expect(source.get(1, { signal: leaving.signal })).rejects.toThrow('gone')
    await settle()
    leaving.abort(new Error('gone'))
    await outcome
    expect(signal?.aborted).toBe(true)
  })

  test('lets the loader set ttl and tags and renew the stale value', async () => {
    const { cache, clock } = l1Only()
    const load = vi.fn((id: number, ctx: LoadContext) => {
      if (ctx.stale?.etag === 'e1') return ctx.notModified()
      ctx.ttl('10s')
      ctx.tags('by-loader')
      ctx.etag('e1')
      return `v${id}`
    })
    const source = cache.source('s', { load, ttl: '1h', staleIfError: '1h' })
    await source.get(1)
    await clock.advance(10_000)
    expect(await source.get(1)).toBe('v1')
    expect(load).toHaveBeenCalledTimes(2)
    await cache.invalidateTags(['by-loader'])
    await source.get(1)
    expect(load).toHaveBeenCalledTimes(3)
  })
})

describe('keys of a source', () => {
  test.each([
    [1, '1'],
    [{ id: 1 }, { id: '1' }],
    [[1, 2], [12]],
    [null, 'null'],
    [1n, 1],
  ])('of the ids %o and %o differ', async (one, other) => {
    const { cache } = l1Only()
    const source = cache.source('s', { load: (id: unknown) => JSON.stringify({ id: String(id) }) })
    expect(source.keyOf(one)).not.toBe(source.keyOf(other))
  })

  test('of equal ids are equal', () => {
    const { cache } = l1Only()
    const source = cache.source('s', { load: (id: { a: number; b: number }) => id.a })
    expect(source.keyOf({ a: 1, b: 2 })).toBe(source.keyOf({ b: 2, a: 1 }))
  })

  test('are in a namespace named after the source and its version', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const source = cache.source('users', { load: (id: number) => id, version: 3, key: (id) => `id-${id}` })
    expect(source.path).toBe('shop/users@3')
    expect(await source.explain(7)).toMatchObject({
      scope: 'shop/users@3',
      storeKey: 'shop/users@3:id-7',
      answeredBy: 'loader',
    })
    await source.get(7)
    expect(cache.namespace('users', { version: 3 }).peek('id-7')).toBe(7)
  })

  test('of another version are other entries', async () => {
    const { cache } = l1Only()
    const old = cache.source('s', { load: (_id: number) => 'old shape' })
    const now = cache.source('s', { load: (_id: number) => 'new shape', version: 2 })
    expect([await old.get(1), await now.get(1)]).toEqual(['old shape', 'new shape'])
  })
})

describe('gets of a source in one tick', () => {
  test('become one loadMany', async () => {
    const { cache } = l1Only()
    const { loadMany, batches } = loaders()
    const users = cache.source('users', { loadMany })
    expect(await Promise.all([users.get(1), users.get(2), users.get(1)])).toEqual([userOf(1), userOf(2), userOf(1)])
    expect(batches()).toEqual([[1, 2]])
  })

  test('include those that begin in continuations of the tick', async () => {
    const { cache } = l1Only()
    const { loadMany, batches } = loaders()
    const users = cache.source('users', { loadMany })
    const later = async (id: number) => {
      await Promise.resolve()
      return users.get(id)
    }
    await Promise.all([users.get(1), later(2), later(3)])
    expect(batches()).toEqual([[1, 2, 3]])
  })

  test('are split at maxBatch', async () => {
    const { cache } = l1Only()
    const { loadMany, batches } = loaders()
    const users = cache.source('users', { loadMany, maxBatch: 2 })
    await users.getMany([1, 2, 3])
    expect(batches()).toEqual([[1, 2], [3]])
  })

  test('are collected for batchWindow', async () => {
    const { cache, clock } = l1Only()
    const { loadMany, batches } = loaders()
    const users = cache.source('users', { loadMany, batchWindow: '10ms' })
    const gets = [users.get(1)]
    await clock.advance(5)
    gets.push(users.get(2))
    await clock.advance(5)
    await Promise.all(gets)
    expect(batches()).toEqual([[1, 2]])
  })

  test('call load if there is only one and the source has load', async () => {
    const { cache } = l1Only()
    const { load, loadMany, batches } = loaders()
    const users = cache.source('users', { load, loadMany })
    await users.get(1)
    await users.getMany([2, 3])
    expect([load.mock.calls.length, batches()]).toEqual([1, [[2, 3]]])
  })

  test('share flights with single gets and with other batches', async () => {
    const { cache } = l1Only()
    const gates = [deferred<void>(), deferred<void>()]
    const asked: (readonly number[])[] = []
    const users = cache.source('users', {
      loadMany: async (ids: readonly number[]) => {
        asked.push(ids)
        await gates[asked.length - 1]?.promise
        return ids.map(userOf)
      },
    })
    const first = users.getMany([1, 2])
    await settle()
    const second = users.getMany([2, 3])
    await settle()
    expect(asked).toEqual([[1, 2], [3]])
    for (const gate of gates) gate.resolve()
    expect(await first).toEqual([userOf(1), userOf(2)])
    expect(await second).toEqual([userOf(2), userOf(3)])
  })

  test('read L2 once and load once, across hits and misses of both tiers', async () => {
    const { a, b, clock } = await fleet()
    const { loadMany, batches } = loaders()
    const [here, there] = [a.cache.source('users', { loadMany }), b.cache.source('users', usersDefinition())]
    await there.getMany([1, 2])
    await here.get(3)
    await clock.advance(10)
    a.tier.link.resetCounts()
    loadMany.mockClear()
    expect(await Promise.all([5, 1, 3, 2, 4].map((id) => here.get(id)))).toEqual([5, 1, 3, 2, 4].map(userOf))
    expect(batches()).toEqual([[5, 4]])
    expect(a.tier.link.count('read')).toBe(1)
    await a.cache.drain()
  })

  test('share a batch also if the replies of L2 come one after the other', async () => {
    const { a, clock } = await fleet()
    const { loadMany, batches } = loaders()
    const users = a.cache.source('users', { loadMany })
    await users.get(0)
    await clock.advance(1)
    loadMany.mockClear()
    // As on a cluster, where each key's right to load comes from another node.
    a.tier.link.inject({ on: 'claim', effect: 'delay', byMs: 2, times: 1 })
    const gets = users.getMany([1, 2, 3])
    await clock.advance(10)
    expect(await gets).toEqual([userOf(1), userOf(2), userOf(3)])
    expect(batches().map((ids) => [...ids].sort())).toEqual([[1, 2, 3]])
    await a.cache.drain()
  })

  test('fail only for the id whose load failed', async () => {
    const { cache } = l1Only()
    const error = new Error('row is broken')
    const users = cache.source('users', {
      loadMany: (ids: readonly number[]) => ids.map((id) => (id === 2 ? error : userOf(id))),
    })
    const settled = await Promise.allSettled([users.get(1), users.get(2), users.get(3)])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(settled[1]).toMatchObject({ reason: error })
    expect(users.peek(3)).toEqual(userOf(3))
  })

  test('all fail with BATCH_MISMATCH if the loader returns too few results', async () => {
    const { cache } = l1Only()
    const users = cache.source('users', { loadMany: (ids: readonly number[]) => ids.slice(1).map(userOf) })
    await expect(users.getMany([1, 2])).rejects.toMatchObject({ code: 'BATCH_MISMATCH' })
  })

  test('abort their batch when all callers have left', async () => {
    const { cache } = l1Only()
    let signal: AbortSignal | undefined
    const users = cache.source('users', {
      loadMany: (_ids: readonly number[], ctx) => {
        signal = ctx.signal
        return new Promise<User[]>(() => {})
      },
    })
    const [one, two] = [new AbortController(), new AbortController()]
    const outcomes = [one, two].map(({ signal }, id) => expect(users.get(id, { signal })).rejects.toThrow())
    await settle()
    one.abort()
    await settle()
    expect(signal?.aborted).toBe(false)
    two.abort()
    await settle()
    expect(signal?.aborted).toBe(true)
    await Promise.all(outcomes)
  })

  test('reject a read by their loader of one of their own ids', async () => {
    const { cache } = l1Only()
    const users = cache.source('users', {
      loadMany: async (ids: readonly number[]): Promise<User[]> => {
        await users.get(2)
        return ids.map(userOf)
      },
    })
    await expect(users.getMany([1, 2])).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
  })

  test('of stale values are refreshed in one batch in the background', async () => {
    const { cache, clock } = l1Only({ ttl: 1_000, staleWhileRevalidate: '1h' })
    const { loadMany, batches } = loaders()
    const users = cache.source('users', { loadMany })
    await users.getMany([1, 2, 3])
    await clock.advance(1_000)
    expect(await users.getMany([1, 2, 3])).toEqual([1, 2, 3].map(userOf))
    await settle()
    expect(batches()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ])
  })
})

describe('getMany and lookupMany of a source', () => {
  test('return results in the order of the ids, repeated and unknown ones included', async () => {
    const { cache } = l1Only()
    const { loadMany, batches } = loaders()
    const users = cache.source('users', { loadMany })
    await users.get(2)
    expect(await users.getMany([3, 2, -1, 3])).toEqual([userOf(3), userOf(2), undefined, userOf(3)])
    expect(batches()).toEqual([[2], [3, -1]])
    expect(await users.getMany([])).toEqual([])
  })

  test('getMany rejects with the first error in the order of the ids, lookupMany returns a result for each id', async () => {
    const { cache } = l1Only()
    const errors = [new Error('first'), new Error('second')] as const
    const answers: Record<number, User | Error | null> = { 1: userOf(1), 2: errors[0], 3: null, 4: errors[1] }
    const users = cache.source('users', {
      loadMany: (ids: readonly number[]) => ids.map((id) => answers[id] as User | Error | null),
    })
    await expect(users.getMany([1, 4, 3, 2])).rejects.toBe(errors[1])
    expect(await users.lookupMany([1, 2, 3, 4])).toEqual([
      { id: 1, status: 'found', value: userOf(1) },
      { id: 2, status: 'failed', error: errors[0] },
      { id: 3, status: 'absent', value: null },
      { id: 4, status: 'failed', error: errors[1] },
    ])
  })

  test('without loadMany call load for each id', async () => {
    const { cache } = l1Only()
    const { load } = loaders()
    const users = cache.source('users', { load })
    expect(await users.getMany([1, 2, 1])).toEqual([userOf(1), userOf(2), userOf(1)])
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('refuse an argument that is not a list', async () => {
    const { cache } = l1Only()
    const users = cache.source('users', usersDefinition())
    await expect(users.getMany(1 as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(users.lookupMany(undefined as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('tags of a source', () => {
  test('are derived from the value and the id, but not for an absent value', async () => {
    const { cache } = l1Only()
    const { loadMany, batches } = loaders()
    const tags = vi.fn((user: User, id: number) => [user.org, `user:${id}`])
    const users = cache.source('users', { loadMany, tags })
    await users.getMany([1, 2, 3, -1])
    expect(tags).toHaveBeenCalledTimes(3)
    await cache.invalidateTags(['org1'])
    await users.getMany([1, 2, 3, -1])
    expect(batches()).toEqual([
      [1, 2, 3, -1],
      [1, 3],
    ])
    await cache.invalidateTags(['user:2'])
    expect(users.peek(2)).toBeUndefined()
  })

  test('given as a list belong to absent values too', async () => {
    const { cache } = l1Only()
    const { load } = loaders()
    const users = cache.source('users', { load, tags: ['users'] })
    await users.get(-1)
    await cache.invalidateTags(['users'])
    await users.get(-1)
    expect(load).toHaveBeenCalledTimes(2)
  })
})

describe('refresh, invalidate, expire and clear of a source', () => {
  test('refresh loads although a value is cached', async () => {
    const { cache } = l1Only()
    let n = 0
    const source = cache.source('s', { load: (_id: number, _ctx) => ++n })
    await source.get(1)
    expect(await source.refresh(1)).toBe(2)
    expect(await source.get(1)).toBe(2)
  })

  test('refreshes of one tick become one loadMany', async () => {
    const { cache } = l1Only()
    const { loadMany, batches } = loaders()
    const users = cache.source('users', { loadMany })
    await users.getMany([1, 2])
    await Promise.all([users.refresh(1), users.refresh(2)])
    expect(batches()).toEqual([
      [1, 2],
      [1, 2],
    ])
  })

  test('invalidate removes the ids in every process', async () => {
    const { a, b, clock } = await fleet()
    const [here, there] = [a.cache.source('users', usersDefinition()), b.cache.source('users', usersDefinition())]
    await there.getMany([1, 2, 3])
    await clock.advance(1)
    expect(await here.invalidate([1, 2])).toBe('applied')
    await clock.advance(1)
    expect([1, 2, 3].map((id) => there.peek(id))).toEqual([undefined, undefined, userOf(3)])
  })

  test('expire leaves the value usable if loading fails', async () => {
    const { cache } = l1Only({ staleIfError: '1h' })
    const load = vi.fn().mockResolvedValueOnce('old').mockRejectedValue(new Error('down'))
    const source = cache.source('s', { load: (id: number) => load(id) as Promise<string> })
    await source.get(1)
    await source.expire(1)
    expect(await source.get(1)).toBe('old')
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('clear removes all entries of the source and no others', async () => {
    const { cache } = l1Only()
    const [users, others] = [cache.source('users', usersDefinition()), cache.source('others', usersDefinition())]
    await Promise.all([users.get(1), others.get(1)])
    await users.clear()
    expect([users.peek(1), others.peek(1)]).toEqual([undefined, userOf(1)])
  })
})

describe('warm of a source', () => {
  test('loads in batches what is not cached, and reports hits, loads and failures', async () => {
    const { cache } = l1Only()
    const error = new Error('broken')
    const loadMany = vi.fn((ids: readonly number[]) => ids.map((id) => (id === 5 ? error : userOf(id))))
    const users = cache.source('users', { loadMany, maxBatch: 3 })
    await users.get(1)
    const report = await users.warm([1, 2, 3, 4, 5])
    expect(report).toMatchObject({ hits: 1, loads: 3, failed: 1, failures: [{ item: 5, error }], isComplete: true })
    expect(users.peek(4)).toEqual(userOf(4))
    expect(loadMany.mock.calls.length).toBeLessThan(5)
  })

  test('skips ids that are queued to be saved', async () => {
    const { cache } = l1Only()
    const { load } = loaders()
    const users = cache.source('users', { load, save: () => undefined, write: 'behind' })
    await users.save(1, userOf(1))
    expect(await users.warm([1])).toMatchObject({ hits: 1, loads: 0 })
    await cache.drain()
  })
})

describe('a request scope with a source', () => {
  test('reads an id once and sees what the request itself saves', async () => {
    const { cache } = l1Only({ l1: false })
    let n = 0
    const source = cache.source('s', { load: (_id: number, _ctx) => ++n, save: () => undefined })
    await cache.requestScope(async () => {
      expect([await source.get(1), await source.get(1)]).toEqual([1, 1])
      await source.save(1, 50)
      expect(await source.get(1)).toBe(2)
      expect(await source.get(1)).toBe(2)
    })
  })
})

describe('a source definition', () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ load: 'users' }, /load must be a function/],
    [{}, /loadMany/],
    [{ load: () => 1, save: true }, /save must be a function/],
    [{ load: () => 1, wriet: 'through' }, /Did you mean write/],
    [{ load: () => 1, write: 'around' }, /'through' or 'invalidate' or 'behind'/],
    [{ load: () => 1, maxBatch: 0 }, /maxBatch/],
    [{ load: () => 1, batchWindow: -1 }, /batchWindow/],
    [{ load: () => 1, tags: 'users' }, /tags/],
    [{ load: () => 1, behind: { flushsize: 1 } }, /flushSize/],
    [{ load: () => 1, ttl: '5 minutes' }, /ttl/],
    [null, /object/],
  ]
  test.each(refused)('%o is refused', (definition, message) => {
    const { cache } = l1Only()
    expect(() => cache.source('s', definition as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }),
    )
  })

  test('with a name that cannot begin a Redis key, or that is taken, is refused', () => {
    const { cache } = l1Only()
    expect(() => cache.source('a b', { load: () => 1 })).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
    cache.source('users', { load: () => 1 })
    expect(() => cache.source('users', { load: () => 2 })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  test('takes every default option of a cache as its own', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const { load } = loaders()
    const users = cache.source('users', { load, ttl: '1s', staleWhileRevalidate: 0 })
    const events = record(cache, ['miss'])
    await users.get(1)
    await clock.advance(1_000)
    await users.get(1)
    expect(events.of('miss')).toHaveLength(2)
  })
})
