// How much longer one caller waits for L2.
import type { AtMs } from '../../model/entry.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

/**
 * The time that L2 may cost one read in total (G6). A read sends up to three requests in turn: for the entry, for its tokens and for a
 * lease. A slow L2 must not cost the timeout three times.
 */
export class TimeBudget {
  #untilMs: AtMs

  constructor(
    private readonly clock: Clock,
    private readonly limitMs: Milliseconds,
    sinceMs: AtMs = clock.nowMs(),
    /** Extra time until the first `renew`, for a read that waits for the first connection. */
    moreMs: Milliseconds = 0,
  ) {
    this.#untilMs = sinceMs + limitMs + moreMs
  }

  get leftMs(): Milliseconds {
    return this.#untilMs - this.clock.nowMs()
  }

  /** Starts again in full: until now the caller waited for something other than L2. */
  renew(): void {
    this.#untilMs = this.clock.nowMs() + this.limitMs
  }

  /** Whether `event` resolves before the budget is spent. */
  async lasts(event: Promise<void>): Promise<boolean> {
    return (await this.await(event.then(() => true))) === true
  }

  /** The reply to `request`, or `undefined` once the budget is spent. The request itself goes on. */
  await<T>(request: Promise<T>): Promise<T | undefined> {
    const { leftMs } = this
    if (leftMs <= 0) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(leftMs, () => resolve(undefined))
      const settle = (settled: () => void) => {
        cancel()
        settled()
      }
      request.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      )
    })
  }
}
