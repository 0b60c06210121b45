// What docs/servers.md says of TLS and of clusters that are reached at other addresses than their nodes announce.
import { lookup } from 'node:dns'
import { type Cache, createCache } from 'tiercache'
import { type RedisServerOptions, redisTier } from 'tiercache/redis'
import { afterEach, expect, test } from 'vitest'
import { type Certificate, makeCertificate } from '../support/certificate.js'
import { PATIENT } from '../support/patient.js'
import { freePort } from '../support/ports.js'
import { startProxy } from '../support/proxy.js'
import { startRedisCluster } from '../support/redis-cluster.js'
import { startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function open(target: RedisServerOptions): Cache {
  const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(target, PATIENT) })
  ends.push(() => cache.close())
  return cache
}

/** Entries, tags and announcements pass between two caches, on every slot. */
async function share(target: RedisServerOptions): Promise<void> {
  const [a, b] = [open(target), open(target)]
  await Promise.all([a.ready({ timeout: '20s' }), b.ready({ timeout: '20s' })])
  await waitFor('both being heard', () => [a, b].every((cache) => cache.stats().bus.trusted))
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`)
  expect(
    await a.setMany(
      keys.map((key) => [key, key] as const),
      { tags: ['t'] },
    ),
  ).toBe('applied')
  expect(await b.getMany(keys)).toEqual(keys)
  expect(await a.delete(keys)).toBe('applied')
  await waitFor('the other cache hearing of it', () => keys.every((key) => b.peek(key) === undefined))
  expect(await b.getMany(keys)).toEqual(keys.map(() => undefined))
}

function certificate(): Certificate {
  const made = makeCertificate()
  ends.push(() => made.remove())
  return made
}

test('with TLS a cache works over rediss://, on a server that has no other port', async () => {
  const own = certificate()
  const tlsPort = await freePort()
  const server = await startRedis({ args: own.args(tlsPort) })
  ends.push(() => server.stop())
  await share({ url: `rediss://127.0.0.1:${tlsPort}`, tls: { ca: own.ca, servername: 'localhost' } })
  const clients = String(await server.command('CLIENT', 'LIST'))
  const ports = new Set([...clients.matchAll(/laddr=127\.0\.0\.1:(\d+) .*name=tiercache/g)].map(([, port]) => port))
  expect([...ports], 'every connection of the cache is encrypted').toEqual([String(tlsPort)])
})

test('a cluster that the SDK opens is reached at the addresses of natMap, and its first nodes through dnsLookup', async () => {
  const servers = await startRedisCluster()
  ends.push(() => servers.stop())
  const natMap: Record<string, { host: string; port: number }> = {}
  const outside: { host: string; port: number }[] = []
  for (const { host, port } of servers.nodes) {
    const proxy = await startProxy(port)
    ends.push(() => proxy.stop())
    natMap[`${host}:${port}`] = { host: proxy.host, port: proxy.port }
    outside.push({ host: 'node.invalid', port: proxy.port })
  }
  const asked: string[] = []
  const dnsLookup = (name: string, callback: (error: Error | null, address: string, family: number) => void): void => {
    asked.push(name)
    if (name === 'node.invalid') callback(null, '127.0.0.1', 4)
    else lookup(name, 4, (error, address, family) => callback(error, address, family))
  }
  await share({ cluster: outside, natMap, dnsLookup, clusterRetryStrategy: () => 50 })
  expect(asked).toContain('node.invalid')
  const clients = await Promise.all(servers.nodes.map((node) => node.command('CLIENT', 'LIST')))
  for (const list of clients) expect(String(list), 'every master is used').toMatch(/name=tiercache/)
})
