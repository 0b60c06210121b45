// Drills that measure size instead of time: bytes on the heap, bytes in Redis.
import { Redis } from 'ioredis'
import { fill, openBench, type Slice } from './drills.js'
import type { Assignment } from './messages.js'
import { keyOf, makeValue } from './values.js'

/** Bytes per entry that a cache needs in addition to a Map of the same keys and values. */
export async function heap(assignment: Assignment): Promise<Slice> {
  const entries = assignment.params.entries ?? 100_000
  const values = new Map(Array.from({ length: entries }, (_, i) => [keyOf(i), makeValue(keyOf(i))]))
  const keys = [...values.keys()]
  const mapBytes = await weigh(async () => new Map(keys.map((key) => [key, values.get(key)])))
  return async () => {
    let close: (() => Promise<unknown>) | undefined
    let hitBytes = 0
    const filledBytes = await weigh(async () => {
      const bench = await openBench(assignment, { load: (key) => values.get(key) })
      // The same key strings as in the Map, since they do not count for the cache.
      for (const key of keys) await bench.cache.read(key)
      close = () => bench.cache.close()
      return bench
    })
    const perEntry = (bytes: number) => (bytes - mapBytes) / entries
    hitBytes = await weigh(async () => {
      const bench = await openBench(assignment, { load: (key) => values.get(key) })
      for (const key of keys) await bench.cache.read(key)
      for (const key of keys) await bench.cache.read(key)
      return bench
    })
    await close?.()
    return { cost: perEntry(filledBytes), details: { 'after a hit of each': Math.round(perEntry(hitBytes)) } }
  }
}

/** The bytes on the heap and in typed arrays that the result of `make` needs. */
async function weigh(make: () => Promise<unknown>): Promise<number> {
  const before = await used()
  const kept = await make()
  const after = await used()
  if (kept === undefined) throw new Error('nothing was kept')
  return after - before
}

async function used(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('needs node --expose-gc')
  for (let i = 0; i < 4; i++) {
    await new Promise(setImmediate)
    gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** MEMORY USAGE of everything that 1,000 entries need in Redis, per entry. */
export async function redisBytes(assignment: Assignment): Promise<Slice> {
  const bench = await openBench(assignment)
  await fill(bench)
  const redis = new Redis(assignment.redisPort, '127.0.0.1')
  return async () => {
    const keys = (await redis.keys('*')).filter((key) => key.includes(assignment.prefix))
    if (keys.length === 0) throw new Error('its keys were not found')
    let bytes = 0
    for (const key of keys) bytes += Number(await redis.memory('USAGE', key, 'SAMPLES', 0))
    redis.disconnect()
    return {
      cost: bytes / bench.params.entries,
      details: { 'Redis keys per entry': keys.length / bench.params.entries },
    }
  }
}
