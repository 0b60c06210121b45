// Random decisions, compared with the distributions that they claim. Seeds are fixed, so each run has the same result.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs, jittered, shouldRefreshEarly } from '../../src/model/time/freshness.js'
import { mulberry32 } from '../support/random.js'

/** The Kolmogorov-Smirnov distance between samples and a distribution. */
function distance(samples: number[], cumulative: (x: number) => number): number {
  samples.sort((a, b) => a - b)
  return Math.max(
    ...samples.map((x, i) =>
      Math.max(Math.abs(cumulative(x) - i / samples.length), Math.abs((i + 1) / samples.length - cumulative(x))),
    ),
  )
}

const SAMPLES = 4_000
/** The critical value at a significance of 0.001. */
const CRITICAL = 1.95 / Math.sqrt(SAMPLES)

describe.each([1, 2, 3])('with seed %d', (seed) => {
  test.each([
    [100, 1],
    [100, 0.5],
    [7, 3],
  ])('the lead of an early refresh after a load of %d ms with beta %d is distributed exponentially', (loadMs, beta) => {
    const random = mulberry32(seed)
    const freshUntilMs = 1e6
    // The lead that belongs to one draw, found by bisection: the draw refreshes at every moment less than `lead` before the expiry.
    const leads = Array.from({ length: SAMPLES }, () => {
      const draw = random()
      let low = 0
      let high = 1e5
      for (let i = 0; i < 60; i++) {
        const lead = (low + high) / 2
        if (shouldRefreshEarly({ nowMs: freshUntilMs - lead, freshUntilMs, loadMs, beta, random: () => draw }))
          low = lead
        else high = lead
      }
      return low
    })
    expect(distance(leads, (lead) => 1 - Math.exp(-lead / (loadMs * beta)))).toBeLessThan(CRITICAL)
  })

  test('of a thousand readers per second about one refreshes early: well before the expiry, but not long before it', () => {
    const random = mulberry32(seed)
    const firsts = Array.from({ length: 200 }, () => {
      for (let nowMs = 0; ; nowMs++) {
        if (shouldRefreshEarly({ nowMs, freshUntilMs: 10_000, loadMs: 50, beta: 1, random })) return 10_000 - nowMs
      }
    })
    const mean = firsts.reduce((sum, lead) => sum + lead, 0) / firsts.length
    // The largest lead over readers 1 ms apart is a little above loadMs · ln(loadMs); see the paper's theorem on the early gap.
    expect(mean).toBeGreaterThan(100)
    expect(mean).toBeLessThan(400)
  })

  test('a jittered ttl is distributed uniformly', () => {
    const random = mulberry32(seed)
    const ttls = Array.from({ length: SAMPLES }, () => jittered(1e9, 0.2, random))
    expect(distance(ttls, (ttl) => (ttl - 0.8e9) / 0.2e9)).toBeLessThan(CRITICAL)
  })
})

test('a jittered ttl is never longer than its ttl and never 0', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (ttlMs, jitter, draw) => {
        const ms = jittered(ttlMs, jitter, () => draw)
        expect(Number.isInteger(ms)).toBe(true)
        expect(ms).toBeGreaterThanOrEqual(1)
        expect(ms).toBeLessThanOrEqual(ttlMs)
      },
    ),
  )
})

test('a back-off is between half of its step and the whole step, and at most its limit', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, draw) => {
        const ms = backoffMs(attempt, 100, 30_000, () => draw)
        const step = Math.min(30_000, 100 * 2 ** (attempt - 1))
        expect(ms).toBeGreaterThanOrEqual(step / 2)
        expect(ms).toBeLessThanOrEqual(step)
      },
    ),
  )
})
