// Commands of one tick leave in one write per socket: system calls cost more than the commands themselves.
import type { ClientStream } from './client.js'

/** Corks each socket at its first command of a tick and uncorks all when the tick's microtasks have settled. */
export class HeldWrites {
  readonly #held: ClientStream[] = []

  /** Call before a command is written to `stream`. */
  hold(stream: ClientStream | undefined): void {
    if (stream === undefined || this.#held.includes(stream)) return
    stream.cork()
    // A microtask first, so that a synchronous caller finishes; Node runs nextTick only when no microtask is left.
    if (this.#held.push(stream) === 1) queueMicrotask(() => process.nextTick(this.#release))
  }

  readonly #release = (): void => {
    for (const stream of this.#held.splice(0)) stream.uncork()
  }
}
