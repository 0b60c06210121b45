// cache-manager on the stores that its documentation names: cacheable's memory (without copies) and @keyv/redis.
import KeyvRedis from '@keyv/redis'
import { createCache } from 'cache-manager'
import { createKeyv } from 'cacheable'
import { Keyv } from 'keyv'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const cacheManager: Peer = {
  name: 'cache-manager',
  packageName: 'cache-manager',
  note: 'its Redis store uses the node-redis client',
  tiers: ['l1', 'l2', 'both'],
  tags: false,
  async open(options: OpenOptions): Promise<PeerCache> {
    const { load, tiers, ttlMs } = options
    const stores: Keyv[] = []
    if (tiers !== 'l2') stores.push(createKeyv({ lruSize: options.maxEntries, ttl: ttlMs, useClone: false }))
    if (tiers !== 'l1') {
      const store = new KeyvRedis(`redis://127.0.0.1:${options.redisPort}`)
      stores.push(new Keyv({ store, namespace: options.prefix, useKeyPrefix: false }))
    }
    const cache = createCache({ stores, ttl: ttlMs })
    return {
      read: (key) => cache.wrap(key, () => load(key)),
      readMany: (keys) => cache.mget([...keys]),
      write: (key, value) => cache.set(key, value),
      remove: (key) => cache.del(key),
      close: () => cache.disconnect(),
    }
  },
}
