// The store and both buses on a master behind Sentinel pass all conformance cases.
import { busCases, storeCases } from 'tiercache/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisSentinel, startRedisSentinel } from '../support/redis-sentinel.js'
import { clients, natMapOf, runOnRedis, type Topology } from './redis-bench.js'

let sentinel: RedisSentinel
let topology: Topology

beforeAll(async () => {
  sentinel = await startRedisSentinel()
  const ports = sentinel.servers.map(({ port }) => port)
  topology = {
    ports,
    connect: ({ Redis }, proxies) =>
      new Redis({ sentinels: sentinel.addresses, name: sentinel.name, natMap: natMapOf(ports, proxies) }),
    command: async (_key, ...args) => (await sentinel.master()).command(...args),
  }
})

afterAll(() => sentinel.stop())

// The buses come first: their longest case takes as long as all the others that run at the same time.
describe.concurrent.each(clients)('the stream bus behind Sentinel through %s', (_, library) => {
  const deviations = { changes: 'the log tells what was announced, and nothing else' }
  for (const each of busCases(deviations)) test(each.name, () => runOnRedis(each, topology, library, 'stream'))
})

describe.concurrent.each(clients)('the store behind Sentinel through %s', (_, library) => {
  for (const each of storeCases()) test(each.name, () => runOnRedis(each, topology, library, 'stream'))
})
