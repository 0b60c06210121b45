import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

type Behind = NonNullable<Parameters<ReturnType<typeof l1Only>['cache']['source']>[1]['behind']>

function counterSource(behind: Behind = {}, cacheOptions: Parameters<typeof l1Only>[0] = {}) {
  const { cache, clock } = l1Only(cacheOptions)
  const rows = new Map<number, string>([[1, 'first']])
  const save = vi.fn(async (id: number, value: string, _ctx: { attempt: number }) => {
    rows.set(id, value)
  })
  const remove = vi.fn(async (id: number) => {
    rows.delete(id)
  })
  const load = vi.fn((id: number) => rows.get(id))
  const source = cache.source('counters', { load, save, remove, write: 'behind', behind })
  return { cache, clock, rows, save, remove, load, source }
}

describe('a queued change of a source', () => {
  test('is read by this process before it is saved', async () => {
    const { cache, source, rows, load } = counterSource()
    expect(await source.save(1, 'new')).toBe('queued')
    expect(rows.get(1)).toBe('first')
    expect(await source.get(1)).toBe('new')
    expect(await source.getMany([1, 1])).toEqual(['new', 'new'])
    expect(await source.refresh(1)).toBe('new')
    expect(source.peek(1)).toBe('new')
    expect(load).not.toHaveBeenCalled()
    await cache.drain()
    expect(source.peek(1)).toBe('new')
  })

  test('is not seen by other processes until it is saved', async () => {
    const { a, b, clock } = await fleet()
    const rows = new Map([[1, 'first']])
    const definition = {
      load: (id: number) => rows.get(id),
      save: (id: number, value: string) => void rows.set(id, value),
      write: 'behind' as const,
    }
    const [here, there] = [a.cache.source('s', definition), b.cache.source('s', definition)]
    expect(await there.get(1)).toBe('first')
    await here.save(1, 'new')
    await clock.advance(10)
    expect(await there.get(1)).toBe('first')
    await clock.advance(1_000)
    expect(rows.get(1)).toBe('new')
    expect(await there.get(1)).toBe('new')
    await clock.advance(10)
  })

  test('of an id that is changed again is saved once, with the newest value', async () => {
    const { cache, source, save } = counterSource()
    for (let i = 0; i < 100; i++) await source.save(1, `v${i}`)
    await cache.drain()
    expect(save.mock.calls.map(([id, value]) => [id, value])).toEqual([[1, 'v99']])
  })

  test('may be a removal', async () => {
    const { cache, source, rows, remove } = counterSource()
    await source.save(1, 'new')
    expect(await source.remove(1)).toBe('queued')
    expect(await source.get(1)).toBeUndefined()
    await cache.drain()
    expect([remove.mock.calls.length, rows.has(1)]).toEqual([1, false])
    expect(await source.get(1)).toBeUndefined()
  })

  test('is refused at once if it cannot be cached', async () => {
    const { a, clock } = await fleet()
    const save = vi.fn()
    const source = a.cache.source('s', { load: (id: number) => `v${id}` as unknown, save, write: 'behind' })
    await expect(source.save(1, () => 1)).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
    await clock.advance(2_000)
    expect(save).not.toHaveBeenCalled()
  })

  test('is a copy if the cache returns copies', async () => {
    const { cache } = l1Only({ l1: { values: 'cloned' } })
    const saved: unknown[] = []
    const source = cache.source('s', {
      load: (id: number) => ({ id, tags: [] as string[] }),
      save: (_id, value) => saved.push(structuredClone(value)),
      write: 'behind',
    })
    const value = { id: 1, tags: ['a'] }
    await source.save(1, value)
    value.tags.push('changed by the caller')
    const read = await source.get(1)
    read.tags.push('changed by a reader')
    await cache.drain()
    expect(saved).toEqual([{ id: 1, tags: ['a'] }])
  })
})

