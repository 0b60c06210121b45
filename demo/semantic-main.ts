// `npm run demo:semantic`: similar questions to a model that takes 5 s, on a Redis of its own.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { startRedis } from '../test/support/redis-server.js'
import { showSemantic } from './semantic.js'

const server = await startRedis()
const client = new Redis(server.url)
const cache = createCache({ name: 'demo', l2: redisTier(client) })
await cache.ready()
await showSemantic(cache, async (question) => {
  await sleep(5_000)
  return `an answer to ${question}`
})
await cache.close()
client.disconnect()
await server.stop()
