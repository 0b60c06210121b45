// Updates and pulls of several processes on real Redis: no increment is lost, and one caller gets what is pulled.
import type { Cache } from 'tiercache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

const UPDATES = 100
const increment = (count: number | undefined = 0) => count + 1

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let caches: readonly Cache[]

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    caches = await Promise.all([1, 2, 3].map(() => fleet.open()))
  })

  afterAll(() => fleet.stop())

  test.each(['absent', 'present'])(
    'the increments of three processes add up, on a key that is %s at first',
    async (key) => {
      if (key === 'present') await caches[0]?.set(key, 0)
      const updates = caches.flatMap((cache) =>
        Array.from({ length: UPDATES }, () => cache.update(key, increment, { retries: 1_000 })),
      )
      const counts = await Promise.all(updates)
      // Each increment returned a count of its own.
      expect(new Set(counts).size).toBe(3 * UPDATES)
      for (const cache of caches) {
        expect(await cache.get(key, { tiers: 'l2' })).toBe(3 * UPDATES)
        await waitFor('the memory of every process', async () => (await cache.get(key)) === 3 * UPDATES)
      }
    },
  )

  test('increments and deletions at the same time leave what was appended after the last deletion', async () => {
    const [a, b, c] = caches as [Cache, Cache, Cache]
    const append = (id: number) => (ids: readonly number[] | undefined) => [...(ids ?? []), id]
    const results: (readonly number[])[] = []
    const work = async (cache: Cache, first: number) => {
      for (let id = first; id < first + 50; id++)
        results.push(await cache.update('list', append(id), { retries: 1_000 }))
    }
    const deleting = async () => {
      for (let i = 0; i < 20; i++) await c.delete('list')
    }
    await Promise.all([work(a, 0), work(b, 1_000), deleting()])
    const left = (await c.get<readonly number[]>('list', { tiers: 'l2' })) ?? []
    // Every id is once in the chain of results that leads to the value that is left.
    expect(new Set(left).size).toBe(left.length)
    for (const id of left) expect(results.filter((result) => result.at(-1) === id)).toHaveLength(1)
    expect(results).toHaveLength(100)
  })

  test('of many callers in three processes one gets what is pulled', async () => {
    for (let round = 0; round < 20; round++) {
      await caches[0]?.set('job', round)
      const pulls = caches.flatMap((cache) => Array.from({ length: 20 }, () => cache.pull<number>('job')))
      const pulled = (await Promise.all(pulls)).filter((value) => value !== undefined)
      expect(pulled).toEqual([round])
      for (const cache of caches) {
        await waitFor('the memory of every process', async () => (await cache.get('job')) === undefined)
      }
    }
  })

  test('an update costs a read, a swap and an announcement', async () => {
    const [a] = caches as [Cache]
    await a.set('counted', 1)
    const counts = await fleet.count([a], () => a.update('counted', increment))
    const scripts = (counts.evalsha ?? 0) + (counts.eval ?? 0)
    expect((counts.mget ?? 0) + (counts.get ?? 0)).toBeGreaterThanOrEqual(1)
    expect(scripts).toBeLessThanOrEqual(3)
  })
})
