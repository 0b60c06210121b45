import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Clock } from '../../../src/model/ports.js'
import { clockOf, systemClock } from '../../../src/model/time/clock.js'

let clock: Clock

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  clock = clockOf({ nowMs: () => performance.now(), setTimeout, clearTimeout })
})
afterEach(() => {
  vi.useRealTimers()
})

test('a timer runs once when its delay has passed, and not a millisecond earlier', () => {
  const run = vi.fn()
  clock.after(100, run)
  vi.advanceTimersByTime(99)
  expect(run).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  vi.advanceTimersByTime(1_000)
  expect(run).toHaveBeenCalledOnce()
})

test('a delay longer than setTimeout can count is waited for in full', () => {
  const fortyDaysMs = 40 * 24 * 60 * 60 * 1000
  const run = vi.fn()
  clock.after(fortyDaysMs, run)
  vi.advanceTimersByTime(fortyDaysMs - 1)
  expect(run).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(run).toHaveBeenCalledOnce()
})

test('a cancelled timer never runs, also if it is cancelled between two parts of a long delay', () => {
  const run = vi.fn()
  const cancelShort = clock.after(10, run)
  const cancelLong = clock.after(2 ** 32, run)
  cancelShort()
  vi.advanceTimersByTime(2 ** 31 + 5)
  cancelLong()
  vi.advanceTimersByTime(2 ** 32)
  expect(run).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

test('an infinite delay never ends', () => {
  const run = vi.fn()
  const cancel = clock.after(Number.POSITIVE_INFINITY, run)
  vi.advanceTimersByTime(2 ** 33)
  expect(run).not.toHaveBeenCalled()
  cancel()
  expect(vi.getTimerCount()).toBe(0)
})

test('a pending timer does not keep the process alive, and keepAlive() does', () => {
  const before = process.getActiveResourcesInfo()
  const cancel = systemClock.after(60_000, () => {})
  expect(process.getActiveResourcesInfo()).toEqual(before)
  const letGo = systemClock.keepAlive()
  expect(process.getActiveResourcesInfo()).toEqual([...before, 'Timeout'])
  letGo()
  cancel()
  expect(process.getActiveResourcesInfo()).toEqual(before)
})
