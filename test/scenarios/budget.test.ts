// The round-trip budget, by the statistics of the server: what each verb sends once a process is warm. Commands with which the bus
// listens (XREAD, XRANGE) are not on a caller's path and left out. Commands that a script calls in the server are included.
import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis5'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

/** Sent by the bus, and by the store to know the server's time. */
const NOT_ON_THE_PATH = ['xread', 'xrange', 'info', 'time']

/** With the commands that scripts call: a claim looks and plants (SET … NX GET), a fill compares (GET) and stores (SET). */
const CLAIM_AND_FILL = { evalsha: 2, get: 1, set: 2 }
/** A write exchanges the change mark (SET … GET), then stores the value. */
const PUT = { evalsha: 1, set: 2 }

const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)
const entries = keys.map((key) => [key, key] as const)

/** A cache whose bus is heard and whose tokens are known, like that of a process in use. */
async function warm(cache: Cache): Promise<Cache> {
  await waitFor('the bus to be heard', () => cache.stats().bus.trusted)
  await cache.set('warm', 1, { tags: ['t', 'u'] })
  await cache.get('warm', { tiers: 'l2' })
  return cache
}

const libraries = [
  ['ioredis 6', ioredis6],
  // The constructors are the same, with slightly different types.
  ['ioredis 5', ioredis5 as unknown as typeof ioredis6],
] as const

describe.each(libraries)('on one server, with %s', (_library, { Redis }) => {
  let server: RedisServer
  let clients: ioredis6.Redis[]
  let a: Cache
  let b: Cache

  beforeAll(async () => {
    server = await startRedis()
    clients = [1, 2].map(() => new Redis(server.port, server.host))
    const caches = clients.map((client) => createCache({ l2: redisTier(client, PATIENT), ttl: '1h' }))
    ;[a, b] = (await Promise.all(caches.map(warm))) as [Cache, Cache]
  })

  afterAll(async () => {
    await Promise.all([a.close(), b.close()])
    for (const client of clients) client.disconnect()
    await server.stop()
  })

  /** The commands of `run`, background work included. */
  async function sentBy(run: () => Promise<unknown>): Promise<Record<string, number>> {
    const counts = await server.countCommands(async () => {
      await run()
      await a.drain()
      await b.drain()
    })
    for (const name of NOT_ON_THE_PATH) delete counts[name]
    return counts
  }

  /** Waits until `b` has received what `a` wrote. */
  const heard = (key: string) => waitFor('the announcement', () => b.peek(key) === undefined)

  test('a hit in memory sends no command, with tags or without', async () => {
    await b.set('plain', 1)
    await b.set('tagged', 1, { tags: ['t', 'u'] })
    const hits = async () => {
      for (let i = 0; i < 100; i++) {
        await b.get('plain')
        await b.getOrSet('tagged', () => 2, { tags: ['t', 'u'] })
        await b.getMany(['plain', 'tagged'])
      }
    }
    expect(await sentBy(hits)).toEqual({})
  })

  test('a hit in L2 sends one command, with tags or without', async () => {
    await a.set('plain', 1)
    await a.set('tagged', 1, { tags: ['t', 'u'] })
    await heard('tagged')
    expect(await sentBy(() => b.getOrSet('plain', () => 2))).toEqual({ mget: 1 })
    expect(await sentBy(() => b.getOrSet('tagged', () => 2, { tags: ['t', 'u'] }))).toEqual({ mget: 1 })
  })

  test('a hit in L2 whose tokens are not known yet sends two commands, whatever the number of its tags', async () => {
    await a.set('k', 1, { tags: Array.from({ length: 10 }, (_, i) => `tag${i}`) })
    expect(await sentBy(() => b.get('k'))).toEqual({ mget: 2 })
  })

  test('a miss sends two commands before its load and one after it', async () => {
    let before: Record<string, number> = {}
    const load = async () => {
      before = Object.fromEntries(
        Object.entries(await server.info('commandstats')).map(([name, text]) => [
          ...[name.replace('cmdstat_', ''), Number(/calls=(\d+)/.exec(text)?.[1])],
        ]),
      )
      return 1
    }
    const all = await sentBy(() => b.getOrSet('missed', load, { tags: ['t'] }))
    expect(before).toMatchObject({ mget: 1, evalsha: 1, set: 1 })
    expect(all).toEqual({ mget: 1, ...CLAIM_AND_FILL })
    expect(await sentBy(() => b.getOrSet('missed', load))).toEqual({})
  })

  test('a set sends one script with its announcement, with tags or without', async () => {
    // A key that another process has just changed may need one more attempt.
    expect(await sentBy(() => b.set('own', 1))).toEqual({ ...PUT, xadd: 1 })
    expect(await sentBy(() => b.set('own', 2, { tags: ['t', 'u'] }))).toEqual({ ...PUT, xadd: 1 })
  })

  test('a delete sends one script with its announcement', async () => {
    expect(await sentBy(() => b.delete('k'))).toEqual({ evalsha: 1, getrange: 1, unlink: 1, set: 1, xadd: 1 })
  })

  test('an expire sends one script with its announcement', async () => {
    await b.set('k', 1)
    expect(await sentBy(() => b.expire('k'))).toEqual({ evalsha: 1, get: 1, getrange: 1, setrange: 1, set: 1, xadd: 1 })
  })

  test('invalidateTags and clear send one script with the announcement, however many entries they invalidate', async () => {
    const counted: Record<string, number>[] = []
    for (const count of [1, 1000]) {
      const many = Array.from({ length: count }, (_, i) => [`n${i}`, i] as const)
      await b.setMany(many, { tags: ['t'] })
      counted.push(await sentBy(() => b.invalidateTags(['t'])))
      await b.setMany(many, { tags: ['t'] })
      counted.push(await sentBy(() => b.clear()))
    }
    expect(counted).toEqual(Array(4).fill({ evalsha: 1, pttl: 1, unlink: 1, xadd: 1 }))
  })

  test('the writes of one tick are one script for each run of the same kind, with one announcement for all', async () => {
    await b.set('k', 1)
    const all = () => Promise.all([b.setMany(entries), b.delete(['x', 'y']), b.set('z', 1)])
    expect(await sentBy(all)).toEqual({ evalsha: 3, set: 204, getrange: 2, unlink: 2, xadd: 1 })
  })

  test('getMany sends one command, and so do the single reads of one tick', async () => {
    await a.setMany(entries)
    await heard('k0')
    expect(await sentBy(() => b.getMany(keys))).toEqual({ mget: 1 })
    await a.setMany(entries)
    await heard('k0')
    expect(await sentBy(() => Promise.all(keys.map((key) => b.get(key))))).toEqual({ mget: 1 })
  })

  test('getOrSetMany sends three commands for what it loads: all claims of a tick are one script, and all fills are one', async () => {
    const some = keys.map((key) => `${key} loaded`)
    const all = await sentBy(() => b.getOrSetMany(some, (missing) => missing))
    expect(all).toEqual({ mget: 1, evalsha: 2, get: 100, set: 200 })
  })

  test('where most reads miss, a miss sends one command before its load: the claim is the read', async () => {
    for (let i = 0; i < 10; i++) await b.getOrSet(`rule ${i}`, () => i)
    expect(await sentBy(() => b.getOrSet('one more', () => 1))).toEqual(CLAIM_AND_FILL)
  })
})

