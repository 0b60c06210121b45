// The floor of memory: lru-cache with ttl and one promise, as one would write it without a library.
import { LRUCache } from 'lru-cache'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const floorMemory: Peer = {
  name: 'floor: lru-cache',
  packageName: 'lru-cache',
  tiers: ['l1'],
  tags: false,
  async open({ maxEntries, ttlMs, load }: OpenOptions): Promise<PeerCache> {
    const lru = new LRUCache<string, object>({ max: maxEntries, ttl: ttlMs })
    return {
      async read(key) {
        const hit = lru.get(key)
        if (hit !== undefined) return hit
        const value = (await load(key)) as object
        lru.set(key, value)
        return value
      },
      peek: (key) => lru.get(key),
      async readMany(keys) {
        const values = new Array<object | undefined>(keys.length)
        for (let i = 0; i < keys.length; i++) values[i] = lru.get(keys[i] as string)
        return values
      },
      close: async () => undefined,
    }
  },
}
