// The commands of one tick leave in one write per socket, because system calls cost more than the commands themselves.
import { afterEndOfTick } from '../../model/time/tick.js'
import type { ClientStream } from '../client/client.js'

/** Corks each socket at its first command of a tick, and uncorks all sockets when the tick's microtasks and batches have run. */
export class TickWrites {
  readonly #corked: ClientStream[] = []

  /** Call before a command is written to `stream`. */
  cork(stream: ClientStream | undefined): void {
    if (stream === undefined || this.#corked.includes(stream)) return
    stream.cork()
    if (this.#corked.push(stream) === 1) afterEndOfTick(this.#uncork)
  }

  readonly #uncork = (): void => {
    for (const stream of this.#corked.splice(0)) stream.uncork()
  }
}