describe('on a cluster', () => {
  let cluster: RedisCluster
  let client: ioredis6.Cluster
  let cache: Cache

  beforeAll(async () => {
    cluster = await startRedisCluster()
    client = new ioredis6.Cluster([...cluster.addresses])
    cache = await warm(createCache({ l2: redisTier(client, PATIENT), ttl: '1h' }))
  })

  afterAll(async () => {
    await cache.close()
    client.disconnect()
    await cluster.stop()
  })

  test('getMany sends one command per slot', async () => {
    const bySlot = new Map<number, string[]>()
    for (let i = 1; i <= 300; i++) {
      const key = (i ** 5).toString(36)
      const slot = await cluster.slotOf(`tiercache:${key}`)
      bySlot.set(slot, [...(bySlot.get(slot) ?? []), key])
    }
    const shared = [...bySlot.values()].filter((named) => named.length > 1)
    expect(shared.length).toBeGreaterThan(0)
    const alone = [...bySlot.values()].filter((named) => named.length === 1).slice(0, 20)
    const asked = [...shared, ...alone].flat()
    await cache.setMany(asked.map((key) => [key, key] as const))
    let run = async (): Promise<unknown> => expect(await cache.getMany(asked, { tiers: 'l2' })).toEqual(asked)
    const reads: number[] = []
    for (const node of await cluster.masters()) {
      const inner = run
      run = async () => {
        const { mget = 0, get = 0 } = await node.countCommands(inner)
        reads.push(mget + get)
      }
    }
    await run()
    expect(reads.reduce((sum, count) => sum + count)).toBe(shared.length + alone.length)
    expect(reads.every((count) => count > 0)).toBe(true)
  })
})
