// The time by which entries age while a test replaces `Date` in one of the usual ways.
import { mock } from 'node:test'
import { afterEach, expect, test, vi } from 'vitest'
import { AgingClock } from '../../../src/model/time/aging-clock.js'

const RealDate = Date

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  mock.timers.reset()
  globalThis.Date = RealDate
})

/** By how much `clock` moves while `work` runs. */
function passedDuring(clock: AgingClock, work: () => void): number {
  const beforeMs = clock.nowMs()
  work()
  return clock.nowMs() - beforeMs
}

test('under fake timers the time moves exactly as far as they are advanced', () => {
  vi.useFakeTimers()
  const clock = new AgingClock()
  expect(passedDuring(clock, () => {})).toBe(0)
  expect(passedDuring(clock, () => vi.advanceTimersByTime(600))).toBe(600)
})

test('a clock that was read before the timers were faked follows them', () => {
  const clock = new AgingClock()
  clock.nowMs()
  vi.useFakeTimers()
  clock.nowMs()
  expect(passedDuring(clock, () => vi.advanceTimersByTime(600))).toBe(600)
})

test('an advance before the next read of the clock counts', () => {
  const clock = new AgingClock()
  const passedMs = passedDuring(clock, () => {
    vi.useFakeTimers()
    vi.advanceTimersByTime(60_000)
  })
  expect(passedMs).toBeGreaterThanOrEqual(60_000)
})

test('timers that begin at 0, as in node:test, do not age entries by themselves', () => {
  const clock = new AgingClock()
  clock.nowMs()
  mock.timers.enable()
  clock.nowMs()
  expect(passedDuring(clock, () => mock.timers.tick(600))).toBe(600)
})

test('an advance from 0 before the next read of the clock counts', () => {
  const clock = new AgingClock()
  const passedMs = passedDuring(clock, () => {
    mock.timers.enable()
    mock.timers.tick(60_000)
  })
  expect(passedMs).toBeGreaterThanOrEqual(60_000)
})

test('a date that is set forward ages entries, and one that is set back does not make them younger', () => {
  const clock = new AgingClock()
  vi.useFakeTimers()
  clock.nowMs()
  expect(passedDuring(clock, () => vi.setSystemTime(Date.now() + 5_000))).toBe(5_000)
  expect(passedDuring(clock, () => vi.setSystemTime(0))).toBe(0)
  expect(passedDuring(clock, () => vi.advanceTimersByTime(100))).toBe(100)
})

test('Date alone can be faked', () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const clock = new AgingClock()
  expect(passedDuring(clock, () => vi.setSystemTime(Date.now() + 5_000))).toBe(5_000)
})

test('a mocked Date.now counts as a date', () => {
  const clock = new AgingClock()
  const startMs = Date.now()
  const now = vi.spyOn(Date, 'now').mockReturnValue(startMs)
  clock.nowMs()
  expect(passedDuring(clock, () => now.mockReturnValue(startMs + 5_000))).toBe(5_000)
})

test('a mock that returns no number stops the time and breaks nothing', () => {
  const clock = new AgingClock()
  vi.spyOn(Date, 'now').mockReturnValue(Number.NaN)
  const atMs = clock.nowMs()
  expect(atMs).toBeGreaterThan(0)
  expect(clock.nowMs()).toBe(atMs)
})

test('after the real timers are back the time goes on from where it was', () => {
  const clock = new AgingClock()
  vi.useFakeTimers()
  clock.nowMs()
  vi.advanceTimersByTime(3_600_000)
  const fakedMs = clock.nowMs()
  vi.useRealTimers()
  const restoredMs = clock.nowMs()
  expect(restoredMs).toBeGreaterThanOrEqual(fakedMs)
  // The test does not wait for an hour: a clock that took the later of two times would stand still that long.
  while (clock.nowMs() === restoredMs);
  expect(clock.nowMs()).toBeGreaterThan(restoredMs)
})

test('timers that are faked again go on from where the last ones were', () => {
  const clock = new AgingClock()
  vi.useFakeTimers()
  clock.nowMs()
  vi.advanceTimersByTime(600)
  const firstMs = clock.nowMs()
  vi.useRealTimers()
  vi.useFakeTimers()
  const secondMs = clock.nowMs()
  expect(secondMs).toBeGreaterThanOrEqual(firstMs)
  expect(passedDuring(clock, () => vi.advanceTimersByTime(600))).toBe(600)
})

test('performance alone, when faked, changes nothing', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const clock = new AgingClock()
  const startMs = clock.nowMs()
  while (clock.nowMs() === startMs);
  expect(clock.isReal).toBe(true)
})

test('a timer runs by real time while the timers are faked', async () => {
  vi.useFakeTimers()
  const run = vi.fn()
  await new Promise<void>((resolve) => {
    new AgingClock().after(1, () => {
      run()
      resolve()
    })
  })
  expect(run).toHaveBeenCalledOnce()
})
