// Holds as a property: no read after a hold returns what its commit replaced, in random histories.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HoldTiers, playHolds } from './hold-history.js'
import { type HoldStep, holdSteps } from './hold-steps.js'
import { HOLD_MUTATIONS, type HoldMutation } from './mutations.js'

const SEEDS = [1, 20_261_129]
const HISTORIES_PER_SEED = 300

/** Histories that once broke the property. */
const COUNTEREXAMPLES: readonly (readonly [string, readonly HoldStep[]])[] = [
  [
    'a shorter hold that ends while a longer one lasts ends the sharing of loads',
    [
      { step: 'commit', process: 0, key: 'k0', by: 'invalidateTags', visibleMs: 1, holdMs: 2_001 },
      { step: 'commit', process: 0, key: 'k0', by: 'invalidateTags', visibleMs: 1, holdMs: 2 },
      { step: 'load', process: 0, key: 'k0', tagging: 'listed', loadMs: 1_500 },
      { step: 'advance', ms: 300 },
      { step: 'load', process: 0, key: 'k0', tagging: 'listed', loadMs: 0 },
    ],
  ],
  [
    'a hold that has ended is remembered when the next one begins',
    [
      { step: 'commit', process: 0, key: 'k0', by: 'invalidateTags', visibleMs: 1, holdMs: 2 },
      { step: 'load', process: 0, key: 'k0', tagging: 'derived', loadMs: 6_000 },
      { step: 'advance', ms: 300 },
      { step: 'load', process: 0, key: 'k0', tagging: 'listed', loadMs: 0 },
      { step: 'commit', process: 0, key: 'k0', by: 'invalidateTags', visibleMs: 1, holdMs: 2 },
    ],
  ],
]

const property = (tiers: HoldTiers, mutation?: HoldMutation) =>
  fc.asyncProperty(holdSteps, (steps) => playHolds(steps, tiers, mutation))

describe.each<[string, HoldTiers]>([
  ['in three processes over one server', 'shared'],
  ['in memory alone', 'none'],
])('%s', (_, tiers) => {
  test.each(COUNTEREXAMPLES)('%s', (_name, steps) => playHolds(steps, tiers))

  test.each(SEEDS)('no read after a hold returns what its commit replaced, in any history of seed %i', async (seed) => {
    await fc.assert(property(tiers), { numRuns: HISTORIES_PER_SEED, seed })
  })
})

describe('the property detects that', () => {
  test.each(Object.entries(HOLD_MUTATIONS) as [HoldMutation, (typeof HOLD_MUTATIONS)[HoldMutation]][])(
    '%s',
    async (mutation, { tiers }) => {
      for (const one of tiers) {
        const details = await fc.check(property(one, mutation), { numRuns: 2_000, seed: 42, endOnFailure: true })
        expect(details.failed, `with ${one} tiers`).toBe(true)
      }
    },
  )
})
