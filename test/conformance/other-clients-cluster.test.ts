// The store and the stream bus on a cluster of three masters pass all conformance cases through node-redis and GLIDE.
import { busCases, storeCases } from 'tiercache/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { otherClients } from './other-clients.js'
import { runThrough } from './redis-bench.js'

const clients = otherClients.filter(([name]) => name !== 'node-redis 5')

let cluster: RedisCluster
let ports: readonly number[]

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3 })
  ports = cluster.nodes.map(({ port }) => port)
})

afterAll(() => cluster.stop())

const topology = () => ({
  ports,
  command: async (key: string, ...args: string[]) => (await cluster.masterOf(key)).command(...args),
})

describe.concurrent.each(clients)('the stream bus on a cluster through %s', (_, { onCluster, clusterDeviations }) => {
  const deviations = { changes: 'the log tells what was announced, and nothing else', ...clusterDeviations }
  for (const each of busCases(deviations))
    test(each.name, () => runThrough(each, topology(), onCluster(ports), 'stream'))
})

describe.concurrent.each(clients)('the store on a cluster through %s', (_, { onCluster, clusterDeviations }) => {
  for (const each of storeCases(clusterDeviations))
    test(each.name, () => runThrough(each, topology(), onCluster(ports), 'stream'))
})
