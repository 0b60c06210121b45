// The service of the scenarios: a search over a table without an index, with Fastify, with or without the cache.
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createCache } from '../../dist/index.js'
import { redisTier } from '../../dist/redis.js'
import type { Order, ServerOptions, Told } from './messages.js'
import { CATEGORIES, SEARCH } from './table.js'

const POOL_SIZE = 4

const options = JSON.parse(process.argv[2] as string) as ServerOptions
const pool = new pg.Pool({ connectionString: options.postgresUrl, max: POOL_SIZE })
let queries = 0
let invalidations = 0
let storm: NodeJS.Timeout | undefined

const redis =
  options.cache === 'on' ? new Redis(options.redisPort, '127.0.0.1', { retryStrategy: () => 100 }) : undefined
redis?.on('error', () => undefined)
const cache =
  redis &&
  createCache({
    name: 'shop',
    ttl: '1m',
    staleWhileRevalidate: '5m',
    l1: { maxEntries: 10_000 },
    // Five times the default: the load generator takes the processor for longer than a slow Redis takes to reply.
    l2: redisTier(redis, { timeout: '1s' }),
  })

async function search(word: string): Promise<unknown> {
  queries++
  const { rows } = await pool.query(SEARCH, [word])
  return rows
}

const app = Fastify()
app.get<{ Params: { word: string } }>('/search/:word', ({ params: { word } }) => {
  if (cache === undefined) return search(word)
  return cache.getOrSet(`search:${word}`, () => search(word), {
    tags: [`category:${Number(word.slice(1)) % CATEGORIES}`],
  })
})
// Until Redis can be reached, each process would load for itself.
await redis?.ping()
await app.listen({ port: 0, host: '127.0.0.1' })
const address = app.server.address() as { port: number }

process.on('message', (order: Order) => {
  switch (order.do) {
    case 'report': {
      const stats = cache?.stats()
      const hits = stats === undefined ? 0 : stats.hits.l1 + stats.hits.l2
      return say({ told: 'report', queries, hits, invalidations })
    }
    case 'storm':
      clearInterval(storm)
      if (order.perSecond > 0) storm = setInterval(invalidate, 1_000 / order.perSecond)
      break
    default:
      order satisfies never
  }
})
say({ told: 'listening', port: address.port })

function invalidate(): void {
  const tag = `category:${invalidations % CATEGORIES}`
  invalidations++
  void cache?.invalidateTags(tag)
}

function say(told: Told): void {
  process.send?.(told)
}
