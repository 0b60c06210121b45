// The cost of a hit in L1 beside its floor, a bare lru-cache with ttl and one promise: look-up, age and resolved promise only.
// Run: npx tsx bench/micro/l1-get.ts

import { LRUCache } from 'lru-cache'
import { bench, boxplot, do_not_optimize, run, summary } from 'mitata'
import { MemoryTier } from '../../src/tiers/memory-tier.js'
import { entryUntil } from '../../test/support/entry.js'

const ENTRIES = 10_000
const KEYS = Array.from({ length: ENTRIES }, (_, i) => `user:${i}`)
const TTL_MS = 3_600_000
const READS = 1_024
const makeValue = (key: string) => ({ key, name: 'x'.repeat(150) })

const floor = new LRUCache<string, object>({ max: ENTRIES, ttl: TTL_MS })
const tier = new MemoryTier({ maxEntries: ENTRIES, maxBytes: Infinity, maxEntryBytes: Infinity, values: 'shared' })
for (const key of KEYS) {
  floor.set(key, makeValue(key))
  const untilMs = Math.ceil(performance.now()) + TTL_MS
  tier.set(key, entryUntil(makeValue(key), untilMs))
}

async function floorHit(key: string): Promise<unknown> {
  return floor.get(key)
}

/** The cache reads its clock once per turn. Here `nowMs` stands for that reading. */
function tierHit(key: string, nowMs: number): Promise<unknown> {
  const entry = tier.get(key)
  if (entry === undefined || nowMs >= entry.hotUntilMs) throw new Error('not a hit')
  entry.promise ??= Promise.resolve(entry.value)
  return entry.promise
}

/** Ranks of a zipf distribution (s = 1), drawn in advance, so that drawing is not measured. */
function zipf(): readonly string[] {
  const weights = KEYS.map((_, i) => 1 / (i + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let state = 42
  return Array.from({ length: READS }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    let left = (state / 2_147_483_648) * total
    let rank = 0
    for (; rank < ENTRIES - 1 && left > weights[rank]!; rank++) left -= weights[rank]!
    return KEYS[rank]!
  })
}

const workloads = { 'hot key': Array.from({ length: READS }, () => KEYS[7]!), zipf: zipf() }

for (const [name, keys] of Object.entries(workloads)) {
  boxplot(() =>
    summary(() => {
      bench(`floor: lru-cache with ttl, one promise, ${READS} × ${name}`, async () => {
        for (const key of keys) do_not_optimize(await floorHit(key))
      }).baseline(true)
      bench(`L1 tier and entry, ${READS} × ${name}`, async () => {
        const nowMs = Math.floor(performance.now())
        for (const key of keys) do_not_optimize(await tierHit(key, nowMs))
      })
    }),
  )
}

await run()
