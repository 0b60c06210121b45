// Who awaits the cache, and that the process does not end before they are answered.
import type { Clock, Milliseconds } from '../../model/ports.js'

/**
 * The clock of whatever ends a caller's waiting: deadlines of L2, time limits of callers, the pause before another process's lease is
 * looked at again.
 *
 * No timer of the SDK keeps the process alive by itself (G10). But where nothing else is open, Node would end a process in which
 * somebody awaits an answer that is a matter of time only (exit code 13). So the process is kept while a caller waits *and* a timer of
 * this clock is pending. Who waits for a loader that hangs, without a limit, has no such timer: that is between the two.
 */
export class WaitingCallers implements Clock {
  readonly #clock: Clock
  #waiting = 0
  #timers = 0
  #letGo: (() => void) | undefined

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

  /** A caller begins to wait; `left` must follow. */
  came(): void {
    this.#waiting++
    this.#changed()
  }

  left(): void {
    this.#waiting--
    this.#changed()
  }

  /** A caller waits for `answer`. */
  await<T>(answer: Promise<T>): Promise<T> {
    this.came()
    const left = (): void => this.left()
    answer.then(left, left)
    return answer
  }

  #changed(): void {
    if (this.#waiting > 0 && this.#timers > 0) {
      this.#letGo ??= this.#clock.keepAlive?.()
    } else if (this.#letGo !== undefined) {
      this.#letGo()
      this.#letGo = undefined
    }
  }
}
