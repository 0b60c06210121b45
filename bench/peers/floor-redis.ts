// The floors of Redis: GET + JSON.parse and SET PX with JSON.stringify, one command per call; and the same with the reads of one
// tick as one MGET, which is what a small DataLoader would do.
import { Redis } from 'ioredis'
import type { OpenOptions, Peer, PeerCache } from './peer.js'

export const floorRedis: Peer = {
  name: 'floor: ioredis',
  packageName: 'ioredis',
  tiers: ['l2'],
  tags: false,
  async open(options: OpenOptions): Promise<PeerCache> {
    const redis = new Redis(options.redisPort, '127.0.0.1')
    await redis.ping()
    return { ...direct(redis, options), close: async () => redis.disconnect() }
  },
}

export const floorRedisMget: Peer = {
  name: 'floor: ioredis, MGET per tick',
  packageName: 'ioredis',
  tiers: ['l2'],
  tags: false,
  async open(options: OpenOptions): Promise<PeerCache> {
    const redis = new Redis(options.redisPort, '127.0.0.1')
    await redis.ping()
    const one = direct(redis, options)
    const get = perTick((keys: string[]) => redis.mget(keys))
    return {
      ...one,
      async read(key) {
        const text = await get(`${options.prefix}:${key}`)
        return text === null ? one.read(key) : JSON.parse(text)
      },
      close: async () => redis.disconnect(),
    }
  },
}

function direct(redis: Redis, { prefix, ttlMs, load }: OpenOptions) {
  const write = (key: string, value: unknown) => redis.set(`${prefix}:${key}`, JSON.stringify(value), 'PX', ttlMs)
  return {
    async read(key: string): Promise<unknown> {
      const text = await redis.get(`${prefix}:${key}`)
      if (text !== null) return JSON.parse(text)
      const value = await load(key)
      await write(key, value)
      return value
    },
    async readMany(keys: readonly string[]): Promise<unknown[]> {
      const texts = await redis.mget(keys.map((key) => `${prefix}:${key}`))
      return texts.map((text) => (text === null ? undefined : JSON.parse(text)))
    },
    write,
  }
}

function perTick(ask: (keys: string[]) => Promise<(string | null)[]>): (key: string) => Promise<string | null> {
  let waiting: { key: string; resolve: (text: string | null) => void; reject: (error: unknown) => void }[] = []
  const flush = () => {
    const batch = waiting
    waiting = []
    ask(batch.map((one) => one.key)).then(
      (texts) => {
        for (let i = 0; i < batch.length; i++) batch[i]?.resolve(texts[i] ?? null)
      },
      (error) => {
        for (const one of batch) one.reject(error)
      },
    )
  }
  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) process.nextTick(flush)
      waiting.push({ key, resolve, reject })
    })
}
