// Notices a link that brings no reply while commands wait: to its client a half-open link looks good for minutes.
import type { Clock, Milliseconds } from '../../model/ports.js'
import { setImmediate } from '../../model/time/real-timers.js'

/** The link that is watched. */
export interface WatchedLink {
  /** How many commands wait for a reply. */
  waiting(): number
  /** Grows with every byte that arrives, because a large reply may take long. `undefined` if the client does not expose it. */
  bytesRead(): number | undefined
  fellSilent(limitMs: Milliseconds): void
}

/** It needs one timer, and only while commands wait. */
export class Silence {
  #replies = 0
  #cancel: (() => void) | undefined

  constructor(
    private readonly clock: Clock,
    private readonly limitMs: Milliseconds,
    private readonly link: WatchedLink,
  ) {}

  /** A command was sent. */
  sent(): void {
    if (this.#cancel === undefined) this.#watch()
  }

  /** A reply came. */
  replied(): void {
    this.#replies++
  }

  /** The link dropped, or is not watched any more. */
  end(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #watch(): void {
    const replies = this.#replies
    const bytes = this.link.bytesRead()
    let isOver = false
    const judge = (): void => {
      if (isOver) return
      this.#cancel = undefined
      if (this.link.waiting() === 0) return
      if (this.#replies === replies && this.link.bytesRead() === bytes) this.link.fellSilent(this.limitMs)
      else this.#watch()
    }
    // A process that was paused runs its timers first: replies that are already in the socket must be read before silence is assumed.
    const cancel = this.clock.after(this.limitMs, () => setImmediate(() => setImmediate(judge)))
    this.#cancel = () => {
      isOver = true
      cancel()
    }
  }
}
