// The commands of one tick leave in one write per socket, because system calls cost more than the commands themselves.
import { nextTick } from '../../model/time/real-timers.js'
import { atEndOfTick } from '../../model/time/tick.js'
import type { ClientStream } from '../client/client.js'

/** Corks each socket at its first command of a tick, and uncorks all sockets when the tick's microtasks have run. */
export class TickWrites {
  readonly #corked: ClientStream[] = []

  /** Call before a command is written to `stream`. */
  cork(stream: ClientStream | undefined): void {
    if (stream === undefined || this.#corked.includes(stream)) return
    stream.cork()
    // One `nextTick` later than the batches, which send at the end of this tick, and still before any I/O.
    if (this.#corked.push(stream) === 1) atEndOfTick(this.#uncorkNext)
  }

  readonly #uncorkNext = (): void => nextTick(this.#uncork)

  readonly #uncork = (): void => {
    for (const stream of this.#corked.splice(0)) stream.uncork()
  }
}
