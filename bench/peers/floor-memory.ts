// The floor of memory: lru-cache with ttl, and one promise per read, which is what every cache with an asynchronous loader returns.
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
      read(key) {
        const hit = lru.get(key)
        return hit === undefined ? loadInto(lru, key, load) : Promise.resolve(hit)
      },
      peek: (key) => lru.get(key),
      readMany(keys) {
        const values = new Array<object | undefined>(keys.length)
        for (let i = 0; i < keys.length; i++) values[i] = lru.get(keys[i] as string)
        return Promise.resolve(values)
      },
      close: async () => undefined,
    }
  },
}

async function loadInto(lru: LRUCache<string, object>, key: string, load: OpenOptions['load']): Promise<object> {
  const value = (await load(key)) as object
  lru.set(key, value)
  return value
}
