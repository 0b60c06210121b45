// Commands of one tick leave in one write per socket: system calls cost more than the commands themselves.
import { nextTick } from '../../model/time/real-timers.js'
import { atEndOfTick } from '../../model/time/tick.js'
import type { ClientStream } from '../client/client.js'

/** Corks each socket at its first command of a tick and uncorks all when the tick's microtasks have settled. */
export class HeldWrites {
  readonly #held: ClientStream[] = []

  /** Call before a command is written to `stream`. */
  hold(stream: ClientStream | undefined): void {
    if (stream === undefined || this.#held.includes(stream)) return
    stream.cork()
    // A tick later than what batches hand over at the end of this one, and still before anything else.
    if (this.#held.push(stream) === 1) atEndOfTick(this.#releaseNext)
  }

  readonly #releaseNext = (): void => nextTick(this.#release)

  readonly #release = (): void => {
    for (const stream of this.#held.splice(0)) stream.uncork()
  }
}
