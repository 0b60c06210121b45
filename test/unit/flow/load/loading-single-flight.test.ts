// One load per key and process, whatever its result (G5).
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('one load per key', () => {
  test('a thousand callers share one load, and later callers get the value from memory', async () => {
    const { cache } = l1Only()
    const gate = deferred<object>()
    const load = vi.fn(() => gate.promise)
    const callers = Array.from({ length: 1000 }, () => cache.getOrSet('k', load))
    await settle()
    const value = {}
    gate.resolve(value)
    for (const answer of await Promise.all(callers)) expect(answer).toBe(value)
    expect(await cache.getOrSet('k', load)).toBe(value)
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.stats()).toMatchObject({ loads: 1, misses: 1, hits: { l1: 1 } })
  })

  test('the loader of the first caller runs, not those of later callers', async () => {
    const { cache } = l1Only()
    const second = vi.fn(() => 2)
    expect(await Promise.all([cache.getOrSet('k', async () => 1), cache.getOrSet('k', second)])).toEqual([1, 1])
    expect(second).not.toHaveBeenCalled()
  })

  test('keys, namespaces and versions do not wait for each other', async () => {
    const { cache } = l1Only()
    const gate = deferred<number>()
    const slow = cache.getOrSet('k', () => gate.promise)
    expect(await cache.getOrSet('other', () => 1)).toBe(1)
    expect(await cache.namespace('n').getOrSet('k', () => 2)).toBe(2)
    expect(await cache.getOrSet('k', () => 3, { version: 2 })).toBe(3)
    gate.resolve(4)
    expect(await slow).toBe(4)
  })

  test('a load that failed reaches a thousand callers once and untouched, and the next caller loads again', async () => {
    const { cache } = l1Only()
    class NotFound extends Error {}
    const failure = Object.freeze(new NotFound('no such user'))
    const load = vi.fn(async () => {
      await settle()
      throw failure
    })
    const callers = Array.from({ length: 1000 }, () => cache.getOrSet('k', load))
    for (const outcome of await Promise.allSettled(callers)) {
      expect(outcome.status === 'rejected' && outcome.reason).toBe(failure)
    }
    expect(load).toHaveBeenCalledTimes(1)
    expect(await cache.has('k')).toBe(false)
    expect(await cache.getOrSet('k', () => 'found')).toBe('found')
  })

  test.each([['a string'], [undefined], [null], [42]])('a loader may reject with %o', async (reason) => {
    const { cache } = l1Only()
    await expect(cache.getOrSet('k', () => Promise.reject(reason))).rejects.toBe(reason)
  })

  test('a loader that throws at once is like one that rejects', async () => {
    const { cache } = l1Only()
    const failure = new RangeError('sync')
    const load = vi.fn(() => {
      throw failure
    })
    const outcomes = await Promise.allSettled([cache.getOrSet('k', load), cache.getOrSet('k', load)])
    expect(outcomes).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ])
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('a loader may return a thenable, or a value without a promise', async () => {
    const { cache } = l1Only()
    // biome-ignore lint/suspicious/noThenProperty: older database clients return such objects
    const thenable = { then: (resolve: (value: number) => void) => resolve(1) }
    expect(await cache.getOrSet('thenable', () => thenable as unknown as Promise<number>)).toBe(1)
    expect(await cache.getOrSet('plain', () => 2)).toBe(2)
  })

  test.each<[string, Parameters<ReturnType<typeof l1Only>['cache']['getOrSet']>[2], boolean, unknown]>([
    ['ctx.skip()', undefined, true, 'v'],
    ['a ttl of 0', { ttl: 0 }, false, 'v'],
    ['an absentTtl of 0', { absentTtl: 0 }, false, null],
  ])(
    'simultaneous callers share one load also if the value is not cached because of %s',
    async (_name, options, skips, value) => {
      for (const cache of [l1Only().cache, (await fleet()).a.cache]) {
        let loads = 0
        const load = async (ctx: { skip(): void }) => {
          loads++
          await settle()
          if (skips) ctx.skip()
          return value
        }
        const callers = Array.from({ length: 5 }, () => cache.getOrSet('k', load, options))
        expect(await Promise.all(callers)).toEqual(Array(5).fill(value))
        expect(loads).toBe(1)
        await settle()
        expect(await cache.has('k')).toBe(false)
        await cache.getOrSet('k', load, options)
        expect(loads).toBe(2)
      }
    },
  )

  test('the lease of a load whose result is not cached is given back at once, so that the other process does not wait', async () => {
    const { a, b, clock } = await fleet()
    const load = (ctx: { skip(): void }) => {
      ctx.skip()
      return 1
    }
    await a.cache.getOrSet('k', load)
    await settle()
    const inB = vi.fn(load)
    const other = b.cache.getOrSet('k', inB)
    await clock.advance(1)
    expect(await other).toBe(1)
    expect(inB).toHaveBeenCalledTimes(1)
  })
})

describe('a loader that reads a key whose load waits for it', () => {
  test('is rejected at once: directly, through another loader and through a namespace', async () => {
    const { cache } = l1Only()
    const itself = (): Promise<unknown> => cache.getOrSet('k', itself)
    await expect(cache.getOrSet('k', itself)).rejects.toMatchObject({
      code: 'REENTRANT_LOAD',
      message: expect.stringContaining('"k"'),
    })
    const shop = cache.namespace('shop')
    const a = (): Promise<unknown> => shop.getOrSet('b', b)
    const b = (): Promise<unknown> => cache.getOrSet('c', c)
    const c = (): Promise<unknown> => cache.getOrSet('a', a)
    await expect(cache.getOrSet('a', a)).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
  })

  test('is rejected after any number of awaits, and may catch the error and go on', async () => {
    const { cache } = l1Only()
    const load = async (): Promise<string> => {
      await settle()
      try {
        return await cache.getOrSet('k', load)
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(await cache.getOrSet('k', load)).toBe('REENTRANT_LOAD')
  })

  test('when two loaders read each other’s keys at the same time, one is rejected and both end', async () => {
    const { cache } = l1Only()
    const ready = deferred<void>()
    const a = async (): Promise<unknown> => {
      await ready.promise
      return cache.getOrSet('b', b)
    }
    const b = async (): Promise<unknown> => {
      await ready.promise
      return cache.getOrSet('a', a)
    }
    const both = Promise.allSettled([cache.getOrSet('a', a), cache.getOrSet('b', b)])
    await settle()
    ready.resolve()
    for (const outcome of await both) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'REENTRANT_LOAD' } })
    }
  })

  test('a loader may read other keys, also if another load waits for the same ones', async () => {
    const { cache } = l1Only()
    const rates = vi.fn(async () => {
      await settle()
      return 2
    })
    const price = (base: number) => async () => base * (await cache.getOrSet('rates', rates))
    expect(await Promise.all([cache.getOrSet('p1', price(1)), cache.getOrSet('p2', price(2))])).toEqual([2, 4])
    expect(rates).toHaveBeenCalledTimes(1)
  })

  test('a refresh may read its own key while it is fresh in memory', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 100 })
    await cache.getOrSet('k', () => 1)
    await clock.advance(10)
    const seen: unknown[] = []
    const refresh = async () => {
      seen.push(await cache.get('k'))
      return 2
    }
    expect(await cache.getOrSet('k', refresh)).toBe(1)
    await settle()
    expect(seen).toEqual([1])
    expect(await cache.get('k')).toBe(2)
  })
})
