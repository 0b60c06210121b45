// The time by which entries age: the machine's, or that of a test that has replaced `Date`.

import type { Clock, Milliseconds } from '../ports.js'
import { systemClock } from './clock.js'

/** Sinon and `node:test` start at 0 by default: a date before this is the time that the test has advanced since. */
const BEGAN_AT_ZERO_MS: Milliseconds = 24 * 3_600_000

/**
 * A clock that follows a replaced `Date.now` (fake timers of Jest, Vitest, Sinon and `node:test`, or a mock of `Date.now`), and otherwise the
 * machine's time. It never goes back: a date that is set back ages nothing.
 *
 * Its timers are always real. They watch replies of Redis and time limits of callers, which take real time whatever a test does. With fake
 * timers the cache would wait for them forever, or give them up because the test has moved on by an hour.
 */
export class AgingClock implements Clock {
  #dateNow: (() => number) | undefined
  #isReal = true
  /** How far replaced dates have moved this clock ahead of the machine's time. */
  #aheadMs: Milliseconds = 0
  #nativeNow: (() => number) | undefined
  /** While `Date.now` is replaced: this clock's time, and what the replacement returned at that time. */
  #followedMs = 0
  #readingMs = 0

  /** Whether the time passes by itself: `Date.now` is not replaced. */
  get isReal(): boolean {
    return this.#isReal
  }

  nowMs(): number {
    if (Date.now !== this.#dateNow) this.#turnTo(Date.now)
    return this.#isReal ? systemClock.nowMs() + this.#aheadMs : this.#follow(Date.now())
  }

  after(delayMs: Milliseconds, run: () => void): () => void {
    return systemClock.after(delayMs, run)
  }

  keepAlive(): () => void {
    return systemClock.keepAlive()
  }

  #turnTo(dateNow: () => number): void {
    // The last replacement may have been moved before it was removed: read it once more.
    const nowMs = this.#isReal ? systemClock.nowMs() + this.#aheadMs : this.#follow(this.#dateNow?.())
    this.#dateNow = dateNow
    this.#isReal = isNative(dateNow)
    if (this.#isReal) {
      this.#nativeNow = dateNow
      this.#aheadMs = nowMs - systemClock.nowMs()
    } else {
      this.#readingMs = Date.now()
      // Whole milliseconds from here on: sums of fractions would be slightly more or less than what the test advanced.
      this.#followedMs = Math.ceil(nowMs + movedBy(this.#readingMs, this.#nativeNow?.()))
    }
  }

  #follow(readingMs: unknown): number {
    // A mock that was restored may return `undefined`.
    if (typeof readingMs !== 'number' || !Number.isFinite(readingMs)) return this.#followedMs
    if (readingMs > this.#readingMs) this.#followedMs += readingMs - this.#readingMs
    this.#readingMs = readingMs
    return this.#followedMs
  }
}

/** How far a replacement was moved before this clock noticed it. `wallMs` is the machine's own date. */
function movedBy(readingMs: number, wallMs: number | undefined): Milliseconds {
  if (wallMs === undefined || !Number.isFinite(readingMs)) return 0
  // Dates are whole milliseconds, so one is added: a test that advances by a whole ttl must not be a fraction short of it.
  if (readingMs >= wallMs) return readingMs - wallMs + 1
  return readingMs >= 0 && readingMs < BEGAN_AT_ZERO_MS ? readingMs : 0
}

function isNative(run: () => number): boolean {
  return Function.prototype.toString.call(run).includes('[native code]')
}
