import type { LoadContext } from 'tiercache'
import { deferred, FakeClock, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { RunningLoads } from '../../../../src/flow/flights/running-loads.js'
import { type BatchContext, Batcher, type BatcherOptions } from '../../../../src/flow/load/batcher.js'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

function contextOf(key: string, signal = new AbortController().signal): LoadContext {
  return { key, signal } as LoadContext
}

function makeBatcher(options: Partial<BatcherOptions<number, string>> = {}) {
  const clock = new FakeClock()
  const loadMany = vi.fn(async (ids: readonly number[], _context: BatchContext) => ids.map((id) => `v${id}`))
  const running = new RunningLoads()
  const defaults = { loadMany, load: undefined, maxBatch: 100, windowMs: 0, clock, running, context: 'made' } as const
  const batcher = new Batcher<number, string>({ ...defaults, ...options })
  const load = (id: number, signal?: AbortSignal) => batcher.load(id, contextOf(String(id), signal))
  return { batcher, clock, loadMany, load, idsOf: () => loadMany.mock.calls.map(([ids]) => ids) }
}

describe('a batch', () => {
  test('takes all loads of one tick, continuations included, in one call', async () => {
    const { load, idsOf } = makeBatcher()
    const later = Promise.resolve().then(() => load(3))
    expect(await Promise.all([load(1), load(2), later])).toEqual(['v1', 'v2', 'v3'])
    expect(idsOf()).toEqual([[1, 2, 3]])
  })

  test('does not take loads of the next tick', async () => {
    const { load, idsOf } = makeBatcher()
    await load(1)
    await load(2)
    expect(idsOf()).toEqual([[1], [2]])
  })

  test('has at most maxBatch ids', async () => {
    const { load, idsOf } = makeBatcher({ maxBatch: 2 })
    await Promise.all([1, 2, 3, 4, 5].map((id) => load(id)))
    expect(idsOf()).toEqual([[1, 2], [3, 4], [5]])
  })

  test('of one id goes to the loader of single values, if there is one', async () => {
    const load = vi.fn(async (id: number) => `single ${id}`)
    const made = makeBatcher({ load })
    expect(await made.load(1)).toBe('single 1')
    expect(await Promise.all([made.load(1), made.load(2)])).toEqual(['v1', 'v2'])
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('of one id rejects with what its loader throws at once', async () => {
    const error = new Error('sync')
    const { load } = makeBatcher({
      load: () => {
        throw error
      },
    })
    await expect(load(1)).rejects.toBe(error)
  })

  test('collects ids for its window, counted from the first one', async () => {
    const { load, clock, idsOf } = makeBatcher({ windowMs: 10 })
    const loads = [load(1)]
    await clock.advance(9)
    loads.push(load(2))
    expect(idsOf()).toEqual([])
    await clock.advance(1)
    expect(await Promise.all(loads)).toEqual(['v1', 'v2'])
    expect(idsOf()).toEqual([[1, 2]])
    expect(clock.pendingTimers).toBe(0)
  })

  test('that is full does not wait for its window', async () => {
    const { load, clock, idsOf } = makeBatcher({ windowMs: 10, maxBatch: 2 })
    const loads = [load(1), load(2)]
    await settle()
    expect(idsOf()).toEqual([[1, 2]])
    await Promise.all(loads)
    expect(clock.pendingTimers).toBe(0)
  })

  test('waits for gets that began in the same tick and are still on their way', async () => {
    const { batcher, clock, idsOf } = makeBatcher()
    const [first, second, hit] = [batcher.expect(), batcher.expect(), batcher.expect()]
    const loads = [first.load(1, contextOf('1'))]
    await settle()
    expect(idsOf()).toEqual([])
    hit.settled()
    await settle()
    expect(idsOf()).toEqual([])
    loads.push(second.load(2, contextOf('2')))
    await Promise.all(loads)
    expect(idsOf()).toEqual([[1, 2]])
    expect(clock.pendingTimers).toBe(0)
  })

  test('leaves when the last of those gets needs no load', async () => {
    const { batcher, clock, idsOf } = makeBatcher()
    const [miss, hit] = [batcher.expect(), batcher.expect()]
    const load = miss.load(1, contextOf('1'))
    await settle()
    hit.settled()
    hit.settled()
    await load
    expect(idsOf()).toEqual([[1]])
    expect(clock.pendingTimers).toBe(0)
  })

  test('waits for those gets a few milliseconds at most', async () => {
    const { batcher, clock, idsOf } = makeBatcher()
    const [miss, slow] = [batcher.expect(), batcher.expect()]
    const loads = [miss.load(1, contextOf('1'))]
    await clock.advance(4)
    expect(idsOf()).toEqual([])
    await clock.advance(1)
    expect(idsOf()).toEqual([[1]])
    loads.push(slow.load(2, contextOf('2')))
    await Promise.all(loads)
    expect(idsOf()).toEqual([[1], [2]])
  })

  test('does not wait for gets of another tick', async () => {
    const { batcher, idsOf } = makeBatcher()
    batcher.expect()
    await settle()
    await batcher.expect().load(1, contextOf('1'))
    expect(idsOf()).toEqual([[1]])
  })
})

describe('the result of a batch loader', () => {
  test('may hold an Error for one id, which fails for that id alone', async () => {
    const error = new Error('no such id')
    const { load } = makeBatcher({ loadMany: (ids) => ids.map((id) => (id === 2 ? error : `v${id}`)) })
    const settled = await Promise.allSettled([load(1), load(2), load(3)])
    expect(settled).toEqual([
      { status: 'fulfilled', value: 'v1' },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: 'v3' },
    ])
  })

  test.each([['a', 'b', 'c'], ['a'], 'ab', undefined, { 0: 'a', 1: 'b', length: 2 }])(
    'without a result for each id (%o) fails for all of them',
    async (answer) => {
      const { load } = makeBatcher({ loadMany: () => answer as never })
      for (const result of await Promise.allSettled([load(1), load(2)])) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'BATCH_MISMATCH' } })
      }
    },
  )

  test('fails for all ids with what the loader threw', async () => {
    const error = new TypeError('down')
    const { load } = makeBatcher({
      loadMany: () => {
        throw error
      },
    })
    for (const result of await Promise.allSettled([load(1), load(2)]))
      expect(result).toEqual({ status: 'rejected', reason: error })
  })

  test('may depend on the context of each id', async () => {
    const { load, loadMany } = makeBatcher()
    await Promise.all([load(1), load(2)])
    expect(loadMany.mock.calls[0]?.[1].each.map(({ key }) => key)).toEqual(['1', '2'])
  })
})

