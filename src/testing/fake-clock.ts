// A clock that a test moves. Every duration of the SDK is measured on a `Clock`, so no test has to sleep.
import type { Clock, Milliseconds } from '../model/ports.js'
import { settle } from './settle.js'

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

/** If more timers than this are due at one moment, a timer re-arms itself without delay. */
const MOST_TIMERS_AT_ONCE = 100_000

/**
 * A clock that is moved by hand. A timer of `ms` milliseconds runs exactly when `ms` have been advanced, not at `ms - 1`. Timers of the
 * same moment run in the order in which they were set.
 */
export class FakeClock implements Clock {
  /** By time, then by order of creation. */
  private readonly timers: Timer[] = []
  private currentMs: number
  private ranAtThisInstant = 0

  /** Starts at a time other than 0, so that a forgotten time is not mistaken for one. */
  constructor(startMs = 1_000_000) {
    this.currentMs = startMs
  }

  nowMs(): number {
    return this.currentMs
  }

  after(delayMs: Milliseconds, run: () => void): () => void {
    const timer: Timer = { atMs: this.currentMs + (delayMs > 0 ? delayMs : 0), run }
    this.timers.splice(this.timers.findLastIndex((other) => other.atMs <= timer.atMs) + 1, 0, timer)
    return () => {
      const index = this.timers.indexOf(timer)
      if (index >= 0) this.timers.splice(index, 1)
    }
  }

  /** How many timers were set and have neither run nor been cancelled. It is 0 after `close()`, unless something was left behind. */
  get pendingTimers(): number {
    return this.timers.length
  }

  /**
   * Moves time forward by `ms`. Before it moves, before each timer that is due, and at the end, everything that is ready to run
   * does so (see `settle`). So a timer that a promise chain sets on the way runs at its own time. `advance(0)` runs what is due now.
   */
  async advance(ms: Milliseconds): Promise<void> {
    const targetMs = this.targetOf(ms)
    await settle()
    while (this.runNext(targetMs)) await settle()
    this.currentMs = Math.max(this.currentMs, targetMs)
    await settle()
  }

  /** Moves time forward by `ms` and runs due timers within this call. Promise chains do not continue in between. */
  advanceSync(ms: Milliseconds): void {
    const targetMs = this.targetOf(ms)
    while (this.runNext(targetMs));
    this.currentMs = Math.max(this.currentMs, targetMs)
  }

  /** The time until the next timer; `undefined` without one. */
  msToNextTimer(): Milliseconds | undefined {
    const next = this.timers[0]
    return next && Math.max(0, next.atMs - this.currentMs)
  }

  private targetOf(ms: Milliseconds): number {
    if (!(ms >= 0)) throw new RangeError(`a clock is advanced by 0 or more milliseconds; got ${ms}`)
    return this.currentMs + ms
  }

  private runNext(untilMs: number): boolean {
    const next = this.timers[0]
    if (next === undefined || next.atMs > untilMs) return false
    this.timers.shift()
    this.ranAtThisInstant = next.atMs > this.currentMs ? 0 : this.ranAtThisInstant + 1
    if (this.ranAtThisInstant > MOST_TIMERS_AT_ONCE) throw endless()
    this.currentMs = Math.max(this.currentMs, next.atMs)
    next.run()
    return true
  }
}

function endless(): Error {
  return new Error(
    `${MOST_TIMERS_AT_ONCE} timers ran at one instant; one of them probably re-arms itself without delay`,
  )
}
