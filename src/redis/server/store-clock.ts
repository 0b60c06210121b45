// An estimate of the store's own clock: the same for every process, whatever its wall clock says.
import type { Clock, Milliseconds } from '../../model/ports.js'
import type { TimeSample } from './server-check.js'

/** A sample from a slower round trip says little and is ignored if the clock is known already. */
const SLOW_ROUND_TRIP_MS: Milliseconds = 250

export class StoreClock {
  /** 0 until the first sample: an entry that is dated by it then looks very old, never fresh. */
  #offsetMs = 0
  #isLearned = false

  constructor(private readonly clock: Clock) {}

  nowMs(): number {
    return this.clock.nowMs() + this.#offsetMs
  }

  /** Takes the middle of the round trip as the moment at which the server read its clock. */
  learn(sample: TimeSample): void {
    const roundTripMs = sample.receivedAtMs - sample.sentAtMs
    if (this.#isLearned && roundTripMs > SLOW_ROUND_TRIP_MS) return
    this.#offsetMs = sample.serverMs - (sample.sentAtMs + roundTripMs / 2)
    this.#isLearned = true
  }
}
