// Events that a stranger can cause as fast as he can write: one of each kind and second is emitted. Counters count them all.
import type { AtMs } from '../../model/entry.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

const EVERY_MS: Milliseconds = 1_000
/** Kinds beyond this many share one: nothing grows with what strangers think of. */
const MAX_KINDS = 100

export class OnceASecond {
  readonly #nextAtMs = new Map<string, AtMs>()

  constructor(private readonly clock: Pick<Clock, 'nowMs'>) {}

  /** Whether one of this kind may be emitted now; if so, the next one may be after a second. */
  admits(kind: string): boolean {
    const nowMs = this.clock.nowMs()
    const name = this.#nextAtMs.size < MAX_KINDS || this.#nextAtMs.has(kind) ? kind : ''
    if (nowMs < (this.#nextAtMs.get(name) ?? Number.NEGATIVE_INFINITY)) return false
    this.#nextAtMs.set(name, nowMs + EVERY_MS)
    return true
  }
}
