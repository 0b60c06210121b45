// The real clock. Everything else takes a `Clock`, so that tests can move the time.
import { performance } from 'node:perf_hooks'
import type { Clock, Milliseconds } from '../ports.js'
import { clearTimeout, setInterval, setTimeout } from './real-timers.js'

/** Node turns a longer delay into 1 ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** The functions from which a clock is made. */
export interface Timekeeping {
  readonly nowMs: () => number
  readonly setTimeout: (run: () => void, delayMs: Milliseconds) => NodeJS.Timeout
  readonly clearTimeout: (timer: NodeJS.Timeout) => void
}

/** Makes a clock whose timers never fire early and never keep the process alive; only `keepAlive` does. */
export function clockOf({ nowMs, setTimeout, clearTimeout }: Timekeeping): Required<Clock> {
  /** One timer keeps the process alive for all callers. It is made once, since callers come and go all the time. */
  let keepAliveTimer: NodeJS.Timeout | undefined
  let callers = 0
  return Object.freeze({
    nowMs,
    after: (delayMs: Milliseconds, run: () => void) => {
      const dueAtMs = nowMs() + delayMs
      let timer = arm(delayMs)

      // libuv counts in whole milliseconds and may fire a fraction early, and a delay may exceed the longest timeout: wait for the rest.
      function onTimeout(): void {
        const leftMs = dueAtMs - nowMs()
        if (leftMs > 0) timer = arm(leftMs)
        else run()
      }
      function arm(leftMs: Milliseconds): NodeJS.Timeout {
        return setTimeout(onTimeout, Math.min(Math.ceil(leftMs), LONGEST_TIMEOUT_MS)).unref()
      }
      return () => clearTimeout(timer)
    },
    keepAlive: () => {
      keepAliveTimer ??= setInterval(() => undefined, LONGEST_TIMEOUT_MS)
      if (callers++ === 0) keepAliveTimer.ref()
      return () => {
        if (--callers === 0) keepAliveTimer?.unref()
      }
    },
  })
}

/** The monotonic time of this process, even if a test replaces the globals. */
export const systemClock: Required<Clock> = clockOf({
  nowMs: performance.now.bind(performance),
  setTimeout,
  clearTimeout,
})
