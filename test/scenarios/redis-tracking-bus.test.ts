// The tracking bus: L1 learns of changes by any client, on one server and on every master of a cluster.
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, describe, expect, test } from 'vitest'
import { newToken } from '../../src/model/labels.js'
import { systemClock } from '../../src/model/time/clock.js'
import type { RedisConnection } from '../../src/redis/index.js'
import { startProxy } from '../support/proxy.js'
import { startRedisCluster } from '../support/redis-cluster.js'
import { startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'
import { openPeer, type RedisPeer, stamped } from './redis-peer.js'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function listen(client: RedisConnection): Promise<RedisPeer> {
  client.on('error', () => {})
  cleanups.push(() => client.disconnect())
  const peer = await openPeer(client, { bus: 'tracking' })
  cleanups.push(() => peer.close())
  return peer
}

const told = (peer: RedisPeer, key: string) => peer.changes.some((keys) => keys !== 'all' && keys.includes(key))

describe.each([
  ['ioredis 6', (port: number, keyPrefix = '') => new Redis(port, { keyPrefix }) as RedisConnection],
  ['ioredis 5', (port: number, keyPrefix = '') => new Redis5(port, { keyPrefix }) as RedisConnection],
])('tracking on one server through %s', (_, connect) => {
  test('a key that another program deletes or writes is reported, whatever it is for in the cache', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const peer = await listen(connect(server.port))
    const keys = ['shop:user', 'shop/catalog:42', 'shop/catalog@3:42', '{shop}#t:org', '{shop}#c:shop/catalog']
    for (const key of keys) await server.command('SET', key, 'x')
    await waitFor('the writes', () => keys.every((key) => told(peer, key)))
    peer.changes.length = 0
    for (const key of keys) await server.command('DEL', key)
    await waitFor('the deletes', () => keys.every((key) => told(peer, key)))
  })

  test('keys of other programs are not reported', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const peer = await listen(connect(server.port))
    for (const key of ['shopping:1', 'other', 'shop', '{shop}#bus']) await server.command('SET', key, 'x')
    await server.command('SET', 'shop:last', 'x')
    await waitFor('the last one', () => told(peer, 'shop:last'))
    expect(peer.changes).toEqual([['shop:last']])
  })

  test('the key prefix of the client is not part of the reported keys', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const peer = await listen(connect(server.port, 'app:'))
    await server.command('SET', 'shop:other', 'x')
    await server.command('SET', 'app:shop:1', 'x')
    await waitFor('the write', () => peer.changes.length > 0)
    expect(peer.changes).toEqual([['shop:1']])
  })

  test('a flush is reported as a change of all keys', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const peer = await listen(connect(server.port))
    await server.command('FLUSHALL')
    await waitFor('the flush', () => peer.changes.includes('all'))
  })

  test('after a cut, a kill and a restart it listens again and reports a possible loss', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const proxy = await startProxy(server.port)
    cleanups.push(() => proxy.stop())
    const peer = await listen(connect(proxy.port))
    const troubles = [
      () => proxy.cut(),
      () => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub'),
      () => server.restart('kept'),
    ]
    for (const [i, trouble] of troubles.entries()) {
      await trouble()
      await waitFor('the loss', () => peer.losses.length === i + 2)
      await peer.caughtUp()
      await server.command('SET', `shop:${i}`, 'x')
      await waitFor('the write', () => told(peer, `shop:${i}`))
    }
  })

  test('a link that falls silent does not count as heard and is replaced', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const proxy = await startProxy(server.port)
    cleanups.push(() => proxy.stop())
    const peer = await listen(connect(proxy.port))
    proxy.silence()
    const silentAtMs = systemClock.nowMs()
    await sleep(1_200)
    expect(Math.max(...peer.heardAtMs)).toBeLessThanOrEqual(silentAtMs)
    await proxy.restore()
    await waitFor('the loss', () => peer.losses.length === 2)
    await peer.caughtUp()
  })
})

