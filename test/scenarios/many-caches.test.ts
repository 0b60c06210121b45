// Many caches on one client of the application. Each adds listeners, and Node warns of a leak beyond ten listeners of one event.
import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis5'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'

type Client = ioredis6.Redis | ioredis6.Cluster

let server: RedisServer
let cluster: RedisCluster
const warnings: Error[] = []
const cleanups: (() => unknown)[] = []
const onWarning = (warning: Error) => warnings.push(warning)

beforeAll(async () => {
  server = await startRedis()
  cluster = await startRedisCluster({ masters: 3 })
})

afterAll(() => Promise.all([server.stop(), cluster.stop()]))

beforeEach(() => {
  warnings.length = 0
  process.on('warning', onWarning)
})

afterEach(async () => {
  process.removeListener('warning', onWarning)
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

function openTwelve(client: Client): Cache[] {
  return Array.from({ length: 12 }, (_, i) => {
    const cache = createCache({ name: `shop${i}`, l2: redisTier(client, PATIENT) })
    cleanups.push(() => cache.close())
    return cache
  })
}

/** How many listeners the client, and the nodes of a cluster, have for each event. */
function listenersOf(client: Client): string {
  const emitters = client.isCluster ? [client, ...(client as ioredis6.Cluster).nodes()] : [client]
  const counts = emitters.map((one) => one.eventNames().map((event) => `${String(event)} ${one.listenerCount(event)}`))
  return counts.flat().sort().join(', ')
}

describe.each([
  ['ioredis 6', ioredis6],
  ['ioredis 5', ioredis5 as unknown as typeof ioredis6],
])('twelve caches on one client of %s', (_, { Redis, Cluster }) => {
  test.each([
    ['a server', () => new Redis(server.port, server.host)],
    ['a cluster', () => new Cluster(cluster.addresses)],
  ])('work without a warning of Node and leave no listener behind: %s', async (_, connect) => {
    const client = connect()
    cleanups.push(() => client.disconnect())
    await waitFor('the client', () => client.status === 'ready')
    if (client.isCluster) await Promise.all((client as ioredis6.Cluster).nodes().map((node) => node.ping()))
    const before = listenersOf(client)
    const limit = client.getMaxListeners()

    const caches = openTwelve(client)
    for (const cache of caches) expect(await cache.set('k', cache.path)).toBe('applied')
    for (const cache of caches) expect(await cache.get('k', { tiers: 'l2' })).toBe(cache.path)
    await sleep(50) // Node emits warnings in a later turn.
    expect(warnings.map(({ message }) => message)).toEqual([])
    expect(client.getMaxListeners()).toBe(limit)

    await Promise.all(caches.map((cache) => cache.close()))
    expect(listenersOf(client)).toBe(before)
  })
})

test('all notice that the link dropped, and continue when it is back', async () => {
  const client = new ioredis6.Redis(server.port, server.host)
  cleanups.push(() => client.disconnect())
  const caches = openTwelve(client)
  for (const cache of caches) expect(await cache.set('k', 1)).toBe('applied')
  const heard: string[] = []
  for (const cache of caches) {
    cache.on('degraded', () => heard.push(`${cache.path} degraded`))
    cache.on('recovered', () => heard.push(`${cache.path} recovered`))
  }
  await caches[0]?.close()
  client.disconnect(true)
  const expected = caches.slice(1).flatMap(({ path: name }) => [`${name} degraded`, `${name} recovered`])
  await waitFor('all to be back', () => heard.length === expected.length)
  expect(heard.sort()).toEqual(expected.sort())
  for (const cache of caches.slice(1)) expect(await cache.set('k', 2)).toBe('applied')
})
