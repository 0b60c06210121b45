// Limits the events that anyone who can write to the bus can cause: one per kind and second is emitted. Counters count all of them.
import type { AtMs } from '../../model/entry.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

const EVERY_MS: Milliseconds = 1_000
/** Kinds beyond this many share one slot, so that a stranger cannot make the map grow. */
const MAX_KINDS = 100

export class OnceASecond {
  readonly #nextAtMs = new Map<string, AtMs>()

  constructor(private readonly clock: Pick<Clock, 'nowMs'>) {}

  /** Whether an event of this kind may be emitted now. If so, the next one may follow a second later. */
  admits(kind: string): boolean {
    const nowMs = this.clock.nowMs()
    const name = this.#nextAtMs.size < MAX_KINDS || this.#nextAtMs.has(kind) ? kind : ''
    if (nowMs < (this.#nextAtMs.get(name) ?? Number.NEGATIVE_INFINITY)) return false
    this.#nextAtMs.set(name, nowMs + EVERY_MS)
    return true
  }
}
