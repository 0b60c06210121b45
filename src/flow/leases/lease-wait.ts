// How long one load waits for the loads of other processes, and how often it checks the lease.
import type { AtMs } from '../../model/entry.js'
import type { Milliseconds } from '../../model/ports.js'

const FIRST_POLL_MS = 2
const LONGEST_POLL_MS = 10
const POLL_GROWTH = 1.5
/** The longest wait if `hardTimeout` is unlimited. */
const LONGEST_WAIT_MS: Milliseconds = 60_000

/**
 * A renewed lease means that its holder still loads, or that a stranger makes it look so: the two cannot be distinguished. So a load
 * waits for half of its `hardTimeout` at most, and has the other half for its own loader.
 *
 * Once per life of a lease it asks with a claim instead of a read. A claim checks how much longer the lease lives, and replaces one
 * whose life no cache can have given it.
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

  /** The pause before the next check. It grows from check to check. */
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
