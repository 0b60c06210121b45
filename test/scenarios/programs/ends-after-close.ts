// Uses a cache and closes it. It has nothing else to do, so it must end by itself.
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'

const cache = createCache({ name: 'closes', l2: redisTier(process.env.REDIS_URL ?? '') })
const result = await cache.set('k', 1)
const value = await cache.getOrSet('k', () => 2)
console.log(result, value)
await cache.close()
