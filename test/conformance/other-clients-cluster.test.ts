// On a cluster of three masters the store and the stream bus pass all conformance cases through node-redis,
// and those of tokens, announcements and bytes through GLIDE.
import { busCases, storeCases } from 'tiercache/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { type OtherClient, otherClients } from './other-clients.js'
import { runThrough } from './redis-bench.js'

const [, nodeRedis, glide] = otherClients.map(([, client]) => client) as [OtherClient, OtherClient, OtherClient]

/** One server shows how GLIDE speaks. Here is shown that its keys and announcements reach the right master. */
const ofRouting = ({ name }: { readonly name: string }): boolean =>
  /token|announcement|unchanged/.test(name) && !name.includes('outage')

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

const stream = { changes: 'the log tells what was announced, and nothing else' }

describe.concurrent('on a cluster through node-redis 6', () => {
  for (const each of [...busCases(stream), ...storeCases()])
    test(each.name, () => runThrough(each, topology(), nodeRedis.onCluster(ports), 'stream'))
})

describe.concurrent('on a cluster through GLIDE', () => {
  for (const each of [...busCases(stream), ...storeCases()].filter(ofRouting))
    test(each.name, () => runThrough(each, topology(), glide.onCluster(ports), 'stream'))
})
