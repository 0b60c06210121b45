// The store and both buses on one Redis server pass all conformance cases.
import { busCases, storeCases } from 'tiercache/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { clients, otherClients, runOnRedis, type Topology } from './redis-bench.js'

const libraries = [...clients, ...otherClients]

let server: RedisServer
let topology: Topology

beforeAll(async () => {
  server = await startRedis()
  topology = {
    ports: [server.port],
    connect: ({ Redis }, [proxy]) => new Redis({ host: '127.0.0.1', port: proxy?.port ?? 0 }),
    command: (_key, ...args) => server.command(...args),
  }
})

afterAll(() => server.stop())

// The buses come first: their longest case takes as long as all the others that run at the same time.
describe.concurrent.each(libraries)('the stream bus on one server through %s', (_, library) => {
  const deviations = { changes: 'the log tells what was announced, and nothing else' }
  for (const each of busCases(deviations)) test(each.name, () => runOnRedis(each, topology, library, 'stream'))
})

describe.concurrent.each(libraries)('the tracking bus on one server through %s', (_, library) => {
  const deviations = { announcements: 'the server itself announces', log: 'the server itself announces' }
  for (const each of busCases(deviations)) test(each.name, () => runOnRedis(each, topology, library, 'tracking'))
})

describe.concurrent.each(libraries)('the store on one server through %s', (_, library) => {
  for (const each of storeCases()) test(each.name, () => runOnRedis(each, topology, library, 'stream'))
})