describe('a change that a process makes itself', () => {
  test('is reported to the other processes and not to itself', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const [writer, other] = [await listen(new Redis(server.port)), await listen(new Redis(server.port))]
    const { store } = writer
    const lease = stamped('lease', 'a')
    const entry = stamped('live', 'b', 'body')
    const token = newToken()
    await store.ensureTokens(['t:x', 't:y'], [token, newToken()], 60_000, undefined)
    const planted = await store.claim('shop:k', lease, 60_000)
    await store.extend('shop:k', planted, 60_000)
    await store.swap('shop:k', planted, entry, 60_000)
    await store.apply([{ op: 'expire', key: 'shop:k', stamp: stamped('softlyExpired', 'c') }], undefined)
    await store.apply([{ op: 'put', key: 'shop:l', bytes: entry, keepMs: 60_000 }], undefined)
    await waitFor('the changes at the other process', () => ['shop:k', 'shop:l'].every((key) => told(other, key)))
    await writer.caughtUp()
    expect(writer.changes).toEqual([])
    await store.apply(
      [
        { op: 'delete', key: 'shop:l' },
        { op: 'invalidateLabel', label: 't:y' },
      ],
      undefined,
    )
    await writer.caughtUp()
    expect(writer.changes).toEqual([])
    // Another client changes each of them.
    await server.command('DEL', 'shop:k', '{shop}#t:x')
    await server.command('SET', 'shop:l', 'foreign')
    await waitFor('the changes of others', () => ['shop:k', 'shop:l', '{shop}#t:x'].every((key) => told(writer, key)))
  })

  test('does not hide a foreign change right behind it, which is reported before the bus counts as heard', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const peer = await listen(new Redis(server.port))
    for (let round = 0; round < 50; round++) {
      const key = `shop:${round}`
      const put = { op: 'put', key, bytes: stamped('live', 'b'), keepMs: 60_000 } as const
      const own = peer.store.apply([put], undefined)
      await server.command('DEL', key)
      await own
      if ((await peer.store.read([key]))[0] !== undefined) continue // The own change came last.
      if (round % 25 === 0) await peer.caughtUp()
      await waitFor('the delete', () => told(peer, key))
    }
  })

  test('does not prevent a slow load, or one with a new tag, from being cached', async () => {
    const server = await startRedis()
    cleanups.push(() => server.stop())
    const client = new Redis(server.port)
    cleanups.push(() => client.disconnect())
    const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(client, { bus: 'tracking', timeout: '10s' }) })
    cleanups.push(() => cache.close())
    let loads = 0
    const load = async (): Promise<number> => {
      await sleep(100)
      return ++loads
    }
    for (let i = 0; i < 3; i++) {
      expect(await cache.getOrSet('k', load, { tags: ['new'] })).toBe(1)
      await cache.drain()
    }
    expect(await server.command('EXISTS', 'shop:k')).toBe(1)
    await server.command('DEL', 'shop:k')
    await waitFor('the delete', async () => (await cache.get('k')) === undefined)
  })
})

describe.each([
  ['ioredis 6', (nodes: { host: string; port: number }[]) => new Cluster(nodes) as RedisConnection],
  ['ioredis 5', (nodes: { host: string; port: number }[]) => new Cluster5(nodes) as RedisConnection],
])('tracking on a cluster through %s', (_, connect) => {
  test('listens to every master, and to the replica that replaces a dead one', async () => {
    const cluster = await startRedisCluster({ masters: 3, replicasPerMaster: 1 })
    cleanups.push(() => cluster.stop())
    const peer = await listen(connect(cluster.addresses))
    const keys = Array.from({ length: 30 }, (_, i) => `shop:${i}`)
    for (const key of keys) await (await cluster.masterOf(key)).command('SET', key, 'x')
    await waitFor('the writes', () => keys.every((key) => told(peer, key)))

    const lossesBefore = peer.losses.length
    const promoted = await cluster.failover('shop:0')
    const promotedAtMs = systemClock.nowMs()
    await waitFor('the loss', () => peer.losses.length > lossesBefore)
    await waitFor('all masters being heard', () => (peer.heardAtMs.at(-1) ?? 0) > promotedAtMs)
    peer.changes.length = 0
    await promoted.command('DEL', 'shop:0')
    await waitFor('the delete', () => told(peer, 'shop:0'))
  })
})
