// G9: a cache on a cluster. No command crosses slots, every operation reaches all nodes, and processes see each other's changes.
import { Cluster } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { waitFor } from '../support/wait.js'

let cluster: RedisCluster
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3 })
})

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

afterAll(() => cluster.stop())

/** Two processes of one cache. */
function openTwo(bus: 'stream' | 'tracking' = 'stream'): [Cache, Cache] {
  const open = (): Cache => {
    const client = new Cluster(cluster.addresses)
    cleanups.push(() => client.disconnect())
    const cache = createCache({ name: `g9-${bus}`, ttl: '1h', l2: redisTier(client, { bus, timeout: '10s' }) })
    cleanups.push(() => cache.close())
    return cache
  }
  return [open(), open()]
}

const keys = Array.from({ length: 60 }, (_, i) => `key:${i}`)

/** A loader for a key, and the number of its calls. */
function source() {
  let version = 1
  let loads = 0
  return {
    load: (key: string) => async () => {
      loads++
      return `${key} v${version}`
    },
    change: () => void version++,
    loads: () => loads,
  }
}

async function loadAll(cache: Cache, from: ReturnType<typeof source>): Promise<void> {
  await Promise.all(keys.map((key) => cache.getOrSet(key, from.load(key), { tags: ['all', `of:${key}`] })))
  await cache.drain()
}

async function valuesOf(cache: Cache): Promise<unknown[]> {
  return [...(await cache.getMany(keys))]
}

async function assertNoCrossSlot(): Promise<void> {
  for (const node of cluster.nodes) expect(await node.info('errorstats')).not.toHaveProperty('errorstat_CROSSSLOT')
}

describe('a cache on a cluster', () => {
  test('values that one process loaded are found by the other on every master, in one read', async () => {
    const [first, second] = openTwo()
    const db = source()
    await loadAll(first, db)
    expect(db.loads()).toBe(keys.length)
    await loadAll(second, db)
    expect(db.loads()).toBe(keys.length)
    expect(await valuesOf(second)).toEqual(keys.map((key) => `${key} v1`))
    const sizes = await Promise.all(cluster.nodes.map((node) => node.command('DBSIZE')))
    expect(sizes.every((size) => Number(size) > 5)).toBe(true)
    await first.clear()
    await assertNoCrossSlot()
  })

  const invalidations: [string, (cache: Cache) => Promise<unknown>, readonly string[]][] = [
    ['delete of many keys', (cache) => cache.delete(keys), keys],
    ['invalidateTags of a tag that all carry', (cache) => cache.invalidateTags(['all']), keys],
    ['invalidateTags of many tags', (cache) => cache.invalidateTags(keys.map((key) => `of:${key}`)), keys],
    ['clear', (cache) => cache.clear(), keys],
    ['delete of one key', (cache) => cache.delete('key:7'), ['key:7']],
  ]

  test.each(invalidations)('%s reaches the other process and every master', async (_, invalidate, gone) => {
    const [first, second] = openTwo()
    const db = source()
    await loadAll(first, db)
    await loadAll(second, db)
    db.change()
    expect(await invalidate(first)).toBe('applied')
    const expected = keys.map((key) => (gone.includes(key) ? undefined : `${key} v1`))
    expect(await valuesOf(first)).toEqual(expected)
    await waitFor('the other process', async () => {
      const values = await valuesOf(second)
      return values.every((value, i) => value === expected[i])
    })
    await loadAll(second, db)
    expect(await valuesOf(second)).toEqual(keys.map((key) => `${key} v${gone.includes(key) ? 2 : 1}`))
    await first.clear()
    await assertNoCrossSlot()
  })

  test('setMany writes to every master, and the other process reads it', async () => {
    const [first, second] = openTwo()
    expect(await first.setMany(keys.map((key) => [key, `${key} set`] as const))).toBe('applied')
    expect(await valuesOf(second)).toEqual(keys.map((key) => `${key} set`))
    await first.clear()
    await assertNoCrossSlot()
  })

  test('with the tracking bus, a key deleted by another program leaves every process', async () => {
    const [first, second] = openTwo('tracking')
    const db = source()
    await loadAll(first, db)
    await loadAll(second, db)
    db.change()
    for (const key of keys.slice(0, 10)) {
      const storeKey = `g9-tracking:${key}`
      expect(await (await cluster.masterOf(storeKey)).command('DEL', storeKey)).toBe(1)
    }
    for (const cache of [first, second]) {
      await waitFor('the deletes', async () =>
        (await cache.getMany(keys.slice(0, 10))).every((value) => value === undefined),
      )
    }
    expect(await second.get('key:30')).toBe('key:30 v1')
    await assertNoCrossSlot()
  })
})
