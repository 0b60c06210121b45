// What the ghosts of a cache predict for a larger one is what that larger one does, on the same trace of reads.
import { type CacheOptions, createCache, type GhostStats } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { zipf } from '../faults/soak/zipf.js'
import { mulberry32 } from '../support/random.js'
import { SEED } from '../support/seed.js'

interface Trace {
  readonly keys: number
  readonly reads: number
  /** Entries of the cache that predicts. */
  readonly maxEntries: number
  readonly options?: () => CacheOptions
  /** The tags of an entry. One of them is invalidated every 500 reads. */
  readonly tags?: number
  /** A key is deleted every so many reads. */
  readonly deletesEvery?: number
}

/** Plays the trace with `factor` times the entries, and returns its hit ratio with what its ghosts say. Every read takes a millisecond. */
async function play(trace: Trace, factor: number): Promise<GhostStats> {
  const clock = new FakeClock()
  const l1 = { maxEntries: trace.maxEntries * factor, maxBytes: Infinity, ghosts: true }
  const cache = createCache({ logger: false, clock, ...trace.options?.(), l1 })
  const draw = zipf(trace.keys, mulberry32(SEED))
  const tagOf = (key: number) => `t${key % (trace.tags ?? 1)}`
  for (let i = 1; i <= trace.reads; i++) {
    const key = draw()
    const options = trace.tags === undefined ? undefined : { tags: [tagOf(key)] }
    await cache.getOrSet(`k${key}`, () => key, options)
    if (trace.tags !== undefined && i % 500 === 0) await cache.invalidateTags(tagOf(i / 500))
    if (trace.deletesEvery !== undefined && i % trace.deletesEvery === 0) await cache.delete(`k${draw()}`)
    if (i % 10 === 0) await clock.advance(10)
  }
  await cache.drain()
  const { ghosts } = cache.stats().l1
  await cache.close()
  return ghosts as GhostStats
}

async function errorsOf(trace: Trace): Promise<{ readonly errors: readonly number[]; readonly won: number }> {
  const { larger, hitRatio } = await play(trace, 1)
  const errors: number[] = []
  let won = 0
  for (const { factor, hitRatio: predicted } of larger) {
    const truth = await play(trace, factor)
    errors.push(Math.abs(predicted - truth.hitRatio))
    won = truth.hitRatio - hitRatio
  }
  return { errors, won }
}

/** The order of use is that of the larger cache, so nothing is estimated. */
const EXACT = 0
/** A sample stands for all keys, or a ghost stands for an entry whose life a load has renewed by now. */
const CLOSE = 0.03

const traces: [name: string, trace: Trace, within: number][] = [
  ['a small cache', { keys: 5_000, reads: 20_000, maxEntries: 200 }, EXACT],
  [
    'a large cache, of whose keys a sample is followed',
    { keys: 60_000, reads: 100_000, maxEntries: 6_000, options: () => ({ ttl: '1h' }) },
    CLOSE,
  ],
  [
    'entries that end',
    { keys: 5_000, reads: 20_000, maxEntries: 200, options: () => ({ ttl: 2_000, staleWhileRevalidate: 500 }) },
    CLOSE,
  ],
  ['keys that are deleted', { keys: 5_000, reads: 20_000, maxEntries: 200, deletesEvery: 5 }, EXACT],
  ['tags that are invalidated', { keys: 5_000, reads: 20_000, maxEntries: 200, tags: 10 }, CLOSE],
  [
    'an L2 that has what L1 has not',
    { keys: 5_000, reads: 10_000, maxEntries: 200, options: () => ({ l2: memoryTier(new MemoryServer()) }) },
    EXACT,
  ],
]

describe('the ghosts of a cache predict the hit ratio of one with two and four times the entries', () => {
  test.each(traces)('with %s', async (_name, trace, within) => {
    const { errors, won } = await errorsOf(trace)
    // On this trace a larger cache does much better.
    expect(won).toBeGreaterThan(0.045)
    for (const error of errors) expect(error).toBeLessThanOrEqual(within + Number.EPSILON)
  })
})
