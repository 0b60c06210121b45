// Sources on real Redis, on one server and on a cluster: batches across tiers, unchanged values, one load for all processes.
import { Cluster, Redis } from 'ioredis'
import { type Cache, createCache, type Source } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const IDS = Array.from({ length: 200 }, (_, id) => id)
const userOf = (id: number) => ({ id, name: `user ${id}` })

const open: Cache[] = []
let names = 0

afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close()))
})

/** The caches of two processes, with a new name. */
async function fleet(connect: () => Parameters<typeof redisTier>[0]): Promise<[Cache, Cache]> {
  const name = `source${++names}`
  // A busy machine must not look like a broken one.
  const caches = [0, 1].map(() => createCache({ name, l2: redisTier(connect(), { timeout: '10s' }), ttl: '1h' }))
  open.push(...caches)
  // After its first write each cache knows its tokens.
  for (const cache of caches) expect(await cache.set('start', 1)).toBe('applied')
  await waitFor('the bus', () => caches.every((cache) => cache.stats().bus.trusted))
  return caches as [Cache, Cache]
}

function batching(cache: Cache) {
  const loadMany = vi.fn(async (ids: readonly number[]) => ids.map(userOf))
  return { users: cache.source('users', { loadMany, tags: ['users'] }), loadMany }
}

describe('on one server', () => {
  let redis: RedisServer

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  const connect = () => redis.url

  test('single gets of one tick are one read of Redis and one loadMany, whichever tiers have the ids', async () => {
    const [a, b] = await fleet(connect)
    const [here, there] = [batching(a), batching(b)]
    await there.users.getMany(IDS.slice(0, 50))
    await here.users.get(100)
    await Promise.all([a.drain(), b.drain()])
    here.loadMany.mockClear()
    const counts = await redis.countCommands(async () => {
      expect(await Promise.all(IDS.map((id) => here.users.get(id)))).toEqual(IDS.map(userOf))
    })
    expect(counts.mget).toBe(1)
    expect(here.loadMany).toHaveBeenCalledTimes(1)
    expect(here.loadMany.mock.calls[0]?.[0]).toEqual(IDS.slice(50).filter((id) => id !== 100))
  })

  test('a batch waits for the ids that another process loads and loads none of them again', async () => {
    const [a, b] = await fleet(connect)
    const [here, there] = [batching(a), batching(b)]
    const [first, second] = await Promise.all([here.users.getMany(IDS), there.users.getMany(IDS)])
    expect(first).toEqual(IDS.map(userOf))
    expect(second).toEqual(IDS.map(userOf))
    const loaded = [here, there].flatMap(({ loadMany }) => loadMany.mock.calls.flatMap(([ids]) => ids))
    expect(loaded.toSorted((one, other) => one - other)).toEqual(IDS)
  })

  test('values come back from Redis unchanged and in the order of the ids, absent ones included', async () => {
    const [a, b] = await fleet(connect)
    const values = [null, undefined, '', 0, false, Number.NaN, 10n, new Date(0), new Map([[1, new Set(['a'])]])]
    const loadMany = vi.fn((ids: readonly number[]) => ids.map((id) => values[id]))
    const [here, there] = [a, b].map((cache) => cache.source('odd', { loadMany })) as [
      Source<number, unknown>,
      Source<number, unknown>,
    ]
    const ids = [8, 0, 1, 2, 0, 3, 4, 5, 6, 7]
    await here.getMany(ids)
    await a.drain()
    expect(await there.getMany(ids)).toEqual(ids.map((id) => values[id]))
    expect(loadMany).toHaveBeenCalledTimes(1)
  })

  test('a hung batch loader is given up after hardTimeout, and its ids can be loaded again', async () => {
    const [a] = await fleet(connect)
    const loadMany = vi.fn(async (ids: readonly number[]) => ids.map(userOf)).mockReturnValueOnce(new Promise(() => {}))
    const users = a.source('users', { loadMany, hardTimeout: '50ms' })
    await expect(users.getMany([1, 2])).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' })
    expect(await users.getMany([1, 2])).toEqual([userOf(1), userOf(2)])
  })

  test('tags from the value, from the loader and from a list all invalidate, in the other process too', async () => {
    const [a, b] = await fleet(connect)
    const listed = Object.freeze(['users'])
    const define = (cache: Cache) => {
      return {
        derived: cache.source('derived', { load: userOf, tags: ({ name }) => [name] }),
        told: cache.source('told', {
          load: (id: number, ctx) => {
            ctx.tags(`told:${id}`)
            return userOf(id)
          },
        }),
        listed: cache.source('listed', { load: userOf, tags: listed }),
      }
    }
    const [here, there] = [define(a), define(b)]
    const read = (sources: ReturnType<typeof define>) =>
      Promise.all(Object.values(sources).map((source) => source.get(1)))
    await read(here)
    await a.drain()
    await read(there)
    expect(await b.invalidateTags(['user 1', 'told:1', 'users'])).toBe('applied')
    await waitFor('the announcement', () => Object.values(here).every((source) => source.peek(1) === undefined))
    const loads = a.stats().loads
    await read(here)
    expect(a.stats().loads - loads).toBe(3)
    expect(listed).toEqual(['users'])
  })

  test('a save takes two round trips, and every process sees the value', async () => {
    const [a, b] = await fleet(connect)
    const rows = new Map([[1, 'old']])
    const define = (cache: Cache) => {
      return cache.source('rows', { load: (id: number) => rows.get(id), save: (id, value) => void rows.set(id, value) })
    }
    const [here, there] = [define(a), define(b)]
    expect(await there.get(1)).toBe('old')
    await here.save(2, 'tokens are known now')
    const counts = await redis.countCommands(() => here.save(1, 'new'))
    expect(counts).toMatchObject({ set: 3, evalsha: 2, xadd: 2 })
    await waitFor('the announcement', () => there.peek(1) === undefined)
    expect(await there.get(1)).toBe('new')
  })
})

