// The built package of this repository, as users get it.
import { Redis } from 'ioredis'
import { type Cache, createCache } from '../../dist/index.js'
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
      l2: redis && redisTier(redis, { bus: options.bus ? 'stream' : false, timeout: options.l2TimeoutMs ?? '10s' }),
    })
    const callOptions = { tags: options.tags }
    const tagged = options.tags.length > 0
    return {
      read: readerOf(cache, options),
      peek: (key) => cache.peek(key),
      readMany: (keys) => cache.getMany(keys),
      write: tagged
        ? (key, value, tags) => cache.set(key, value, tags === undefined ? callOptions : { tags })
        : (key, value) => cache.set(key, value),
      remove: (key) => cache.delete(key),
      invalidateTags: (tags) => cache.invalidateTags(tags),
      settle: () => cache.drain(),
      async close() {
        await cache.close()
        redis?.disconnect()
      },
    }
  },
}

function readerOf(cache: Cache, { face, tags, load: loadKey }: OpenOptions): (key: string) => Promise<unknown> {
  const load = (context: { key: string }) => loadKey(context.key)
  switch (face) {
    case 'root': {
      if (tags.length === 0) return (key) => cache.getOrSet(key, load)
      const callOptions = { tags }
      return (key) => cache.getOrSet(key, load, callOptions)
    }
    case 'namespace': {
      const part = cache.namespace('part')
      return (key) => part.getOrSet(key, load)
    }
    case 'wrap':
      return cache.wrap(async (key: string) => loadKey(key), { name: 'wrapped' })
    case 'source': {
      const source = cache.source('source', { load: (key: string) => loadKey(key) })
      return (key) => source.get(key)
    }
    default:
      return face satisfies never
  }
}
