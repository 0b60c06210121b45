// cacheable in its fastest documented form: no copies of values in memory (`useClone: false`), no statistics.

import KeyvRedis from '@keyv/redis'
import { Cacheable, createKeyv } from 'cacheable'
import { Keyv } from 'keyv'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const cacheable: Peer = {
  name: 'cacheable',
  packageName: 'cacheable',
  note: 'its Redis store uses the node-redis client',
  tiers: ['l1', 'l2', 'both'],
  tags: true,
  async open(options: OpenOptions): Promise<PeerCache> {
    const { load, tiers, maxEntries, ttlMs, prefix } = options
    const memory = () => createKeyv({ lruSize: maxEntries, ttl: ttlMs, useClone: false })
    const remote = () =>
      new Keyv({
        store: new KeyvRedis(`redis://127.0.0.1:${options.redisPort}`),
        namespace: prefix,
        useKeyPrefix: false,
      })
    const cache = new Cacheable({
      primary: tiers === 'l2' ? remote() : memory(),
      ...(tiers === 'both' ? { secondary: remote() } : {}),
      ttl: ttlMs,
      tags: options.tags.length > 0,
    })
    const tags = [...options.tags]
    // getOrSet takes no tags, so a tagged entry is read with get, or loaded and set.
    const readTagged = async (key: string) => {
      const hit = await cache.get(key)
      if (hit !== undefined) return hit
      const value = await load(key)
      await cache.set(key, value, { tags })
      return value
    }
    return {
      read: tags.length > 0 ? readTagged : (key) => cache.getOrSet(key, async () => load(key)),
      readMany: (keys) => cache.getMany([...keys]),
      write:
        tags.length > 0
          ? (key, value, own) => cache.set(key, value, { tags: own === undefined ? tags : [...own] })
          : (key, value) => cache.set(key, value),
      remove: (key) => cache.delete(key),
      invalidateTags: (asked) => cache.tags.invalidateTags([...asked]),
      close: () => cache.disconnect(),
    }
  },
}
