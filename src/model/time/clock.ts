// The real clock. Everything else takes a `Clock`, so that tests can move time by hand.
import { performance } from 'node:perf_hooks'
import type { Clock, Milliseconds } from '../ports.js'
import { clearTimeout, setInterval, setTimeout } from './real-timers.js'

/** Node clamps a longer delay to 1 ms, silently for a caller of ours. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** What a clock is made of. */
export interface Timekeeping {
  readonly nowMs: () => number
  readonly setTimeout: (run: () => void, delayMs: Milliseconds) => NodeJS.Timeout
  readonly clearTimeout: (timer: NodeJS.Timeout) => void
}

/** A clock whose timers never fire early and never keep the process alive; only `keepAlive` does. */
export function clockOf({ nowMs, setTimeout, clearTimeout }: Timekeeping): Required<Clock> {
  /** One handle for whoever keeps the process alive, made once: callers come and go all the time. */
  let hold: NodeJS.Timeout | undefined
  let holders = 0
  return Object.freeze({
    nowMs,
    after: (delayMs: Milliseconds, run: () => void) => {
      const dueAtMs = nowMs() + delayMs
      let timer = arm(delayMs)

      // libuv counts in whole milliseconds and may fire a fraction early: what is left is waited for, as is what exceeds the longest timeout.
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
      hold ??= setInterval(() => undefined, LONGEST_TIMEOUT_MS)
      if (holders++ === 0) hold.ref()
      return () => {
        if (--holders === 0) hold?.unref()
      }
    },
  })
}

/** Monotonic time of this process, whatever a test puts in place of the globals. */
export const systemClock: Required<Clock> = clockOf({
  nowMs: performance.now.bind(performance),
  setTimeout,
  clearTimeout,
})
