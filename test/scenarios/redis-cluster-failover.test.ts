// Masters of a cluster are killed and replaced by their replicas.
import { Cluster } from 'ioredis'
import { Cluster as Cluster5 } from 'ioredis5'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RedisConnection } from '../../src/redis/index.js'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
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

describe.each(clients)('a cluster with replicas through %s', (_, connect) => {
  let cluster: RedisCluster

  beforeEach(async () => {
    cluster = await startRedisCluster({ masters: 3, replicasPerMaster: 1 })
  })
  afterEach(() => cluster.stop())

  test('while a killed master is replaced only its own keys are unavailable, and the promoted replica counts as another server', async () => {
    const peer = await open(connect(cluster))
    const all = keys('shop', 60)
    await peer.store.apply(putAll('shop', 60, 'x'), undefined)
    const home = await cluster.masterOf('{shop}#bus')
    const owners = await Promise.all(all.map((key) => cluster.masterOf(key)))
    const lost = all.filter((_, i) => owners[i] !== home && owners[i] === owners.find((owner) => owner !== home))
    await cluster.failover(lost[0] as string, async () => {
      await waitFor('the store noticing', async () => {
        const read = await peer.store.read(all)
        return read.filter((bytes) => bytes === undefined).length === lost.length
      })
      expect(peer.store.isReady()).toBe(true)
      const refused = await peer.store.claim(lost[0] as string, stamped('lease', 'l'), 1_000).catch((error) => error)
      expect(refused).toMatchObject({ code: expect.stringMatching(/^L2_(UNAVAILABLE|CONNECTION_REFUSED)$/) })
    })
    await waitFor('all keys again', async () => (await peer.store.read(all)).every((bytes) => bytes !== undefined))
    expect(peer.said.filter((line) => !line.startsWith('notice'))).toEqual(['ready same', 'ready other'])
  })

  test('when the master of the bus is killed, the store waits for its replica and the bus continues with the log of that', async () => {
    const peer = await open(connect(cluster), 'home')
    const listener = await open(connect(cluster), 'home')
    for (let i = 0; i < 20; i++) await peer.announce(`before ${i}`)
    await listener.caughtUp()
    await sleep(200) // Replication is asynchronous.
    await cluster.failover('{home}#bus', async () => {
      await waitFor('the store noticing', () => !peer.store.isReady())
      await expect(peer.store.readTokens(['t:x'])).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    })
    await waitFor('the store being ready', () => peer.store.isReady())
    expect(peer.said.at(-1)).toBe('ready other')
    await listener.caughtUp()
    await peer.announce('after')
    await waitFor('the announcement', () => listener.messages.includes('after'))
    expect(new Set(listener.messages).size).toBe(21)
    expect(listener.losses.at(-1)).toContain('another server')
  })
})
