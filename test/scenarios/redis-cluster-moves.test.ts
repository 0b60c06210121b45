// A cluster whose slots migrate, operations that visit every master, and reads that must not go to replicas.
import { Cluster } from 'ioredis'
import { Cluster as Cluster5 } from 'ioredis5'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newToken } from '../../src/model/labels.js'
import type { RedisConnection } from '../../src/redis/index.js'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import type { RedisServer } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'
import { openPeer, type RedisPeer, stamped } from './redis-peer.js'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function open(client: RedisConnection, name = 'shop'): Promise<RedisPeer> {
  client.on('error', () => {})
  cleanups.push(() => client.disconnect())
  const peer = await openPeer(client, {}, name)
  cleanups.push(() => peer.close())
  return peer
}

const clients: [string, (cluster: RedisCluster) => RedisConnection][] = [
  ['ioredis 6', (cluster) => new Cluster(cluster.addresses)],
  ['ioredis 5', (cluster) => new Cluster5(cluster.addresses) as unknown as RedisConnection],
]

const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}:${i}`)
const putAll = (prefix: string, count: number, body: string) =>
  keys(prefix, count).map((key) => ({ op: 'put', key, bytes: stamped('live', 'a', body), keepMs: 60_000 }) as const)

/** Uses the store all the time and collects errors. */
function work(peer: RedisPeer, prefix: string) {
  const problems: string[] = []
  let rounds = 0
  let isOver = false
  const working = (async () => {
    while (!isOver) {
      const round = ++rounds
      const body = `round ${round}`
      try {
        const results = await peer.store.apply(putAll(prefix, 20, body), Buffer.from(body))
        problems.push(...results.flatMap((result) => result?.message ?? []))
        const read = await peer.store.read(keys(prefix, 20))
        for (const bytes of read) if (!String(bytes).endsWith(body)) problems.push(`${body}: read ${bytes}`)
        const { tokens } = await peer.store.ensureTokens([`t:${body}`], [newToken()], 60_000, undefined)
        const [token] = await peer.store.readTokens([`t:${body}`])
        if (tokens[0] !== token) problems.push(`${body}: another token`)
        const lease = stamped('lease', 'l')
        const there = await peer.store.claim(`${prefix}:lease`, lease, 60_000)
        if (!lease.equals(there.subarray(0, 16))) problems.push(`${body}: claimed ${there}`)
        const swapped = await peer.store.swap(`${prefix}:lease`, there, undefined, 0)
        if (swapped !== undefined) problems.push(`${body}: ${swapped}`)
      } catch (error) {
        problems.push(String(error))
      }
      await sleep(2)
    }
  })()
  return {
    problems,
    rounds: () => rounds,
    stop: async () => {
      isOver = true
      await working
    },
  }
}

describe.each(clients)('through %s', (_, connect) => {
  describe('a cluster of three masters', () => {
    let cluster: RedisCluster

    beforeAll(async () => {
      cluster = await startRedisCluster({ masters: 3 })
    })
    afterAll(() => cluster.stop())

    async function another(than: RedisServer): Promise<RedisServer> {
      return (await cluster.masters()).find((master) => master !== than) as RedisServer
    }

    test('no command fails and nothing is lost while slots migrate', async () => {
      const peer = await open(connect(cluster), 'moving')
      const listener = await open(connect(cluster), 'moving')
      const worker = work(peer, 'moving')
      await sleep(100)
      const moved = ['moving:0', 'moving:1', 'moving:lease', '{moving}#bus']
      for (const key of moved) {
        const slot = await cluster.slotOf(key)
        const to = await another(await cluster.ownerOf(slot))
        await cluster.startMigration(slot, to)
        await sleep(60)
        await cluster.moveKeys(slot, to, 2)
        await sleep(60)
        await cluster.finishMigration(slot, to)
        await sleep(60)
      }
      const roundsBefore = worker.rounds()
      await waitFor('some rounds after the moves', () => worker.rounds() > roundsBefore + 5)
      await worker.stop()
      // A migrating slot replies TRYAGAIN to commands of several keys. The cache then continues without L2.
      expect(worker.problems.filter((problem) => !problem.includes('TRYAGAIN'))).toEqual([])
      expect(peer.said.filter((line) => line.startsWith('unready'))).toEqual([])
      await listener.caughtUp()
      await peer.caughtUp()
      expect(listener.messages.at(-1)).toBe(`round ${worker.rounds()}`)
      expect(new Set(listener.messages)).toEqual(new Set(peer.messages))
    })

    test('deleteByPrefix visits every master and takes the prefix literally', async () => {
      const peer = await open(connect(cluster), 'del')
      await peer.store.apply([...putAll('del:a*', 300, 'x'), ...putAll('del:ab', 20, 'x')], undefined)
      const counts = await Promise.all(cluster.nodes.map((node) => node.command('DBSIZE')))
      expect(counts.every((count) => Number(count) > 50)).toBe(true)
      expect(await peer.store.deleteByPrefix('del:a*')).toBe(300)
      const read = await peer.store.read([...keys('del:a*', 300), ...keys('del:ab', 20)])
      expect(read.slice(0, 300).every((bytes) => bytes === undefined)).toBe(true)
      expect(read.slice(300).every((bytes) => bytes !== undefined)).toBe(true)
    })

    test('the tokens of any labels are read in one command, whatever their number', async () => {
      const peer = await open(connect(cluster), 'tokens')
      const labels = Array.from({ length: 200 }, (_, i) => `t:{${i}}`)
      const home = await cluster.masterOf('{tokens}#bus')
      const counts = await home.countCommands(async () => {
        await peer.store.ensureTokens(labels, labels.map(newToken), 60_000, undefined)
        await peer.store.readTokens(labels)
        await peer.store.apply(
          labels.map((label) => ({ op: 'invalidateLabel', label }) as const),
          undefined,
        )
      })
      expect(counts).toMatchObject({ evalsha: 2, mget: 1, unlink: 1 })
    })
  })
})

test('reads go to the master also if the client prefers replicas, which may lag behind', async () => {
  const cluster = await startRedisCluster({ masters: 1, replicasPerMaster: 1 })
  cleanups.push(() => cluster.stop())
  const peer = await open(new Cluster(cluster.addresses, { scaleReads: 'slave' }))
  const replica = await cluster.replicaOf(await cluster.masterOf('shop'))
  replica.pause() // From now on it lags behind without end.
  cleanups.push(() => replica.resume())
  await peer.store.apply(putAll('shop', 3, 'x'), undefined)
  expect((await peer.store.read([...keys('shop', 3), 'shop:absent'])).map((bytes) => bytes !== undefined)).toEqual([
    true,
    true,
    true,
    false,
  ])
  const { log, tokens } = await peer.store.ensureTokens(['t:x'], [newToken()], 60_000, peer.bus.position())
  expect(log).toEqual([])
  expect(await peer.store.readTokens(['t:x', 't:y'])).toEqual([tokens[0], undefined])
})

test('cluster connections that the SDK opened are used and closed', async () => {
  const cluster = await startRedisCluster({ masters: 3, password: 'secret' })
  cleanups.push(() => cluster.stop())
  const peer = await openPeer({ cluster: cluster.addresses, password: 'secret' })
  await peer.store.apply(putAll('shop', 30, 'x'), Buffer.from('hello'))
  expect((await peer.store.read(keys('shop', 30))).every((bytes) => bytes !== undefined)).toBe(true)
  await peer.caughtUp()
  expect(peer.messages).toEqual(['hello'])
  await peer.close()
  await waitFor('no connection of it being left', async () => {
    const clients = await Promise.all(cluster.nodes.map((node) => node.info('clients')))
    const expected = await Promise.all(cluster.nodes.map((node) => node.command('CLIENT', 'LIST', 'TYPE', 'normal')))
    return clients.length === 3 && expected.every((list) => !/name=tiercache/.test(String(list)))
  })
})
