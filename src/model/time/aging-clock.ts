// The time by which entries age: that of the machine, or that of a test which replaced `Date`.

import type { Clock, Milliseconds } from '../ports.js'
import { systemClock } from './clock.js'

/** Sinon and `node:test` begin at 0 by default: so little on a wall clock is what was advanced since. */
const BEGAN_AT_ZERO_MS: Milliseconds = 24 * 3_600_000

/**
 * While `Date.now` is replaced (fake timers of Jest, Vitest, Sinon and `node:test`, or a mock of `Date.now`), the time moves exactly as
 * that does; afterwards it goes on with the machine. It never goes back: a date that is set back ages nothing.
 *
 * Its timers are always real. What they watch (a reply of Redis, the time limit of a caller) takes real time whatever a test does to
 * its own, and would otherwise be waited for without end, or be given up because a test moved on by an hour.
 */
export class AgingClock implements Clock {
  #dateNow: (() => number) | undefined
  #isReal = true
  /** What the replaced dates put on top of the machine's time. */
  #aheadMs: Milliseconds = 0
  #nativeNow: (() => number) | undefined
  /** While replaced: this clock's time, and what the replacement said then. */
  #followedMs = 0
  #readingMs = 0

  /** Whether the time passes by itself. */
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
    // What the last replacement was moved by before it went, as far as it still tells.
    const nowMs = this.#isReal ? systemClock.nowMs() + this.#aheadMs : this.#follow(this.#dateNow?.())
    this.#dateNow = dateNow
    this.#isReal = isNative(dateNow)
    if (this.#isReal) {
      this.#nativeNow = dateNow
      this.#aheadMs = nowMs - systemClock.nowMs()
    } else {
      this.#readingMs = Date.now()
      // Whole from here on: sums of fractions would be a little more or less than what was advanced.
      this.#followedMs = Math.ceil(nowMs + movedBy(this.#readingMs, this.#nativeNow?.()))
    }
  }

  #follow(readingMs: unknown): number {
    // A mock that was restored may say nothing any more.
    if (typeof readingMs !== 'number' || !Number.isFinite(readingMs)) return this.#followedMs
    if (readingMs > this.#readingMs) this.#followedMs += readingMs - this.#readingMs
    this.#readingMs = readingMs
    return this.#followedMs
  }
}

/** How far a date was moved between being put in place and being noticed here. `wallMs`: what the machine's own says. */
function movedBy(readingMs: number, wallMs: number | undefined): Milliseconds {
  if (wallMs === undefined || !Number.isFinite(readingMs)) return 0
  // Dates are whole milliseconds: what was advanced by the whole ttl is never a fraction short of it.
  if (readingMs >= wallMs) return readingMs - wallMs + 1
  return readingMs >= 0 && readingMs < BEGAN_AT_ZERO_MS ? readingMs : 0
}

function isNative(run: () => number): boolean {
  return Function.prototype.toString.call(run).includes('[native code]')
}
