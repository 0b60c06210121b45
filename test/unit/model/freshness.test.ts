import { describe, expect, test, vi } from 'vitest'
import { backoffMs, jittered, shouldRefreshEarly } from '../../../src/model/time/freshness.js'

const always = (value: number) => () => value
const LAST = 1 - 2 ** -53

describe('a jittered ttl', () => {
  test('is between the ttl shortened by the whole jitter and the ttl itself', () => {
    expect(jittered(1_000, 0.25, always(0))).toBe(1_000)
    expect(jittered(1_000, 0.25, always(0.5))).toBe(875)
    expect(jittered(1_000, 0.25, always(LAST))).toBe(750)
  })

  test('is unchanged if there is nothing to shorten, and draws no random number', () => {
    const random = vi.fn(always(0.5))
    expect(jittered(1_000, 0, random)).toBe(1_000)
    expect(jittered(0, 0.5, random)).toBe(0)
    expect(jittered(Number.POSITIVE_INFINITY, 0.5, random)).toBe(Number.POSITIVE_INFINITY)
    expect(random).not.toHaveBeenCalled()
  })

  test('never becomes 0, which would mean "do not cache"', () => {
    expect(jittered(1, 1, always(LAST))).toBe(1)
    expect(jittered(1_000, 1, always(LAST))).toBe(1)
  })
})

describe('an early refresh', () => {
  const reading = { nowMs: 900, freshUntilMs: 1_000, loadMs: 100, beta: 1 }

  test('happens exactly when the drawn lead reaches the expiry', () => {
    // The lead is loadMs · beta · −ln(1 − random); it is 100 ms at random = 1 − 1/e.
    const threshold = 1 - Math.exp(-1)
    expect(shouldRefreshEarly({ ...reading, random: always(threshold + 1e-9) })).toBe(true)
    expect(shouldRefreshEarly({ ...reading, random: always(threshold - 1e-9) })).toBe(false)
    expect(shouldRefreshEarly({ ...reading, beta: 2, random: always(threshold - 1e-9) })).toBe(true)
    expect(shouldRefreshEarly({ ...reading, loadMs: 50, random: always(threshold + 1e-9) })).toBe(false)
  })

  test('always happens from the expiry on', () => {
    expect(shouldRefreshEarly({ ...reading, nowMs: 1_000, random: always(0) })).toBe(true)
  })

  test('never happens if it is off, if the load took no time, or if the entry does not expire', () => {
    expect(shouldRefreshEarly({ ...reading, beta: 0, random: always(LAST) })).toBe(false)
    expect(shouldRefreshEarly({ ...reading, loadMs: 0, random: always(LAST) })).toBe(false)
    expect(shouldRefreshEarly({ ...reading, freshUntilMs: Number.POSITIVE_INFINITY, random: always(LAST) })).toBe(false)
  })
})

describe('a back-off', () => {
  test('doubles up to its limit, its upper half random', () => {
    expect([1, 2, 3, 4, 5].map((attempt) => backoffMs(attempt, 100, 1_000, always(LAST)))).toEqual([
      100, 200, 400, 800, 1_000,
    ])
    expect([1, 2, 3, 4, 5].map((attempt) => backoffMs(attempt, 100, 1_000, always(0)))).toEqual([
      50, 100, 200, 400, 500,
    ])
  })

  test('stays at its limit after any number of attempts', () => {
    expect(backoffMs(5_000, 100, 1_000, always(LAST))).toBe(1_000)
  })
})
