// async-cache-dedupe: memory or Redis, never both. Its ttl is in seconds, and its word for tags is references.
import { createCache } from 'async-cache-dedupe'
import { Redis } from 'ioredis'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const asyncCacheDedupe: Peer = {
  name: 'async-cache-dedupe',
  packageName: 'async-cache-dedupe',
  tiers: ['l1', 'l2'],
  tags: true,
  async open(options: OpenOptions): Promise<PeerCache> {
    const redis = options.tiers === 'l2' ? new Redis(options.redisPort, '127.0.0.1') : undefined
    await redis?.ping()
    const ttlSeconds = Math.ceil(options.ttlMs / 1_000)
    const tagged = options.tags.length > 0
    const storage =
      redis === undefined
        ? { type: 'memory' as const, options: { size: options.maxEntries, invalidation: tagged } }
        : {
            type: 'redis' as const,
            options: { client: redis, invalidation: tagged ? { invalidates: true, referencesTTL: ttlSeconds } : false },
          }
    const cache = createCache({ ttl: ttlSeconds, storage: storage as never })
    const references = [...options.tags]
    // Its keys begin with the name of the function.
    const defined = cache.define(options.prefix, tagged ? { references: () => references } : {}, async (key: string) =>
      options.load(key),
    )
    const read = defined[options.prefix] as (key: string) => Promise<unknown>
    return {
      read: (key) => read(key),
      remove: async (key) => defined.clear(options.prefix, key),
      invalidateTags: (asked) => defined.invalidateAll([...asked]),
      close: async () => redis?.disconnect(),
    }
  },
}
