// An instance of the demo's API as a process of its own, which reports how many queries it made.
import { Redis } from 'ioredis'
import { redisTier } from 'tiercache/redis'
import { startInstance } from '../../demo/http/instance.js'
import { openItems } from '../../demo/http/items.js'
import type { InstanceSettings, Told } from './instance-process.js'

const { redisPort, queryMs, caching } = JSON.parse(process.argv[2] as string) as InstanceSettings
const redis = new Redis(redisPort, '127.0.0.1')
redis.on('error', () => undefined)
const items = await openItems(process.env.DATABASE_URL, queryMs)
// The load takes the processor for longer than a slow Redis takes to reply.
const l2 = redisTier(redis, { timeout: '5s' })
const { cache, port, close } = await startInstance({ name: `instance-${process.pid}`, items, l2, caching })
await cache.ready({ timeout: '10s' })

process.on('message', () => say({ queries: items.queries }))
process.on('disconnect', async () => {
  await close()
  await items.close()
  redis.disconnect()
})
say({ port })

function say(told: Told): void {
  process.send?.(told)
}