describe('the queue of a source', () => {
  test('is flushed after its interval, counted from the first change of an id', async () => {
    const { source, clock, save } = counterSource({ flushInterval: 1_000 })
    await source.save(1, 'a')
    await clock.advance(600)
    await source.save(1, 'b')
    await source.save(2, 'c')
    await clock.advance(399)
    expect(save).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(save.mock.calls.map(([, value]) => value)).toEqual(['b'])
    await clock.advance(600)
    expect(save.mock.calls.map(([, value]) => value)).toEqual(['b', 'c'])
  })

  test('is flushed early once flushSize ids wait', async () => {
    const { source, save } = counterSource({ flushSize: 3 })
    await source.save(1, 'a')
    await source.save(2, 'b')
    await source.save(1, 'c')
    await settle()
    expect(save).not.toHaveBeenCalled()
    await source.save(3, 'd')
    await settle()
    expect(save.mock.calls.map(([id, value]) => [id, value])).toEqual([
      [1, 'c'],
      [2, 'b'],
      [3, 'd'],
    ])
  })

  test('saves at most concurrency ids at once', async () => {
    const { cache } = l1Only()
    let now = 0
    let most = 0
    const gate = deferred<void>()
    const source = cache.source('s', {
      load: (id: number) => id,
      save: async () => {
        most = Math.max(most, ++now)
        await gate.promise
        now--
      },
      write: 'behind',
      behind: { concurrency: 2 },
    })
    for (let id = 0; id < 5; id++) await source.save(id, id)
    const drained = cache.drain()
    await settle()
    expect(now).toBe(2)
    gate.resolve()
    await drained
    expect(most).toBe(2)
  })

  test('saves one change of an id at a time, in the order in which they were made', async () => {
    const { cache, source, save, rows } = counterSource()
    const gate = deferred<void>()
    save.mockImplementationOnce(async (id, value) => {
      await gate.promise
      rows.set(id, value)
    })
    await source.save(1, 'a')
    const drained = cache.drain()
    await settle()
    await source.save(1, 'b')
    await source.save(1, 'c')
    expect(await source.get(1)).toBe('c')
    await settle()
    expect(save).toHaveBeenCalledTimes(1)
    gate.resolve()
    await drained
    expect(save.mock.calls.map(([, value]) => value)).toEqual(['a', 'c'])
    expect(rows.get(1)).toBe('c')
  })

  test('is emptied by close(), which reports changes that could not be saved in time', async () => {
    const { cache, source, rows, save } = counterSource()
    const events = record(cache, ['closed'])
    await source.save(1, 'a')
    await source.save(2, 'b')
    save.mockImplementation(async (id, value) => {
      if (id === 2) throw new Error('down')
      rows.set(id, value)
    })
    await cache.close()
    expect(rows.get(1)).toBe('a')
    expect(events.of('closed')).toEqual([{ lost: 0, unsaved: 1 }])
    await expect(source.save(3, 'late')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('a queued save that fails', () => {
  test('is tried again with back-off and reported as an event', async () => {
    const { cache, source, clock, save, rows } = counterSource({ flushInterval: 10 }, { random: () => 1 })
    const events = record(cache, ['saveFailed'])
    const error = new Error('down')
    save.mockRejectedValueOnce(error).mockRejectedValueOnce(error)
    await source.save(1, 'new')
    await clock.advance(10)
    await clock.advance(99)
    expect(save).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    expect(save).toHaveBeenCalledTimes(2)
    expect(await source.get(1)).toBe('new')
    await clock.advance(200)
    expect(save.mock.calls.map(([, , { attempt }]) => attempt)).toEqual([1, 2, 3])
    expect(rows.get(1)).toBe('new')
    expect(events.of('saveFailed')).toMatchObject([
      { key: '1', attempt: 1, error, retryInMs: 100 },
      { key: '1', attempt: 2, error, retryInMs: 200 },
    ])
  })

  test('does not delay other ids', async () => {
    const { cache, source, rows, save } = counterSource()
    save.mockImplementation(async (id, value) => {
      if (id === 1) throw new Error('never')
      rows.set(id, value)
    })
    await source.save(1, 'a')
    await source.save(2, 'b')
    await cache.drain()
    expect(rows.get(2)).toBe('b')
    expect(await source.get(1)).toBe('a')
    save.mockImplementation(async () => undefined)
  })

  test('is replaced by a newer value of its id', async () => {
    const { source, clock, save, rows } = counterSource({ flushInterval: 10 })
    const gate = deferred<void>()
    save.mockImplementationOnce(() => gate.promise)
    await source.save(1, 'a')
    await clock.advance(10)
    await source.save(1, 'b')
    gate.reject(new Error('down'))
    await settle()
    expect(await source.get(1)).toBe('b')
    await clock.advance(1_000)
    expect(save.mock.calls.map(([, value]) => value)).toEqual(['a', 'b'])
    expect(rows.get(1)).toBe('b')
  })

  test('does not make drain() wait for ever', async () => {
    const { cache, source, save } = counterSource()
    save.mockRejectedValue(new Error('down'))
    await source.save(1, 'a')
    await cache.drain()
    expect(save).toHaveBeenCalledTimes(1)
    await cache.drain()
    expect(save).toHaveBeenCalledTimes(2)
    save.mockResolvedValue(undefined)
    await cache.drain()
  })
})

describe('the full queue of a source', () => {
  test('makes save wait for room', async () => {
    const { source, rows, save } = counterSource({ maxQueued: 2 })
    const gate = deferred<void>()
    save.mockImplementation(async (id, value) => {
      await gate.promise
      rows.set(id, value)
    })
    await source.saveMany([
      [1, 'a'],
      [2, 'b'],
    ])
    let isQueued = false
    const third = source.save(3, 'c').then(() => {
      isQueued = true
    })
    await settle()
    expect(isQueued).toBe(false)
    // An id that is queued already needs no further room.
    expect(await source.save(1, 'a2')).toBe('queued')
    gate.resolve()
    await third
    expect(await source.get(3)).toBe('c')
    await source.save(4, 'd')
  })

  test('refuses a save after maxWait, and all of them at once if as many wait as it has room for', async () => {
    const { cache, source, clock, save } = counterSource({ maxQueued: 1, maxWait: 50 })
    const gate = deferred<void>()
    save.mockImplementation(() => gate.promise)
    await source.save(1, 'a')
    const waiting = source.save(2, 'b')
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    await expect(source.save(3, 'c')).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    await clock.advance(50)
    await outcome
    gate.resolve()
    await cache.drain()
    expect(await source.save(4, 'd')).toBe('queued')
  })

  test('admits waiting saves in their order, also of the same id', async () => {
    const { cache, source, rows, save } = counterSource({ maxQueued: 3, flushSize: 1 })
    const gates = Array.from({ length: 3 }, () => deferred<void>())
    for (const gate of gates) {
      save.mockImplementationOnce(async (id, value) => {
        await gate.promise
        rows.set(id, value)
      })
    }
    for (const id of [1, 2, 3]) await source.save(id, 'x')
    const waiting = [source.save(9, 'one'), source.save(9, 'two')]
    await settle()
    gates[1]?.resolve()
    await Promise.all(waiting)
    expect(await source.get(9)).toBe('two')
    for (const gate of gates) gate.resolve()
    await cache.drain()
    expect(rows.get(9)).toBe('two')
  })

  test('lets no save wait once the cache is closed', async () => {
    const { cache, clock, source, save } = counterSource({ maxQueued: 1 })
    save.mockRejectedValue(new Error('down'))
    await source.save(1, 'a')
    const waiting = expect(source.save(2, 'b')).rejects.toMatchObject({ code: 'CLOSED' })
    const closing = cache.close()
    await clock.advance(5_000)
    await closing
    await waiting
  })
})
