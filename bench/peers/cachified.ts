// cachified with the adapters of its documentation: lru-cache, or Redis with JSON. It has one tier at a time.
import { type Cache, type CacheEntry, cachified as getOrLoad, totalTtl } from '@epic-web/cachified'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const cachified: Peer = {
  name: 'cachified',
  packageName: '@epic-web/cachified',
  tiers: ['l1', 'l2'],
  tags: false,
  async open(options: OpenOptions): Promise<PeerCache> {
    const { load, ttlMs: ttl } = options
    const redis = options.tiers === 'l2' ? new Redis(options.redisPort, '127.0.0.1') : undefined
    await redis?.ping()
    const cache = redis === undefined ? memory(options.maxEntries) : remote(redis, options.prefix)
    return {
      read: (key) => getOrLoad({ key, cache, ttl, getFreshValue: () => load(key) }),
      write: async (key, value) => cache.set(key, { metadata: { createdTime: Date.now(), ttl }, value }),
      remove: async (key) => cache.delete(key),
      close: async () => redis?.disconnect(),
    }
  },
}

function memory(max: number): Cache {
  const lru = new LRUCache<string, CacheEntry>({ max })
  return {
    get: (key) => lru.get(key),
    set(key, entry) {
      const ttl = totalTtl(entry.metadata)
      return lru.set(key, entry, {
        ttl: ttl === Number.POSITIVE_INFINITY ? undefined : ttl,
        start: entry.metadata.createdTime,
      })
    },
    delete: (key) => lru.delete(key),
  }
}

function remote(redis: Redis, prefix: string): Cache {
  return {
    async get(key) {
      const text = await redis.get(`${prefix}:${key}`)
      return text === null ? null : (JSON.parse(text) as CacheEntry)
    },
    set: (key, entry) => redis.set(`${prefix}:${key}`, JSON.stringify(entry), 'PX', totalTtl(entry.metadata)),
    delete: (key) => redis.del(`${prefix}:${key}`),
  }
}
