// The tracking bus between processes: a change of a key in Redis by any program reaches the memory of every process.
import type { Cache } from 'tiercache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

const keys = Array.from({ length: 12 }, (_, i) => `k${i}`)

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    ;[a, b] = await fleet.openTwo({}, { bus: 'tracking' })
  })

  afterAll(() => fleet.stop())

  /** Fills the memory of both processes, and resolves when no announcement of it is in flight any more. */
  async function fill(value: string): Promise<void> {
    await a.setMany(
      keys.map((key) => [key, value] as const),
      { tags: ['t'] },
    )
    await waitFor('both memories', async () => {
      // Both read: on a busy machine the bus may be silent for a while, and then memory asks Redis before it serves.
      for (const cache of [a, b]) await cache.getMany(keys)
      return [a, b].every((cache) => keys.every((key) => cache.peek(key) === value))
    })
  }

  test.each([
    ['DEL', (key: string) => ['DEL', key]],
    ['SET', (key: string) => ['SET', key, 'not of this cache']],
  ])('%s by a foreign client reaches the memory of both processes', async (verb, command) => {
    await fill(`before ${verb}`)
    for (const key of keys) {
      const storeKey = `shop:${key}`
      await (await fleet.nodeOf(storeKey)).command(...command(storeKey))
    }
    for (const cache of [a, b]) {
      await waitFor('the change', async () => (await cache.getMany(keys)).every((value) => value === undefined))
      expect(keys.map((key) => cache.peek(key))).toEqual(keys.map(() => undefined))
    }
    // The value that the other client left does not prevent a load.
    let loads = 0
    const load = () => {
      loads++
      return `after ${verb}`
    }
    for (const cache of [a, b]) {
      for (const key of keys) expect(await cache.getOrSet(key, load)).toBe(`after ${verb}`)
      await cache.drain()
    }
    expect(loads).toBe(keys.length)
  })

  test('changes that a process makes through the cache reach the other processes too', async () => {
    const changes: [string, (cache: Cache) => Promise<unknown>][] = [
      ['delete', (cache) => cache.delete(keys)],
      ['invalidateTags', (cache) => cache.invalidateTags('t')],
      ['clear', (cache) => cache.clear()],
    ]
    for (const [verb, change] of changes) {
      await fill(verb)
      expect(await change(b)).toBe('applied')
      expect(await b.getMany(keys)).toEqual(keys.map(() => undefined))
      await waitFor(verb, async () => (await a.getMany(keys)).every((value) => value === undefined))
    }
  })
})
