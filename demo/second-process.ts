// The second operating-system process of the demo, on a real Redis: it reads a product on request, and returns the result.
import { Redis } from 'ioredis'
import { redisTier } from 'tiercache/redis'
import { Database } from './database.js'
import { PATIENT, Shop } from './shop.js'

const client = new Redis(process.env.REDIS_URL ?? '')
const db = new Database()
const shop = new Shop(db, redisTier(client, PATIENT))

process.on('message', async (id: number) => {
  const startedAtMs = performance.now()
  const product = await shop.product(id)
  process.send?.({ name: product.name, ms: performance.now() - startedAtMs, queries: db.queries })
})
process.on('disconnect', async () => {
  await shop.cache.close()
  client.disconnect()
})
process.send?.('ready')
