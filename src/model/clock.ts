// The real clock. Everything else takes a `Clock`, so that tests can move time by hand.
import type { Clock, Milliseconds } from './ports.js'

/** Node clamps a longer delay to 1 ms, silently for a caller of ours. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** Monotonic time of this process. Its timers never fire early and never keep the process alive; only `keepAlive` does. */
export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  after: (delayMs: Milliseconds, run: () => void) => {
    const dueAtMs = performance.now() + delayMs
    let timer = arm(delayMs)

    // libuv counts in whole milliseconds and may fire a fraction early: what is left is waited for, as is what exceeds the longest timeout.
    function onTimeout(): void {
      const leftMs = dueAtMs - performance.now()
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

/** One handle for whoever keeps the process alive, made once: callers come and go all the time. */
let hold: NodeJS.Timeout | undefined
let holders = 0
