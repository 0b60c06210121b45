// bentocache in its fastest documented form: values in memory are not serialized (`serialize: false`), except where there is a bus:
// with both, a message from another process ends the process (1.6.1: it calls `deserialize` of a serializer that is not there).
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const bentocache: Peer = {
  name: 'bentocache',
  packageName: 'bentocache',
  tiers: ['l1', 'l2', 'both'],
  tags: true,
  async open(options: OpenOptions): Promise<PeerCache> {
    const redis = options.tiers === 'l1' ? undefined : new Redis(options.redisPort, '127.0.0.1')
    await redis?.ping()
    const bento = new BentoCache({
      default: 'main',
      ttl: options.ttlMs,
      prefix: options.prefix,
      stores: { main: makeStore(options, redis) },
    })
    const { load } = options
    const tags = options.tags.length > 0 ? [...options.tags] : undefined
    return {
      read: tags
        ? (key) => bento.getOrSet({ key, factory: () => load(key), tags })
        : (key) => bento.getOrSet({ key, factory: () => load(key) }),
      write: tags
        ? (key, value, own) => bento.set({ key, value, tags: own === undefined ? tags : [...own] })
        : (key, value) => bento.set({ key, value }),
      remove: (key) => bento.delete({ key }),
      invalidateTags: (asked) => bento.deleteByTag({ tags: [...asked] }),
      async close() {
        await bento.disconnectAll()
        redis?.disconnect()
      },
    }
  },
}

function makeStore({ tiers, bus, maxEntries, redisPort }: OpenOptions, redis: Redis | undefined) {
  let store = bentostore()
  if (tiers !== 'l2') store = store.useL1Layer(memoryDriver({ maxItems: maxEntries, serialize: bus }))
  if (redis !== undefined) store = store.useL2Layer(redisDriver({ connection: redis as never }))
  if (bus) store = store.useBus(redisBusDriver({ connection: { host: '127.0.0.1', port: redisPort } }))
  return store
}
