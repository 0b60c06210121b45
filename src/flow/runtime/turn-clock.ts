// A clock sampled at most once per turn of the event loop: reading the real one costs more than the rest of a hit.
import type { AgingClock } from '../../model/time/aging-clock.js'
import { setImmediate } from '../../model/time/real-timers.js'

/** A long turn with many reads must still see time pass. */
const MAX_READS_PER_SAMPLE = 256

/**
 * Whole milliseconds, never ahead of `clock`, and behind it by at most the length of the current turn or 256 reads.
 * It has no permanent timer: the immediate that ends a sample exists only in turns that read the clock.
 *
 * The fake time of a test may move within a turn. So `clock` is read every time, from the first read that finds `Date` replaced
 * (bench/micro/turn-clock.ts).
 */
export class TurnClock {
  #nowMs = 0
  #readsLeft = 0
  #dateNow = Date.now
  readonly #endSample = () => {
    this.#readsLeft = 0
  }

  constructor(private readonly clock: Pick<AgingClock, 'nowMs' | 'isReal'>) {}

  nowMs(): number {
    if (this.#readsLeft > 0 && Date.now === this.#dateNow) {
      this.#readsLeft--
      return this.#nowMs
    }
    return this.#sample()
  }

  #sample(): number {
    this.#dateNow = Date.now
    this.#nowMs = Math.floor(this.clock.nowMs())
    if (!this.clock.isReal) {
      this.#readsLeft = 0
      return this.#nowMs
    }
    if (this.#readsLeft === 0) setImmediate(this.#endSample)
    this.#readsLeft = MAX_READS_PER_SAMPLE
    return this.#nowMs
  }
}
