// The circuit breaker of L2: decides whether L2 may be used, and when it is tried again.
import type { AtMs } from '../model/entry.js'
import type { BreakerPolicy } from '../model/options/tier-policy.js'
import type { Clock, Milliseconds } from '../model/ports.js'
import { backoffMs } from '../model/time/freshness.js'

/** closed: L2 is used. open: it is not, which costs callers nothing. half-open: one trial runs in the background; callers still go without L2. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** A policy that never opens because of failures or slow replies. */
export const NO_BREAKER: BreakerPolicy = {
  failures: Number.POSITIVE_INFINITY,
  slowAfterMs: Number.POSITIVE_INFINITY,
  openForMs: 100,
  maxOpenForMs: 1_000,
}

/** What the breaker needs from its owner. */
export interface BreakerOwner {
  /** The one trial of the half-open state: `true` closes the breaker. Never rejects. */
  tryAgain(): Promise<boolean>
  opened(reason: Error): void
  closed(): void
}

/**
 * Closed until `failures` in a row, then open. After a pause one trial decides. It is an operation of the owner, runs in the background,
 * and no caller waits for it.
 *
 * The pauses double while trials fail. They go on doubling if the breaker opens again soon after it closed, so a store that passes
 * trials and then fails is not tried every second for ever.
 */
export class Breaker {
  #state: BreakerState = 'closed'
  #failuresInARow = 0
  #opensInARow = 0
  #closedAtMs: AtMs = Number.NEGATIVE_INFINITY
  /** Counts trials: the result of a trial that was given up is ignored. */
  #trial = 0
  #isRequestedAgain = false
  #cancelPause: (() => void) | undefined
  #ended = false

  constructor(
    private readonly policy: BreakerPolicy,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly owner: BreakerOwner,
  ) {}

  get state(): BreakerState {
    return this.#state
  }

  succeeded(tookMs: Milliseconds): void {
    if (tookMs > this.policy.slowAfterMs) this.failed(new Error(`a reply took ${Math.round(tookMs)} ms`))
    else this.#failuresInARow = 0
  }

  failed(reason: Error): void {
    if (this.#state !== 'closed') return
    this.#failuresInARow++
    if (this.#failuresInARow >= this.policy.failures) this.open(reason)
  }

  /** Opens at once, whatever the count of failures, and schedules the next trial. */
  open(reason: Error): void {
    const wasClosed = this.#state === 'closed'
    this.#state = 'open'
    this.#trial++
    this.#cancelPause?.()
    if (this.#ended) return
    if (wasClosed && this.clock.nowMs() - this.#closedAtMs > this.policy.maxOpenForMs) this.#opensInARow = 0
    this.#opensInARow++
    const pauseMs = backoffMs(this.#opensInARow, this.policy.openForMs, this.policy.maxOpenForMs, this.random)
    this.#cancelPause = this.clock.after(pauseMs, () => void this.tryNow())
    if (wasClosed) this.owner.opened(reason)
  }

  /** Runs the trial now: the pause is over, or the store reports that it is back. */
  async tryNow(): Promise<void> {
    if (this.#state === 'half-open') this.#isRequestedAgain = true
    if (this.#state !== 'open' || this.#ended) return
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#state = 'half-open'
    this.#isRequestedAgain = false
    const trial = ++this.#trial
    const works = await this.owner.tryAgain()
    if (trial !== this.#trial || this.#ended) return
    if (works) return this.#close()
    this.open(new Error('the trial failed'))
    // The store reported that it is back while the trial ran, so the trial may have failed at the old connection.
    if (this.#isRequestedAgain) await this.tryNow()
  }

  #close(): void {
    this.#state = 'closed'
    this.#failuresInARow = 0
    this.#closedAtMs = this.clock.nowMs()
    this.owner.closed()
  }

  /** No more trials; for `close()`. */
  end(): void {
    this.#ended = true
    this.#cancelPause?.()
  }
}
