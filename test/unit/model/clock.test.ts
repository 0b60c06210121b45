import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/model/clock.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('a timer runs once when its delay has passed, and not a millisecond earlier', () => {
  const run = vi.fn()
  systemClock.after(100, run)
  vi.advanceTimersByTime(99)
  expect(run).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  vi.advanceTimersByTime(1_000)
  expect(run).toHaveBeenCalledOnce()
})

test('a delay longer than setTimeout can count is waited for in full', () => {
  const fortyDaysMs = 40 * 24 * 60 * 60 * 1000
  const run = vi.fn()
  systemClock.after(fortyDaysMs, run)
  vi.advanceTimersByTime(fortyDaysMs - 1)
  expect(run).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(run).toHaveBeenCalledOnce()
})

test('a cancelled timer never runs, also when it was cancelled between two laps of a long delay', () => {
  const run = vi.fn()
  const cancelShort = systemClock.after(10, run)
  const cancelLong = systemClock.after(2 ** 32, run)
  cancelShort()
  vi.advanceTimersByTime(2 ** 31 + 5)
  cancelLong()
  vi.advanceTimersByTime(2 ** 32)
  expect(run).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

test('an infinite delay never ends', () => {
  const run = vi.fn()
  const cancel = systemClock.after(Number.POSITIVE_INFINITY, run)
  vi.advanceTimersByTime(2 ** 33)
  expect(run).not.toHaveBeenCalled()
  cancel()
  expect(vi.getTimerCount()).toBe(0)
})

test('the time never goes back when the wall clock is set', () => {
  const before = systemClock.nowMs()
  vi.setSystemTime(0)
  expect(systemClock.nowMs()).toBeGreaterThanOrEqual(before)
})

test('a pending timer does not keep the process alive', () => {
  vi.useRealTimers()
  const script = `
    import { systemClock } from ${JSON.stringify(new URL('../../../src/model/clock.ts', import.meta.url).href)}
    systemClock.after(60_000, () => {})
  `
  const child = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    timeout: 20_000,
  })
  expect(child.stderr.toString()).toBe('')
  expect(child.status).toBe(0)
})
