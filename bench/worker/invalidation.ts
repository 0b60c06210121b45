// The cost of invalidating a tag that 10,000 of 100,000 entries carry: time, Redis commands, and how long the event loop was blocked.
import { Redis } from 'ioredis'
import type { PeerCache } from '../peers/peer.js'
import { openBench, type Slice } from './drills.js'
import type { Assignment } from './messages.js'
import { keyOf, makeValue } from './values.js'

const ENTRIES = 100_000
const TAGGED = 10_000
const WRITERS = 256
/** Commands of a listening bus, and those that count the commands. */
const NOT_COUNTED = new Set(['info', 'xread', 'ping', 'xrange'])

type Write = NonNullable<PeerCache['write']>

export async function invalidation(assignment: Assignment): Promise<Slice> {
  const bench = await openBench(assignment, { maxEntries: ENTRIES, tags: ['rest'] })
  const { cache, loads } = bench
  const { invalidateTags, write } = cache
  if (invalidateTags === undefined || write === undefined) throw new Error('cannot write with tags')
  const redis = new Redis(assignment.redisPort, '127.0.0.1')
  await writeAll(write, ['rest'], TAGGED, ENTRIES)
  return async () => {
    await writeAll(write, ['hit'], 0, TAGGED)
    await cache.settle?.()
    const before = await commands(redis)
    const loop = watchLoop()
    const startMs = performance.now()
    await invalidateTags(['hit'])
    const tookMs = performance.now() - startMs
    const stoodStillMs = loop.end()
    const sent = difference(before, await commands(redis))
    const soFar = loads()
    await cache.read(keyOf(7))
    await cache.read(keyOf(TAGGED + 7))
    if (loads() !== soFar + 1) throw new Error('an invalidated entry was served, or another one was lost')
    return { cost: tookMs, details: { 'event loop stood still (ms)': round(stoodStillMs), commands: sent } }
  }
}

async function writeAll(write: Write, tags: readonly string[], from: number, to: number): Promise<void> {
  let next = from
  const writer = async () => {
    while (next < to) {
      const key = keyOf(next++)
      await write(key, makeValue(key), tags)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

function watchLoop(): { end(): number } {
  let longestMs = 0
  let lastMs = performance.now()
  let isWatching = true
  const turn = () => {
    const nowMs = performance.now()
    longestMs = Math.max(longestMs, nowMs - lastMs)
    lastMs = nowMs
    if (isWatching) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    end() {
      isWatching = false
      return Math.max(longestMs, performance.now() - lastMs)
    },
  }
}

async function commands(redis: Redis): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const [, name, calls] of (await redis.info('commandstats')).matchAll(/^cmdstat_([^:|]+)[^:]*:calls=(\d+)/gm)) {
    counts.set(name as string, (counts.get(name as string) ?? 0) + Number(calls))
  }
  return counts
}

function difference(before: Map<string, number>, after: Map<string, number>): string {
  const sent: string[] = []
  for (const [name, calls] of after) {
    const more = calls - (before.get(name) ?? 0)
    if (more > 0 && !NOT_COUNTED.has(name)) sent.push(`${more} ${name.toUpperCase()}`)
  }
  return sent.sort().join(', ')
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
