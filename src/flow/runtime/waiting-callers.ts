// Counts the callers that wait for the cache, and keeps the process alive for them.
import type { Clock, Milliseconds } from '../../model/ports.js'

/**
 * The clock for timers that end a caller's wait: deadlines of L2, time limits of callers, the pause before another process's lease is
 * checked again.
 *
 * No timer of the SDK keeps the process alive by itself (G10). But if nothing else is open, Node exits (code 13) although a caller
 * awaits something that a timer will settle. So the process is kept alive while a caller waits *and* a timer of this clock is pending.
 * A caller that waits without a limit for a loader that hangs has no such timer: then the loader has to keep the process alive.
 */
export class WaitingCallers implements Clock {
  readonly #clock: Clock
  #waiting = 0
  #timers = 0
  #endKeepAlive: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  after(delayMs: Milliseconds, run: () => void): () => void {
    let isPending = true
    const end = (): void => {
      if (!isPending) return
      isPending = false
      this.#timers--
      this.#changed()
    }
    const cancel = this.#clock.after(delayMs, () => {
      end()
      run()
    })
    this.#timers++
    this.#changed()
    return () => {
      end()
      cancel()
    }
  }

  /** A caller begins to wait; `endWait` must follow. */
  beginWait(): void {
    this.#waiting++
    this.#changed()
  }

  endWait(): void {
    this.#waiting--
    this.#changed()
  }

  /** A caller waits for `result`. */
  await<T>(result: Promise<T>): Promise<T> {
    this.beginWait()
    const end = (): void => this.endWait()
    result.then(end, end)
    return result
  }

  #changed(): void {
    if (this.#waiting > 0 && this.#timers > 0) {
      this.#endKeepAlive ??= this.#clock.keepAlive?.()
    } else if (this.#endKeepAlive !== undefined) {
      this.#endKeepAlive()
      this.#endKeepAlive = undefined
    }
  }
}