describe('the signal of a batch', () => {
  test('aborts when the last of its loads is given up, and not before', async () => {
    const gate = deferred<string[]>()
    let signal: AbortSignal | undefined
    const { load } = makeBatcher({
      loadMany: (_ids, context) => {
        signal = context.signal
        return gate.promise
      },
    })
    const [first, second] = [new AbortController(), new AbortController()]
    const loads = [load(1, first.signal), load(2, second.signal)]
    await settle()
    first.abort()
    expect(signal?.aborted).toBe(false)
    second.abort()
    expect(signal?.aborted).toBe(true)
    gate.resolve(['v1', 'v2'])
    await Promise.all(loads)
  })

  test('is aborted already if all loads were given up before it is read', async () => {
    let isAborted: boolean | undefined
    const gone = AbortSignal.abort()
    const { load } = makeBatcher({
      loadMany: (ids, { signal }) => {
        isAborted = signal.aborted
        return ids.map(String)
      },
    })
    await Promise.all([load(1, gone), load(2, gone)])
    expect(isAborted).toBe(true)
  })
})

describe('getOrSetMany', () => {
  const loadAll = (keys: readonly string[]) => keys.map((key) => `v:${key}`)

  test('returns values in the order of the keys, and passes each key to the loader once', async () => {
    const { cache } = l1Only()
    await cache.set('b', 'cached')
    const load = vi.fn(loadAll)
    expect(await cache.getOrSetMany(['a', 'b', 'c', 'a'], load)).toEqual(['v:a', 'cached', 'v:c', 'v:a'])
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['a', 'c']])
  })

  test('joins a slow running load, and the other keys do not wait for it', async () => {
    const { cache, clock } = l1Only()
    const gate = deferred<string>()
    const single = cache.getOrSet('slow', () => gate.promise)
    await settle()
    const load = vi.fn(loadAll)
    const many = cache.getOrSetMany(['slow', 'a'], load)
    await settle()
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['a']])
    gate.resolve('one load')
    expect(await many).toEqual(['one load', 'v:a'])
    expect(await single).toBe('one load')
    // The timer for all time limits, which stays until `close()`.
    expect(clock.pendingTimers).toBe(1)
  })

  test('reads L2 once and loads once, across hits and misses of both tiers', async () => {
    const { a, b, clock } = await fleet()
    await b.cache.setMany([
      ['in l2', 1],
      ['in l2 too', 2],
    ])
    await a.cache.set('in l1', 0)
    await clock.advance(10)
    a.tier.link.resetCounts()
    const load = vi.fn((keys: readonly string[]) => keys.map((key) => key.length))
    const keys = ['x', 'in l1', 'in l2', 'yy', 'in l2 too', 'zzz']
    expect(await a.cache.getOrSetMany(keys, load)).toEqual([1, 0, 1, 2, 2, 3])
    expect(load.mock.calls.map(([asked]) => asked)).toEqual([['x', 'yy', 'zzz']])
    expect(a.tier.link.count('read')).toBe(1)
    await a.cache.drain()
  })

  test('waits for a key that another process loads, and loads the others without it', async () => {
    const { a, b, clock } = await fleet()
    const gate = deferred<string>()
    const elsewhere = b.cache.getOrSet('theirs', () => gate.promise)
    await clock.advance(1)
    const load = vi.fn(loadAll)
    const many = a.cache.getOrSetMany(['mine', 'theirs'], load)
    await clock.advance(10)
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['mine']])
    gate.resolve('from b')
    await clock.advance(20)
    expect(await many).toEqual(['v:mine', 'from b'])
    expect(await elsewhere).toBe('from b')
  })

  test('rejects a read by its batch loader of a key of the same batch', async () => {
    const { cache } = l1Only()
    const load = async (keys: readonly string[]) => {
      await cache.getOrSet('b', () => 'never')
      return keys.map(String)
    }
    await expect(cache.getOrSetMany(['a', 'b', 'c'], load)).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
  })

  test('rejects such a read also through the loader of another key', async () => {
    const { cache } = l1Only()
    const load = async (keys: readonly string[]) => {
      await cache.getOrSet('other', () => cache.getOrSet('c', () => 'never'))
      return keys.map(String)
    }
    await expect(cache.getOrSetMany(['a', 'b', 'c'], load)).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
  })
})
