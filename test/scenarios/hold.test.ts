// A database whose replica lags: the invalidation after the commit comes too early for it, unless it holds.
import type { Cache } from 'tiercache'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

/** One row. Writes go to the primary, loads read the replica, which follows when it is told to. */
class ReplicatedRow {
  #primary = 'old'
  #replica = 'old'
  loads = 0

  commit(value: string): void {
    this.#primary = value
  }

  catchUp(): void {
    this.#replica = this.#primary
  }

  readonly load = (): string => {
    this.loads++
    return this.#replica
  }
}

/** How the writer invalidates the key `user:1` with its tag `org:7`. */
const WAYS: [string, (cache: Cache, hold: '0s' | '300ms' | '5m') => Promise<unknown>][] = [
  ['delete', (cache, hold) => cache.delete('user:1', { hold })],
  ['invalidateTags', (cache, hold) => cache.invalidateTags('org:7', { hold })],
]

/** How a read names the tag. */
const TAGGINGS = [
  ['an array', ['org:7']],
  ['a function of the value', () => ['org:7']],
] as const

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await Fleet.start(form)
  })

  afterEach(async () => {
    await fleet.closeAll()
    for (const node of fleet.nodes) await node.command('FLUSHALL')
  })

  afterAll(() => fleet.stop())

  const read = (cache: Cache, row: ReplicatedRow, tags: readonly string[] | (() => readonly string[])) =>
    cache.getOrSet('user:1', row.load, { tags })

  /** Two processes that have the row in memory. */
  async function cachedByTwo(row: ReplicatedRow, tags: readonly string[] | (() => readonly string[])) {
    const [writer, other] = await fleet.openTwo()
    for (const cache of [writer, other]) {
      await read(cache, row, tags)
      await cache.drain()
    }
    return { writer, other }
  }

  describe.each(TAGGINGS)('with tags from %s', (_, tags) => {
    test.each(WAYS)(
      'without a hold, what a load reads after %s is the old row, and it is kept',
      async (_way, outdate) => {
        const row = new ReplicatedRow()
        const { writer } = await cachedByTwo(row, tags)
        row.commit('new')
        await outdate(writer, '0s')
        expect(await read(writer, row, tags)).toBe('old')
        await writer.drain()
        row.catchUp()
        expect(await read(writer, row, tags)).toBe('old')
      },
    )

    test.each(WAYS)(
      'while a hold of %s lasts no process keeps the old row, not even a new one',
      async (_way, outdate) => {
        const row = new ReplicatedRow()
        const { writer, other } = await cachedByTwo(row, tags)
        row.commit('new')
        expect(await outdate(writer, '5m')).toBe('applied')
        await waitFor('the other process to hear of it', () => other.peek('user:1') === undefined)
        const newcomer = await fleet.open()
        const { loads } = row
        for (const cache of [writer, other, newcomer]) {
          expect(await read(cache, row, tags)).toBe('old')
          await cache.drain()
        }
        for (const cache of [writer, other, newcomer]) {
          expect(cache.peek('user:1')).toBeUndefined()
          expect(await cache.get('user:1', { tiers: 'l2' })).toBeUndefined()
        }
        expect(row.loads).toBe(loads + 3)
      },
    )

    test.each(WAYS)('after a hold of %s every process has the new row, and keeps it', async (_way, outdate) => {
      const row = new ReplicatedRow()
      const { writer, other } = await cachedByTwo(row, tags)
      row.commit('new')
      await outdate(writer, '300ms')
      row.catchUp()
      await waitFor('the hold to be over', async () => {
        await read(writer, row, tags)
        await writer.drain()
        return writer.peek('user:1') !== undefined
      })
      for (const cache of [writer, other, await fleet.open()]) {
        await waitFor('a process to keep it', async () => {
          expect(await read(cache, row, tags)).toBe('new')
          await cache.drain()
          return cache.peek('user:1') === 'new'
        })
      }
    })
  })
})
