// layered-loader: `lru-map` in memory, RedisCache with JSON, a notification pair as its bus. Its group invalidation is not the same as tags.
import { Redis } from 'ioredis'
import { createNotificationPair, Loader, RedisCache } from 'layered-loader'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const layeredLoader: Peer = {
  name: 'layered-loader',
  packageName: 'layered-loader',
  note: 'asks for Node 22; it is measured on whatever Node runs the suite',
  tiers: ['l1', 'l2', 'both'],
  tags: false,
  async open(options: OpenOptions): Promise<PeerCache> {
    const { tiers, ttlMs, maxEntries, prefix, redisPort } = options
    const connections: Redis[] = []
    const connect = () => {
      const redis = new Redis(redisPort, '127.0.0.1')
      connections.push(redis)
      return redis
    }
    const load = async (key: string) => options.load(key)
    const pair = options.bus
      ? createNotificationPair({ channel: prefix, publisherRedis: connect(), consumerRedis: connect() })
      : undefined
    const loader = new Loader<unknown>({
      inMemoryCache: tiers === 'l2' ? false : { cacheType: 'lru-map', ttlInMsecs: ttlMs, maxItems: maxEntries },
      ...(tiers === 'l1'
        ? {}
        : { asyncCache: new RedisCache<unknown>(connect(), { json: true, ttlInMsecs: ttlMs, prefix }) }),
      ...(pair === undefined ? {} : { notificationPublisher: pair.publisher, notificationConsumer: pair.consumer }),
      dataSourceGetOneFn: load,
      dataSourceGetManyFn: (keys) => Promise.all(keys.map(load)),
      cacheKeyFromValueResolver: (value) => (value as { key: string }).key,
    })
    await loader.init()
    await Promise.all(connections.map((redis) => redis.status === 'ready' || redis.ping().catch(() => undefined)))
    return {
      read: (key) => loader.get(key),
      peek: (key) => loader.getInMemoryOnly(key),
      readMany: (keys) => loader.getMany([...keys]),
      write: (key, value) => loader.forceSetValue(key, value),
      remove: (key) => loader.invalidateCacheFor(key),
      async close() {
        await loader.close()
        for (const redis of connections) redis.disconnect()
      },
    }
  },
}
