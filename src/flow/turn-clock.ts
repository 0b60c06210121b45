// A clock sampled at most once per turn of the event loop: reading the real one costs more than the rest of a hit.
import type { Clock } from '../model/ports.js'

/** A turn that reads without end must still see time pass. */
const MAX_READS_PER_SAMPLE = 256

/**
 * Whole milliseconds, never ahead of `clock`, and behind it by at most the length of the present turn or 256 reads.
 * It has no standing timer: the immediate that ends a sample exists only in turns that read.
 */
export class TurnClock {
  #nowMs = 0
  #readsLeft = 0
  readonly #endSample = () => {
    this.#readsLeft = 0
  }

  constructor(private readonly clock: Clock) {}

  nowMs(): number {
    if (this.#readsLeft > 0) {
      this.#readsLeft--
      return this.#nowMs
    }
    return this.#sample()
  }

  #sample(): number {
    if (this.#readsLeft === 0) setImmediate(this.#endSample)
    this.#nowMs = Math.floor(this.clock.nowMs())
    this.#readsLeft = MAX_READS_PER_SAMPLE
    return this.#nowMs
  }
}
