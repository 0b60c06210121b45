// How long one caller still waits for L2.
import type { AtMs } from '../../model/entry.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

/**
 * What L2 may cost one read in all (G6): a read of an entry, its tokens and a lease are up to three questions one after the other, and a
 * slow L2 must not cost its timeout three times.
 */
export class TimeBudget {
  #untilMs: AtMs

  constructor(
    private readonly clock: Clock,
    private readonly limitMs: Milliseconds,
    /** Until it is renewed the first time: while the first connection is awaited. */
    moreMs: Milliseconds = 0,
  ) {
    this.#untilMs = clock.nowMs() + limitMs + moreMs
  }

  get leftMs(): Milliseconds {
    return this.#untilMs - this.clock.nowMs()
  }

  /** Begins anew: until now the caller waited for something else than L2. */
  renew(): void {
    this.#untilMs = this.clock.nowMs() + this.limitMs
  }

  /** Whether `event` comes before the budget is spent. */
  async lasts(event: Promise<void>): Promise<boolean> {
    return (await this.await(event.then(() => true))) === true
  }

  /** `answer`, or `undefined` once the budget is spent. The question goes on without this caller. */
  await<T>(answer: Promise<T>): Promise<T | undefined> {
    const { leftMs } = this
    if (leftMs <= 0) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(leftMs, () => resolve(undefined))
      const settle = (settled: () => void) => {
        cancel()
        settled()
      }
      answer.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      )
    })
  }
}
