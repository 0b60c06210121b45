// The wait for L2's first connection: operations wait until it is made, fails, or takes too long.
import type { Clock, Milliseconds } from '../model/ports.js'

export class FirstConnection {
  #pending: Promise<void> | undefined
  #resolve: (() => void) | undefined
  readonly #cancel: () => void

  /** Calls `onLimit` after `limitMs`, unless `end` was called before. */
  constructor(limitMs: Milliseconds, clock: Clock, onLimit: () => void) {
    this.#pending = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#cancel = afterWorkingTime(limitMs, clock, () => {
      this.end()
      onLimit()
    })
  }

  /** Settles when the wait is over; `undefined` from then on. Never rejects. */
  get pending(): Promise<void> | undefined {
    return this.#pending
  }

  /** The connection is made, or cannot be made now. */
  end(): void {
    this.#cancel()
    this.#pending = undefined
    this.#resolve?.()
  }
}

/** In how many steps a limit is counted down. */
const STEPS = 20

/**
 * Calls `run` after `limitMs` in which this process could work. At its start, loading modules or a busy machine can hold a process up
 * for seconds. Nothing connects meanwhile, so such a gap counts as one step, however long it is.
 */
function afterWorkingTime(limitMs: Milliseconds, clock: Clock, run: () => void): () => void {
  let steps = 0
  let cancel: () => void
  const next = (): void => {
    if (steps++ === STEPS) run()
    else cancel = clock.after(limitMs / STEPS, next)
  }
  next()
  return () => cancel()
}
