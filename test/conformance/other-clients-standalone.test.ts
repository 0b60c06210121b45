// The store and the stream bus on one server pass all conformance cases through node-redis and GLIDE.
import { busCases, storeCases } from 'tiercache/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { otherClients } from './other-clients.js'
import { runThrough } from './redis-bench.js'

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

const topology = () => ({
  ports: [server.port],
  command: (_key: string, ...args: string[]) => server.command(...args),
})

describe.concurrent.each(otherClients)('the stream bus on one server through %s', (_, { onServer }) => {
  const deviations = { changes: 'the log tells what was announced, and nothing else' }
  for (const each of busCases(deviations)) test(each.name, () => runThrough(each, topology(), onServer, 'stream'))
})

describe.concurrent.each(otherClients)('the store on one server through %s', (_, { onServer }) => {
  for (const each of storeCases()) test(each.name, () => runThrough(each, topology(), onServer, 'stream'))
})
