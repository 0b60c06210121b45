// The idle life of an entry in memory: when it is over, and until when hits need no decision.
import { describe, expect, test } from 'vitest'
import { ageOf, IdleLife } from '../../../src/model/entry.js'
import { ageWithin } from '../../../src/model/options/call-windows.js'
import { entryUntil } from '../../support/entry.js'

const FOREVER = Number.POSITIVE_INFINITY
const idleEntry = (untilMs: number, idle = new IdleLife(1_000, untilMs, 0)) => ({
  idle,
  entry: entryUntil('v', untilMs, { idle }),
})

describe('an entry with an idle life', () => {
  test('is expired once it was not read for that long, whatever is left of its ttl', () => {
    const { entry } = idleEntry(FOREVER)
    expect([ageOf(entry, 999), ageOf(entry, 1_000)]).toEqual(['fresh', 'expired'])
    entry.touch(900)
    expect([ageOf(entry, 1_899), ageOf(entry, 1_900)]).toEqual(['fresh', 'expired'])
  })

  test('is expired for calls with windows of their own, too', () => {
    const { entry } = idleEntry(FOREVER)
    const windows = { ttlMs: 5_000, absentTtlMs: undefined, l1TtlMs: undefined, staleWhileRevalidateMs: undefined }
    const ageAt = (nowMs: number) => ageWithin(entry, { ...windows, staleIfErrorMs: undefined }, nowMs)
    expect([ageAt(999), ageAt(1_000)]).toEqual(['fresh', 'expired'])
  })

  test('takes hits without a decision for a tenth of it after each touch, and no longer', () => {
    const { entry } = idleEntry(FOREVER)
    expect(entry.hotUntilMs).toBe(100)
    entry.touch(100)
    expect(entry.hotUntilMs).toBe(200)
    entry.touch(5_000)
    expect(entry.hotUntilMs).toBe(5_100)
  })

  test('takes no hits without a decision beyond the end of its freshness, nor beyond another limit', () => {
    const { entry } = idleEntry(2_050)
    entry.touch(2_000)
    expect(entry.hotUntilMs).toBe(2_050)
    const limited = idleEntry(FOREVER).entry
    limited.limitHits(50)
    expect(limited.hotUntilMs).toBe(50)
    limited.touch(10)
    expect(limited.hotUntilMs).toBe(50)
  })

  test('that was soft-expired takes no hits after a touch', () => {
    const { entry } = idleEntry(FOREVER)
    entry.expire(10)
    entry.touch(20)
    expect(entry.hotUntilMs).toBeLessThan(20)
  })

  test('is touched by its first read after it was found in L2', () => {
    const { idle } = idleEntry(FOREVER)
    expect(idle.dueAtMs).toBe(100)
    idle.foundAs(Buffer.alloc(32, 7))
    expect([idle.dueAtMs, idle.untilMs]).toEqual([0, 1_000])
    expect(idle.stamp).toBe('\x07'.repeat(16))
  })

  test('is kept in L2 for one idle life, and never beyond its absolute end', () => {
    const { idle } = idleEntry(5_000)
    expect([0, 4_000, 4_001, 4_999, 5_000].map((nowMs) => idle.keepMs(nowMs))).toEqual([1_000, 1_000, 999, 1, 0])
  })

  test('of a few milliseconds is touched at most once per millisecond', () => {
    expect(new IdleLife(3, FOREVER, 0).touchEveryMs).toBe(1)
  })
})

test('an entry without an idle life does not change when it is touched', () => {
  const entry = entryUntil('v', 1_000)
  entry.touch(500)
  expect([entry.hotUntilMs, entry.idle, entry.idleUntilMs]).toEqual([1_000, undefined, undefined])
  expect([ageOf(entry, 999), ageOf(entry, 1_000)]).toEqual(['fresh', 'expired'])
})
