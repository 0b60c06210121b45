// `cache.warm` fills the tiers before the first reads.
import { createCache, type WarmReport } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { expect, test, vi } from 'vitest'

function makeCache(options = {}) {
  const clock = new FakeClock()
  return { clock, cache: createCache({ clock, name: 'shop', ...options }) }
}

test('warming loads what is not cached, in both forms, and reports hits and loads', async () => {
  const { cache } = makeCache()
  await cache.set('a', 'here already')
  const load = vi.fn((key: string) => `v ${key}`)
  const report = await cache.warm([
    ['a', () => load('a')],
    ['b', () => load('b'), { tags: ['t'] }],
    { key: 'c', load: () => load('c'), options: { ttl: '1h' } },
  ])
  expect(report).toMatchObject({ hits: 1, loads: 2, failed: 0, failures: [], isComplete: true })
  expect(load.mock.calls).toEqual([['b'], ['c']])
  expect(await cache.getMany(['a', 'b', 'c'])).toEqual(['here already', 'v b', 'v c'])
  await cache.invalidateTags('t')
  expect(await cache.getMany(['b', 'c'])).toEqual([undefined, 'v c'])
})

test('at most concurrency loads run at once, and entries are pulled no faster than they are loaded', async () => {
  const { cache } = makeCache()
  const gates = Array.from({ length: 10 }, () => deferred<string>())
  let running = 0
  let most = 0
  let given = 0
  function* entries() {
    for (const [i, gate] of gates.entries()) {
      given++
      const load = async () => {
        most = Math.max(most, ++running)
        await gate.promise
        running--
        return i
      }
      yield [`k${i}`, load] as const
    }
  }
  const warming = cache.warm(entries(), { concurrency: 3 })
  await settle()
  expect([running, given < 10]).toEqual([3, true])
  for (const gate of gates) {
    gate.resolve('v')
    await settle()
  }
  expect(await warming).toMatchObject({ loads: 10 })
  expect(most).toBe(3)
})

test('a failing load is reported and does not end the warming, also if a stale value is served for it', async () => {
  const { cache, clock } = makeCache({ ttl: '1s', staleIfError: '1h' })
  await cache.set('stale', 'old')
  await clock.advance(1000)
  const error = new Error('down')
  const fail = () => Promise.reject(error)
  const report = await cache.warm([
    ['stale', fail],
    ['missing', fail],
    ['good', () => 'v'],
  ])
  expect(report).toMatchObject({ hits: 0, loads: 1, failed: 2 })
  expect(report.failures).toEqual([
    { item: 'stale', error },
    { item: 'missing', error },
  ])
})

test('progress is reported after each entry', async () => {
  const { cache } = makeCache()
  const told: [number, number, string | undefined][] = []
  const onProgress = ({ loads, next, failures }: WarmReport<string>) => told.push([loads, next, failures[0]?.item])
  const broken = () => Promise.reject(new Error('down'))
  await cache.warm(
    [
      ['a', () => 1],
      ['b', broken],
      ['c', () => 3],
    ],
    { concurrency: 1, onProgress },
  )
  expect(told).toEqual([
    [1, 1, undefined],
    [1, 2, 'b'],
    [2, 3, 'b'],
  ])
})

test('an interrupted warming returns where it ended, and loads the rest when it is repeated', async () => {
  const { cache } = makeCache()
  const abort = new AbortController()
  const load = vi.fn((i: number) => {
    if (i === 3) abort.abort()
    return i
  })
  const entries = Array.from({ length: 6 }, (_, i) => [`k${i}`, () => load(i)] as const)
  const first = await cache.warm(entries, { concurrency: 1, signal: abort.signal })
  expect(first.isComplete).toBe(false)
  expect(first.next).toBeLessThan(6)
  const again = await cache.warm(entries)
  expect(again).toMatchObject({ isComplete: true, loads: 6 - first.loads, hits: first.loads })
  expect(load).toHaveBeenCalledTimes(6)
})

test('values that another process loaded are found in L2', async () => {
  const server = new MemoryServer()
  const [here, there] = [1, 2].map(() => makeCache({ l2: memoryTier(server) }).cache)
  const entries = async function* () {
    for (const key of ['a', 'b']) yield [key, () => key] as const
  }
  await here?.warm(entries())
  await here?.drain()
  expect(await there?.warm(entries())).toMatchObject({ hits: 2, loads: 0 })
})

test.each([
  ['no list', 'a', undefined],
  ['no pairs', ['a'], undefined],
  ['a key that is not a string', [[1, () => 1]], undefined],
  ['no loader', [['a']], undefined],
  ['a concurrency of 0', [], { concurrency: 0 }],
])('%s is refused', async (_what, entries, options) => {
  await expect(makeCache().cache.warm(entries as never, options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
