import { deferred, settle } from 'tiercache/testing'
import { expect, test, vi } from 'vitest'
import { type WarmReport, warmAll } from '../../../src/cache/warm/warm-run.js'

const loadAll = async () => 'load' as const

test('at most concurrency items are being warmed at once', async () => {
  let now = 0
  let most = 0
  const gates = Array.from({ length: 20 }, () => deferred<void>())
  const warming = warmAll(
    gates,
    async (gate) => {
      most = Math.max(most, ++now)
      await gate.promise
      now--
      return 'load'
    },
    { concurrency: 3 },
  )
  await settle()
  expect(now).toBe(3)
  for (const gate of gates) gate.resolve()
  expect(await warming).toMatchObject({ loads: 20, isComplete: true })
  expect(most).toBe(3)
})

test('hits, loads and failures are reported, and a failure stops no other item', async () => {
  const error = new Error('no')
  const report = await warmAll([1, 2, 3, 4], async (id) => {
    if (id === 3) throw error
    return id === 1 ? 'hit' : 'load'
  })
  expect(report).toEqual({ hits: 1, loads: 2, failed: 1, failures: [{ item: 3, error }], next: 4, isComplete: true })
})

test('the first hundred failures are listed, and all are counted', async () => {
  const report = await warmAll(
    Array.from({ length: 500 }, (_, i) => i),
    () => Promise.reject(new Error('no')),
  )
  expect(report.failed).toBe(500)
  expect(report.failures).toHaveLength(100)
})

test('progress is reported after each item', async () => {
  const seen: number[] = []
  const onProgress = (report: WarmReport) => seen.push(report.loads)
  await warmAll([1, 2, 3], loadAll, { concurrency: 1, onProgress })
  expect(seen).toEqual([1, 2, 3])
})

test('an interrupted warming returns where to continue, and continues there', async () => {
  const ids = [10, 11, 12, 13, 14]
  const stop = new AbortController()
  const warmed: number[] = []
  const warm = async (id: number) => {
    warmed.push(id)
    if (id === 11) stop.abort()
    return 'load' as const
  }
  const first = await warmAll(ids, warm, { concurrency: 1, signal: stop.signal })
  expect(first.isComplete).toBe(false)
  const second = await warmAll(ids, warm, { concurrency: 1, from: first.next })
  expect(second).toMatchObject({ next: 5, isComplete: true })
  expect(warmed).toEqual(ids)
})

test('an unfinished item holds `next` back', async () => {
  const slow = deferred<void>()
  const reports: WarmReport[] = []
  const warm = async (id: number) => {
    if (id === 0) await slow.promise
    return 'load' as const
  }
  const warming = warmAll([0, 1, 2], warm, { onProgress: (report) => reports.push(report) })
  await settle()
  expect(reports.map(({ next, loads }) => [next, loads])).toEqual([
    [0, 1],
    [0, 2],
  ])
  slow.resolve()
  expect((await warming).next).toBe(3)
})

test('items are pulled only as fast as they are warmed', async () => {
  let fetched = 0
  async function* cursor() {
    for (;;) yield fetched++
  }
  const stop = new AbortController()
  const gate = deferred<void>()
  const warming = warmAll(cursor(), () => gate.promise.then(() => 'load' as const), {
    concurrency: 2,
    signal: stop.signal,
  })
  await settle()
  expect(fetched).toBeLessThanOrEqual(5)
  stop.abort()
  gate.resolve()
  expect((await warming).isComplete).toBe(false)
})

test('a cursor is closed if the warming stops early', async () => {
  let isClosed = false
  async function* cursor() {
    try {
      for (let id = 0; ; id++) yield id
    } finally {
      isClosed = true
    }
  }
  const stop = new AbortController()
  const report = await warmAll(cursor(), loadAll, { signal: stop.signal, onProgress: () => stop.abort() })
  expect([report.isComplete, isClosed]).toEqual([false, true])
})

test('an infinite concurrency begins with all items at once', async () => {
  const gate = deferred<void>()
  const warm = vi.fn(() => gate.promise.then(() => 'load' as const))
  const warming = warmAll(
    Array.from({ length: 500 }, (_, i) => i),
    warm,
    { concurrency: Number.POSITIVE_INFINITY },
  )
  await settle()
  expect(warm).toHaveBeenCalledTimes(500)
  gate.resolve()
  expect(await warming).toMatchObject({ loads: 500, isComplete: true })
})

test('an error of the iterator or the progress listener rejects the warming after its running items', async () => {
  const error = new Error('cursor lost')
  const warm = vi.fn(loadAll)
  function* cursor() {
    yield 1
    throw error
  }
  await expect(warmAll(cursor(), warm)).rejects.toBe(error)
  expect(warm).toHaveBeenCalledTimes(1)
  const onProgress = () => {
    throw error
  }
  await expect(warmAll([1], warm, { onProgress })).rejects.toBe(error)
})

test('a wrong concurrency or position is refused', async () => {
  await expect(warmAll([], loadAll, { concurrency: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(warmAll([], loadAll, { from: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
