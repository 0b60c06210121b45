// The built package of this repository, as users get it.
import { Redis } from 'ioredis'
import { createCache } from '../../dist/index.js'
import { redisTier } from '../../dist/redis.js'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const tiercache: Peer = {
  name: 'tiercache',
  packageName: 'tiercache',
  tiers: ['l1', 'l2', 'both'],
  tags: true,
  async open(options: OpenOptions): Promise<PeerCache> {
    const redis = options.tiers === 'l1' ? undefined : new Redis(options.redisPort, '127.0.0.1')
    // A lent connection that is not ready yet counts as an L2 that is down, so wait for it.
    if (redis !== undefined) await redis.ping()
    const cache = createCache({
      name: options.prefix,
      ttl: options.ttlMs,
      l1: options.tiers === 'l2' ? false : { maxEntries: options.maxEntries },
      // On a busy machine a read may take longer than the default of 200 ms. It must be measured, not replaced by a load.
      l2: redis && redisTier(redis, { bus: options.bus ? 'stream' : false, timeout: '10s' }),
    })
    const load = (context: { key: string }) => options.load(context.key)
    const callOptions = { tags: options.tags }
    const tagged = options.tags.length > 0
    return {
      read: tagged ? (key) => cache.getOrSet(key, load, callOptions) : (key) => cache.getOrSet(key, load),
      peek: (key) => cache.peek(key),
      readMany: (keys) => cache.getMany(keys),
      write: tagged
        ? (key, value, tags) => cache.set(key, value, tags === undefined ? callOptions : { tags })
        : (key, value) => cache.set(key, value),
      invalidateTags: (tags) => cache.invalidateTags(tags),
      settle: () => cache.drain(),
      async close() {
        await cache.close()
        redis?.disconnect()
      },
    }
  },
}
