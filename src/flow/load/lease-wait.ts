// How long one load waits for the loads of other processes, and how often it asks whether it waits for anything.
import type { AtMs } from '../../model/entry.js'
import type { Milliseconds } from '../../model/ports.js'

const FIRST_POLL_MS = 2
const LONGEST_POLL_MS = 10
const POLL_GROWTH = 1.5
/** Where `hardTimeout` has no end. */
const LONGEST_WAIT_MS: Milliseconds = 60_000

/**
 * A lease that is renewed says that its holder still loads, or that a stranger makes it look so: nobody can tell. So whoever waits does
 * so for half of its `hardTimeout`, and has the other half for a load of its own.
 *
 * Each time as long as a lease lives, it asks by a claim instead of a read, which sees what is left of the lease's life: one that no
 * cache gave it is replaced.
 */
export class LeaseWait {
  readonly #untilMs: AtMs
  #claimAtMs: AtMs
  #pollMs = FIRST_POLL_MS

  constructor(
    nowMs: AtMs,
    hardTimeoutMs: Milliseconds,
    private readonly leaseMs: Milliseconds,
  ) {
    this.#untilMs = nowMs + (hardTimeoutMs === Number.POSITIVE_INFINITY ? LONGEST_WAIT_MS : hardTimeoutMs / 2)
    this.#claimAtMs = nowMs + leaseMs
  }

  isOver(nowMs: AtMs): boolean {
    return nowMs >= this.#untilMs
  }

  /** The pause before what stands there is looked at again: longer from time to time. */
  nextPauseMs(): Milliseconds {
    const pauseMs = this.#pollMs
    this.#pollMs = Math.min(LONGEST_POLL_MS, pauseMs * POLL_GROWTH)
    return pauseMs
  }

  /** How to ask now. */
  nextAsk(nowMs: AtMs): 'read' | 'claim' {
    if (nowMs < this.#claimAtMs) return 'read'
    this.#claimAtMs = nowMs + this.leaseMs
    return 'claim'
  }
}
