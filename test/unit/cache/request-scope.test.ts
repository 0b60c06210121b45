// Within a request scope a key is read once and keeps its value.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { createCache } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'

function makeCache(options = {}) {
  const clock = new FakeClock()
  return { clock, cache: createCache({ clock, name: 'shop', ...options }) }
}

/** A cache whose values change in the middle of a request; `change` is what another request does. */
function changing(options = {}) {
  const made = makeCache(options)
  const { cache } = made
  let truth = 1
  const load = vi.fn(async () => truth)
  const change = async () => {
    truth++
    await cache.delete('k')
  }
  const read = () => cache.getOrSet('k', load)
  return { ...made, load, read, change: () => outsideOf(change) }
}

/** Runs as another request would, in no scope of the caller. */
function outsideOf<T>(work: () => T): T {
  return elsewhere.runInAsyncScope(work)
}
const elsewhere = new AsyncResource('another request')

describe('within a request scope', () => {
  test('a value stays the same although others change it, and the next scope sees the change', async () => {
    const { cache, load, read, change } = changing()
    await cache.requestScope(async () => {
      expect(await read()).toBe(1)
      await change()
      expect(await read()).toBe(1)
      expect(await cache.get('k')).toBe(1)
      expect(await cache.getMany(['k', 'none'])).toEqual([1, undefined])
      expect(await cache.has('k')).toBe(true)
      expect(await cache.lookup('k')).toMatchObject({ found: true, value: 1 })
      expect(cache.peek('k')).toBe(1)
      expect(await cache.getOrSetMany(['k'], () => [9])).toEqual([1])
    })
    expect(await read()).toBe(2)
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('callers outside the scope see a change at once', async () => {
    const { cache, read, change } = changing()
    await cache.requestScope(async () => {
      await read()
      await change()
      expect(await outsideOf(read)).toBe(2)
      expect(await cache.requestScope(read)).toBe(1)
    })
  })

  test('a value that no tier stores is loaded once', async () => {
    const { cache } = makeCache({ ttl: 0 })
    const load = vi.fn(() => ({ now: load.mock.calls.length }))
    await cache.requestScope(async () => {
      const first = await cache.getOrSet('k', load)
      expect(await cache.getOrSet('k', load)).toBe(first)
    })
    expect(load).toHaveBeenCalledTimes(1)
    await cache.getOrSet('k', load)
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('a value that expires meanwhile stays the same', async () => {
    const { cache, clock, read, load } = changing({ ttl: 1000 })
    await cache.requestScope(async () => {
      await read()
      await clock.advance(2000)
      await read()
      expect(await cache.get('k')).toBe(1)
    })
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('a miss stays a miss for reads that never load, until a load of the scope has returned', async () => {
    const { cache } = makeCache()
    await cache.requestScope(async () => {
      expect(await cache.get('k')).toBeUndefined()
      await outsideOf(() => cache.set('k', 'theirs'))
      expect(await cache.get('k')).toBeUndefined()
      expect(await cache.lookup('k')).toEqual({ found: false })
      expect(await cache.getOrSet('k', () => 'mine')).toBe('theirs')
      expect(await cache.get('k')).toBe('theirs')
    })
  })

  test('two overlapping reads return the same value, although a change came between them', async () => {
    const { cache } = makeCache()
    const gates = [deferred<string>(), deferred<string>()]
    let next = 0
    const load = () => gates[next++]?.promise as Promise<string>
    await cache.requestScope(async () => {
      const first = cache.getOrSet('k', load)
      await settle()
      await outsideOf(() => cache.delete('k'))
      const second = cache.getOrSet('k', load)
      await settle()
      gates[1]?.resolve('new')
      await settle()
      gates[0]?.resolve('old')
      expect([await first, await second]).toEqual(['new', 'new'])
    })
  })

  test('a failed load is not remembered', async () => {
    const { cache } = makeCache()
    await cache.requestScope(async () => {
      await expect(cache.getOrSet('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
      expect(await cache.getOrSet('k', () => 'v')).toBe('v')
    })
  })

  test('undefined is remembered like any value', async () => {
    const { cache } = makeCache({ absentTtl: 0 })
    const load = vi.fn(() => undefined)
    await cache.requestScope(async () => {
      for (let i = 0; i < 3; i++) expect(await cache.getOrSet('k', load)).toBeUndefined()
    })
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('namespaces, versions and keys are separate', async () => {
    const { cache } = makeCache()
    await cache.requestScope(async () => {
      const read = (of: typeof cache, value: string, version?: number) => of.getOrSet('k', () => value, { version })
      expect(await read(cache, 'a')).toBe('a')
      expect(await read(cache, 'b', 2)).toBe('b')
      expect(await read(cache.namespace('n'), 'c')).toBe('c')
      expect(await cache.get('k', { version: 2 })).toBe('b')
      expect(await cache.namespace('n').get('k')).toBe('c')
    })
  })

  test('a value of L2 is read once', async () => {
    const server = new MemoryServer()
    const tier = memoryTier(server)
    const { cache } = makeCache({ l1: false, l2: tier })
    await cache.set('k', 'v')
    tier.link.resetCounts()
    await cache.requestScope(async () => {
      for (let i = 0; i < 5; i++) expect(await cache.get('k')).toBe('v')
      for (let i = 0; i < 5; i++) expect(await cache.getOrSet('k', () => 'no')).toBe('v')
    })
    expect(tier.link.count('read')).toBe(1)
  })

  test('a call with the option tiers reads that tier', async () => {
    const { cache, read, change } = changing({ l2: memoryTier() })
    await cache.requestScope(async () => {
      await read()
      await cache.drain()
      await change()
      expect(await cache.get('k', { tiers: 'l2' })).toBeUndefined()
      expect(await cache.getOrSet('k', () => 'l2', { tiers: 'l2' })).toBe('l2')
      expect(await read()).toBe(1)
    })
  })

  test('a cache that returns copies returns copies', async () => {
    const { cache } = makeCache({ l1: { values: 'cloned' } })
    await cache.requestScope(async () => {
      const first = await cache.getOrSet('k', () => ({ list: [1] }))
      first.list.push(2)
      const second = await cache.getOrSet('k', () => ({ list: [9] }))
      second.list.push(3)
      expect(await cache.get('k')).toEqual({ list: [1] })
    })
  })

  test('wrapped functions and pages are read once too', async () => {
    const { cache } = makeCache()
    let n = 0
    const count = cache.wrap(async () => ++n, { name: 'count' })
    const list = cache.pages('list', { loadPage: async () => ({ items: [++n] }) })
    await cache.requestScope(async () => {
      expect([await count(), (await list.page()).items]).toEqual([1, [2]])
      await outsideOf(async () => [await count.invalidate(), await list.invalidate()])
      expect([await count(), count.peek(), (await list.page()).items]).toEqual([1, 1, [2]])
    })
    expect([await count(), (await list.page()).items]).toEqual([3, [4]])
  })
})

describe('a change made within a request scope is seen in it', () => {
  test.each<[string, (cache: Made) => Promise<unknown>, unknown]>([
    ['set', (cache) => cache.set('k', 'set'), 'set'],
    ['setMany', (cache) => cache.setMany([['k', 'set']]), 'set'],
    ['delete', (cache) => cache.delete('k'), undefined],
    ['expire', (cache) => cache.expire('k'), undefined],
    ['invalidateTags', (cache) => cache.invalidateTags('t'), undefined],
    ['expireTags', (cache) => cache.expireTags('t'), undefined],
    ['clear', (cache) => cache.clear(), undefined],
    ['expireAll', (cache) => cache.expireAll(), undefined],
  ])('by %s', async (_name, change, expected) => {
    const { cache } = makeCache()
    await cache.requestScope(async () => {
      await cache.getOrSet('k', () => 'v', { tags: ['t'] })
      await cache.getOrSet('other', () => 'o', { tags: ['u'] })
      await change(cache)
      expect(await cache.get('k')).toBe(expected)
    })
  })

  test('at once, before its promise has settled', async () => {
    const { cache } = makeCache()
    await cache.requestScope(async () => {
      await cache.getOrSet('k', () => 'v')
      void cache.delete('k')
      expect(await cache.getOrSet('k', () => 'new')).toBe('new')
    })
  })

  test('except in other keys', async () => {
    const { cache } = makeCache()
    await cache.requestScope(async () => {
      await cache.getOrSet('k', () => 'v', { tags: ['t'] })
      await cache.namespace('n').getOrSet('k', () => 'n')
      await outsideOf(() => cache.setMany([['k', 'theirs']]))
      await cache.delete(['other'])
      await cache.invalidateTags('u')
      await cache.namespace('n').clear()
      expect(await cache.get('k')).toBe('v')
      expect(await cache.namespace('n').get('k')).toBeUndefined()
    })
  })

  test('for any tag, if the tags of a remembered value are unknown', async () => {
    const { cache } = makeCache({ l1: false })
    await cache.requestScope(async () => {
      await cache.getOrSet('k', () => 'v', { tags: ['t'] })
      await cache.invalidateTags('t')
      expect(await cache.getOrSet('k', () => 'new')).toBe('new')
    })
  })

  test('by reads after it, which do not get the result of a read before it', async () => {
    const { cache } = makeCache()
    const gate = deferred<string>()
    await cache.requestScope(async () => {
      const before = cache.getOrSet('k', () => gate.promise)
      await settle()
      await cache.delete('k')
      gate.resolve('old')
      expect(await before).toBe('old')
      expect(await cache.getOrSet('k', () => 'new')).toBe('new')
    })
  })

  test('if it is a refresh of a wrapped function', async () => {
    const { cache } = makeCache()
    let n = 0
    const count = cache.wrap(async () => ++n, { name: 'count' })
    await cache.requestScope(async () => {
      expect([await count(), await count.refresh(), await count()]).toEqual([1, 2, 2])
    })
  })

  test('only in its own scope', async () => {
    const { cache } = makeCache()
    await cache.set('k', 'v')
    const read = deferred<void>()
    const changed = deferred<void>()
    const reader = cache.requestScope(async () => {
      const first = await cache.get('k')
      read.resolve()
      await changed.promise
      return [first, await cache.get('k')]
    })
    const writer = cache.requestScope(async () => {
      await read.promise
      await cache.set('k', 'new')
      changed.resolve()
      return cache.get('k')
    })
    expect([await reader, await writer]).toEqual([['v', 'v'], 'new'])
  })
})

describe('loaders within a request scope', () => {
  test('are called outside the scope, so that a shared value does not depend on what one request remembers', async () => {
    const { cache, read, change } = changing()
    await cache.requestScope(async () => {
      expect(await read()).toBe(1)
      await change()
      expect(await cache.getOrSet('derived', async () => `from ${await read()}`)).toBe('from 2')
      expect(await cache.getOrSetMany(['many'], async () => [`from ${await read()}`])).toEqual(['from 2'])
    })
    expect(await cache.get('derived')).toBe('from 2')
  })

  test('keep the async context of their caller', async () => {
    const user = new AsyncLocalStorage<string>()
    const { cache } = makeCache()
    await user.run('ann', () => cache.requestScope(() => cache.getOrSet('k', () => user.getStore())))
    expect(await cache.get('k')).toBe('ann')
  })
})

describe('the end of a request scope', () => {
  test('comes when the result of its work has settled, which it returns or throws', async () => {
    const { cache } = makeCache()
    expect(cache.requestScope(() => 1)).toBe(1)
    expect(await cache.requestScope(async () => 2)).toBe(2)
    expect(() =>
      cache.requestScope(() => {
        throw new Error('at once')
      }),
    ).toThrow('at once')
    await expect(cache.requestScope(() => Promise.reject(new Error('later')))).rejects.toThrow('later')
  })

  test('leaves nothing behind: work that goes on afterwards reads without a scope', async () => {
    const { cache, read, change } = changing()
    const over = deferred<void>()
    let behind: Promise<number> | undefined
    await cache.requestScope(async () => {
      await read()
      behind = over.promise.then(read)
    })
    await change()
    over.resolve()
    expect(await behind).toBe(2)
  })

  test('does not end other scopes', async () => {
    const { cache, read, change } = changing()
    const gate = deferred<void>()
    const long = cache.requestScope(async () => {
      await read()
      await gate.promise
      return read()
    })
    await cache.requestScope(read)
    await settle()
    await change()
    gate.resolve()
    expect(await long).toBe(1)
  })

  test('comes for an inner scope with the end of the outer one', async () => {
    const { cache, read, change } = changing()
    await cache.requestScope(async () => {
      expect(await cache.requestScope(read)).toBe(1)
      await change()
      expect(await read()).toBe(1)
      await cache.requestScope(async () => {
        await cache.set('k', 7)
      })
      expect(await read()).toBe(7)
    })
  })

  test('is the same for a scope of a namespace', async () => {
    const { cache, read, change } = changing()
    await cache.namespace('n').requestScope(async () => {
      await read()
      await change()
      expect(await read()).toBe(1)
    })
  })
})

test('a closed cache opens no scope and returns nothing from an open one', async () => {
  const { cache, read } = changing()
  await cache.requestScope(async () => {
    await read()
    await cache.close()
    await expect(read()).rejects.toMatchObject({ code: 'CLOSED' })
  })
  expect(() => cache.requestScope(() => 1)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})

test('a scope that reads very many keys remembers the first ones and returns correct values', async () => {
  const { cache } = makeCache({ l1: { maxEntries: 5 } })
  const load = vi.fn(() => 'v')
  await cache.requestScope(async () => {
    await cache.getOrSet('first', load)
    await cache.getMany(Array.from({ length: 10_000 }, (_, i) => `k${i}`))
    await cache.getOrSet('last', load)
    for (const key of ['a', 'b', 'c', 'd', 'e']) await cache.set(key, key)
    for (const key of ['first', 'last']) expect(await cache.getOrSet(key, load)).toBe('v')
  })
  expect(load).toHaveBeenCalledTimes(3)
})

type Made = ReturnType<typeof makeCache>['cache']
