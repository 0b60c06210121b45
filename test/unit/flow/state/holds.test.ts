// The table of holds alone: what counts as held, and what happens when it is full.
import { describe, expect, test } from 'vitest'
import { Holds } from '../../../../src/flow/state/holds.js'

const FULL = 10_000

describe('the table of holds', () => {
  test('says until when a key or one of its labels is held, the latest first', () => {
    const holds = new Holds()
    holds.holdKey('k', 50, 0)
    holds.holdLabel('t:a', 80, 0)
    expect(holds.endAfter(0, 'k', [])).toBe(50)
    expect(holds.endAfter(0, 'k', ['t:b', 't:a'])).toBe(80)
    expect(holds.endAfter(0, 'other', ['t:b'])).toBeUndefined()
    expect(holds.endAfter(0, undefined, ['t:a'])).toBe(80)
    expect(holds.endAfter(0, 't:a', ['k'])).toBeUndefined()
  })

  test('counts a hold against a load that began before its end, and against no later one', () => {
    const holds = new Holds()
    holds.holdKey('k', 50, 0)
    expect(holds.endAfter(49, 'k', [])).toBe(50)
    expect(holds.endAfter(50, 'k', [])).toBeUndefined()
  })

  test('knows the holds that have ended, also while another one lasts', () => {
    const holds = new Holds()
    holds.holdLabel('t:a', 50, 0)
    holds.holdLabel('t:b', 90, 0)
    expect(holds.hasEndedSince(10, 49, 'k', ['t:a', 't:b'])).toBe(false)
    expect(holds.hasEndedSince(10, 60, 'k', ['t:a', 't:b'])).toBe(true)
    expect(holds.hasEndedSince(50, 60, 'k', ['t:a', 't:b'])).toBe(false)
    expect(holds.hasEndedSince(10, 60, 'k', ['t:b'])).toBe(false)
  })

  test('knows that one of two holds of a label has ended, also while the other lasts', () => {
    const holds = new Holds()
    holds.holdLabel('t:a', 90, 0)
    holds.holdLabel('t:a', 50, 10)
    expect(holds.hasEndedSince(20, 49, 'k', ['t:a'])).toBe(false)
    expect(holds.hasEndedSince(20, 50, 'k', ['t:a'])).toBe(true)
    expect(holds.hasEndedSince(50, 60, 'k', ['t:a'])).toBe(false)
    holds.holdLabel('t:b', 50, 0)
    holds.holdLabel('t:b', 90, 10)
    expect(holds.hasEndedSince(20, 60, 'k', ['t:b'])).toBe(true)
    expect(holds.hasEndedSince(60, 90, 'k', ['t:b'])).toBe(true)
  })

  test('remembers that a hold has ended when the next one begins', () => {
    const holds = new Holds()
    for (const [untilMs, nowMs] of [
      [10, 0],
      [20, 12],
      [40, 30],
    ] as const) {
      holds.holdLabel('t:a', untilMs, nowMs)
    }
    expect(holds.hasEndedSince(5, 11, 'k', ['t:a'])).toBe(true)
    expect(holds.hasEndedSince(11, 19, 'k', ['t:a'])).toBe(false)
    expect(holds.hasEndedSince(21, 39, 'k', ['t:a'])).toBe(false)
  })

  test('remembers so many ends of one label; earlier ones count as ended, and none is dropped that lasts', () => {
    const holds = new Holds()
    for (let i = 1; i <= 40; i++) holds.holdLabel('t:a', 10 * i, 10 * i - 5)
    expect(holds.hasEndedSince(75, 76, 'k', ['t:a'])).toBe(true)
    expect(holds.hasEndedSince(91, 99, 'k', ['t:a'])).toBe(false)
    const lasting = new Holds()
    for (let i = 1; i <= 40; i++) lasting.holdLabel('t:a', 1_000 + 10 * i, 0)
    expect(lasting.hasEndedSince(500, 1_009, 'k', ['t:a'])).toBe(false)
    expect(lasting.hasEndedSince(500, 1_100, 'k', ['t:a'])).toBe(true)
    expect(lasting.endAfter(0, 'k', ['t:a'])).toBe(1_400)
  })

  test('extends a hold and never shortens one', () => {
    const holds = new Holds()
    holds.holdKey('k', 50, 0)
    holds.holdKey('k', 20, 10)
    expect(holds.endAfter(0, 'k', [])).toBe(50)
    holds.holdKey('k', 70, 10)
    expect(holds.endAfter(0, 'k', [])).toBe(70)
  })

  test('holds a key no longer once a value was set under it', () => {
    const holds = new Holds()
    holds.holdKey('k', 50, 0)
    holds.releaseKey('k')
    expect(holds.endAfter(0, 'k', [])).toBeUndefined()
  })

  test('forgets what has ended when it is full: loads that began before that end count as held', () => {
    const holds = new Holds()
    for (let i = 0; i < FULL; i++) holds.holdKey(`k${i}`, i < 5 ? 40 : 100, 0)
    holds.holdLabel('t:a', 120, 60)
    expect(holds.size).toBe(FULL - 4)
    expect(holds.endAfter(39, 'never held', [])).toBe(40)
    expect(holds.endAfter(40, 'never held', [])).toBeUndefined()
    expect(holds.endAfter(60, 'k9', [])).toBe(100)
  })

  test('counts everything as held when it is full of holds that last, until the last of them ends', () => {
    const holds = new Holds()
    for (let i = 0; i < FULL; i++) holds.holdKey(`k${i}`, 100 + i, 0)
    holds.holdLabel('t:a', 50, 0)
    expect(holds.size).toBe(1)
    expect(holds.endAfter(0, 'never held', [])).toBe(100 + FULL - 1)
    expect(holds.endAfter(100 + FULL - 1, 'never held', [])).toBeUndefined()
  })
})
