// G1 to G4 as a property: several caches over one server, random histories, every value read is checked by a reference model.
// The seeds are fixed, so that a run never fails by chance; `npm run histories` explores others.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COUNTEREXAMPLES } from './counterexamples.js'
import { PORT_MUTATIONS, type PortMutation } from './mutations.js'
import { historyProperty } from './property.js'
import { runHistory } from './run-history.js'

const SEEDS = [1, 606_500_175, 20_261_129]
const HISTORIES_PER_SEED = 400

test.each(SEEDS)('no read returns a value that an invalidation forbids, in any history of seed %i', async (seed) => {
  await fc.assert(historyProperty(), { numRuns: HISTORIES_PER_SEED, seed })
})

test('nor of entries with an idle life, whose touches are lost, late and repeated like any other command', async () => {
  await fc.assert(historyProperty(undefined, { idleTtl: '2s' }), { numRuns: HISTORIES_PER_SEED, seed: 10 })
})

test.each(COUNTEREXAMPLES)('$name', async ({ steps }) => {
  await runHistory(steps, 0)
})

test.each(COUNTEREXAMPLES)('the property detects "$noticedAs" in the history: $name', async ({ steps, noticedAs }) => {
  await expect(runHistory(steps, 0, noticedAs)).rejects.toThrow('although')
})

describe('the property detects that', () => {
  test.each(Object.keys(PORT_MUTATIONS) as PortMutation[])('%s', async (mutation) => {
    const details = await fc.check(historyProperty(mutation), { numRuns: 3_000, seed: 42, endOnFailure: true })
    expect(details.failed).toBe(true)
  })
})
