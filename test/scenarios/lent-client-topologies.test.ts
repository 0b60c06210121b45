// A lent client of a cluster, and one behind Sentinel, with half-open links: the cache continues on links of its own.
import { Cluster, Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { type RedisConnection, redisTier } from 'tiercache/redis'
import { afterEach, expect, test } from 'vitest'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { startRedisCluster } from '../support/redis-cluster.js'
import { startRedisSentinel } from '../support/redis-sentinel.js'
import type { RedisServer } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A proxy before each server, and the addresses at which a client finds the proxies. */
async function behindProxies(servers: readonly RedisServer[]) {
  const natMap: Record<string, { host: string; port: number }> = {}
  const proxies: TcpProxy[] = []
  for (const server of servers) {
    const proxy = await startProxy(server.port)
    ends.push(() => proxy.stop())
    proxies.push(proxy)
    natMap[`127.0.0.1:${server.port}`] = { host: proxy.host, port: proxy.port }
  }
  return { proxies, natMap }
}

async function open(client: Redis | Cluster): Promise<{ cache: Cache; notices: string[] }> {
  client.on('error', () => undefined)
  const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(client as RedisConnection), logger: false })
  ends.push(async () => {
    await cache.close()
    client.disconnect()
  })
  const notices: string[] = []
  cache.on('notice', ({ code }) => void notices.push(code))
  await cache.ready({ timeout: '20s' })
  return { cache, notices }
}

/** Silences the present links; new ones work. */
function silence(proxies: readonly TcpProxy[]): void {
  for (const proxy of proxies) {
    proxy.silence()
    proxy.passNew()
  }
}

async function goesOn(cache: Cache, notices: readonly string[], proxies: readonly TcpProxy[]): Promise<void> {
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
  await cache.setMany(keys.map((key) => [key, 'old'] as const))
  silence(proxies)
  await cache.delete(keys)
  await waitFor('the silence', () => notices.includes('CLIENT_SILENT'))
  await waitFor('everything being published', () => cache.stats().l2.available && cache.stats().l2.waiting === 0)
  expect(await cache.setMany(keys.map((key) => [key, 'new'] as const))).toBe('applied')
  for (const proxy of proxies) proxy.cut()
  await waitFor('the lent client', () => notices.includes('CLIENT_USABLE'))
  await waitFor('L2 in use', () => cache.stats().l2.available && cache.stats().l2.waiting === 0)
  expect(await cache.set('last', 1)).toBe('applied')
}

test('a cluster is reached over connections of the cache’s own when all links of the lent client fall silent', async () => {
  const servers = await startRedisCluster()
  ends.push(() => servers.stop())
  const { proxies, natMap } = await behindProxies(servers.nodes)
  const addresses = proxies.map(({ host, port }) => ({ host, port }))
  const { cache, notices } = await open(new Cluster(addresses, { natMap }))
  await goesOn(cache, notices, proxies)
})

test('a master named by Sentinel is reached over a connection of the cache’s own when the link of the lent client falls silent', async () => {
  const group = await startRedisSentinel()
  ends.push(() => group.stop())
  const { proxies, natMap } = await behindProxies(group.servers)
  const { cache, notices } = await open(new Redis({ sentinels: group.addresses, name: group.name, natMap }))
  await goesOn(cache, notices, proxies)
})