describe('on a cluster', () => {
  let cluster: RedisCluster

  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  const clients: Cluster[] = []
  const connect = () => {
    const client = new Cluster(cluster.addresses)
    clients.push(client)
    return client
  }
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect()
  })

  test('cold gets of one tick, whose keys are on all nodes, share a few calls of loadMany', async () => {
    const [a, b] = await fleet(connect)
    const [here, there] = [batching(a), batching(b)]
    expect(await Promise.all(IDS.map((id) => here.users.get(id)))).toEqual(IDS.map(userOf))
    // One call, unless a node of a busy machine replies late.
    expect(here.loadMany.mock.calls.length).toBeLessThan(IDS.length / 10)
    await a.drain()
    expect(await there.users.getMany(IDS)).toEqual(IDS.map(userOf))
    expect(there.loadMany).not.toHaveBeenCalled()
  })

  test('saveMany and remove reach keys on all nodes', async () => {
    const [a, b] = await fleet(connect)
    const rows = new Map<number, string>()
    const define = (cache: Cache) => {
      return cache.source('rows', {
        load: (id: number) => rows.get(id),
        save: (id, value: string) => void rows.set(id, value),
        remove: (id) => void rows.delete(id),
      })
    }
    const [here, there] = [define(a), define(b)]
    const few = IDS.slice(0, 40)
    await there.getMany(few)
    expect(await here.saveMany(few.map((id) => [id, `v${id}`] as const))).toBe('applied')
    await waitFor('the announcements', () => few.every((id) => there.peek(id) === undefined))
    const loads = b.stats().loads
    expect(await there.getMany(few)).toEqual(few.map((id) => `v${id}`))
    expect(b.stats().loads).toBe(loads)
    expect(await here.remove(3)).toBe('applied')
    expect(await here.get(3)).toBeUndefined()
  })
})

test('a source works on a client of the application', async () => {
  await using redis = await startRedis()
  const client = new Redis(redis.url)
  const cache = createCache({ name: 'lent', l2: redisTier(client, PATIENT) })
  const users = cache.source('users', { load: userOf })
  expect(await users.get(1)).toEqual(userOf(1))
  await cache.close()
  expect(await client.ping()).toBe('PONG')
  client.disconnect()
})
