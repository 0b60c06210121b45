// G1 to G4 as a property: several caches over one server, thousands of random histories, every answer checked by a reference model.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MUTATIONS, type Mutation } from './mutations.js'
import { runHistory } from './run-history.js'
import { steps } from './steps.js'

const SEED = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31)
const LIMIT_MS = Number(process.env.MODEL_LIMIT_MS ?? 20_000)

test(
  'no read answers what an invalidation forbids, in any of thousands of histories',
  async () => {
    let histories = 0
    const property = fc.asyncProperty(steps, fc.nat(), async (history, seed) => {
      histories++
      await runHistory(history, seed)
    })
    console.log(`model: seed ${SEED} (MODEL_SEED repeats it)`)
    await fc.assert(property, { numRuns: 1_000_000, seed: SEED, interruptAfterTimeLimit: LIMIT_MS })
    console.log(`model: ${histories} histories`)
    expect(histories).toBeGreaterThan(100)
  },
  LIMIT_MS + 60_000,
)

describe('the property notices when', () => {
  test.each(Object.keys(MUTATIONS) as Mutation[])(
    '%s',
    async (mutation) => {
      const property = fc.asyncProperty(steps, fc.nat(), (history, seed) => runHistory(history, seed, mutation))
      const found = await fc.check(property, { numRuns: 3_000, seed: 42, endOnFailure: true })
      console.log(`model: ${mutation}: noticed after ${found.numRuns} histories`)
      expect(found.failed).toBe(true)
    },
    60_000,
  )
})
