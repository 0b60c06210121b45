// The circuit breaker of L2: decides whether it may be asked, and when it may be tried again.
import type { AtMs } from '../model/entry.js'
import type { BreakerPolicy } from '../model/options/tier-policy.js'
import type { Clock, Milliseconds } from '../model/ports.js'
import { backoffMs } from '../model/time/freshness.js'

/** closed: L2 is used. open: it is not, at no cost. half-open: one trial runs in the background; callers still go without. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** What the breaker asks of its owner. */
export interface BreakerOwner {
  /** The one trial of the half-open state. `true` closes the breaker. Never rejects. */
  tryAgain(): Promise<boolean>
  opened(reason: Error): void
  closed(): void
}

/**
 * Closed until `failures` in a row, then open; after a pause one trial decides. Nobody waits for the trial: it is the owner's own
 * operation, in the background.
 *
 * The pauses double while trials fail, and go on doubling when it opens again soon after it closed: a store that passes trials and
 * fails at work is not tried every second for ever.
 */
export class Breaker {
  #state: BreakerState = 'closed'
  #failuresInARow = 0
  #opensInARow = 0
  #closedAtMs: AtMs = Number.NEGATIVE_INFINITY
  /** Counts trials: the answer of one that was given up on says nothing. */
  #trial = 0
  #isNewsDuringTrial = false
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
    if (tookMs > this.policy.slowAfterMs) this.failed(new Error(`answered after ${Math.round(tookMs)} ms`))
    else this.#failuresInARow = 0
  }

  failed(reason: Error): void {
    if (this.#state !== 'closed') return
    this.#failuresInARow++
    if (this.#failuresInARow >= this.policy.failures) this.open(reason)
  }

  /** Opens at once, whatever was counted, and plans the next trial. */
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

  /** Runs the trial now: the pause is over, or the store says that it is back. */
  async tryNow(): Promise<void> {
    if (this.#state === 'half-open') this.#isNewsDuringTrial = true
    if (this.#state !== 'open' || this.#ended) return
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#state = 'half-open'
    this.#isNewsDuringTrial = false
    const trial = ++this.#trial
    const works = await this.owner.tryAgain()
    if (trial !== this.#trial || this.#ended) return
    if (works) return this.#close()
    this.open(new Error('the trial failed'))
    // The store came back while the trial asked the one before.
    if (this.#isNewsDuringTrial) await this.tryNow()
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
