// The store and both buses on a cluster of three masters pass all conformance cases.
import { busCases, storeCases } from 'tiercache/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { clients, natMapOf, runOnRedis, type Topology } from './redis-bench.js'

let cluster: RedisCluster
let topology: Topology

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3 })
  const ports = cluster.nodes.map(({ port }) => port)
  topology = {
    ports,
    connect: ({ Cluster }, proxies) => {
      const startup = proxies.map(({ port }) => ({ host: '127.0.0.1', port }))
      return new Cluster(startup, { natMap: natMapOf(ports, proxies), clusterRetryStrategy: () => 50 })
    },
    command: async (key, ...args) => (await cluster.masterOf(key)).command(...args),
  }
})

afterAll(() => cluster.stop())

// The buses come first: their longest case takes as long as all the others that run at the same time.
describe.concurrent.each(clients)('the stream bus on a cluster through %s', (_, library) => {
  const deviations = { changes: 'the log tells what was announced, and nothing else' }
  for (const each of busCases(deviations)) test(each.name, () => runOnRedis(each, topology, library, 'stream'))
})

describe.concurrent.each(clients)('the tracking bus on a cluster through %s', (_, library) => {
  const deviations = { announcements: 'the server itself announces', log: 'the server itself announces' }
  for (const each of busCases(deviations)) test(each.name, () => runOnRedis(each, topology, library, 'tracking'))
})

describe.concurrent.each(clients)('the store on a cluster through %s', (_, library) => {
  for (const each of storeCases()) test(each.name, () => runOnRedis(each, topology, library, 'stream'))
})
