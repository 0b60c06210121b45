// Gives the memory of dead entries back: those that are over, and those whose labels were invalidated. Nothing is ever due for one entry.
import type { AtMs, Entry } from '../../model/entry.js'
import { ageOf } from '../../model/entry.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import type { MemoryTier } from '../../tiers/memory-tier.js'
import type { TokenTable } from '../tokens/token-table.js'

/** Changes that come together are looked for together. */
const DELAY_MS: Milliseconds = 250
/** Between two slices, so that a sweep takes a few percent of the event loop whatever the size of L1. */
const PAUSE_MS: Milliseconds = 5
const SLICE_ENTRIES = 500
/** After a pass nothing is looked for again for so long because L1 is full. */
const REST_MS: Milliseconds = 10_000
/** What one insertion into a full L1 looks at. */
const STEP_ENTRIES = 16

/**
 * One pass over L1 at a time, in slices. Asked for by an invalidation of a label, and by an insertion into a full L1, which also looks
 * at some entries at once, so that a dead one makes room before a live one is evicted.
 */
export class L1Sweep {
  #cancel: (() => void) | undefined
  #mustGoOn = false
  #restsUntilMs: AtMs = Number.NEGATIVE_INFINITY
  #isEnded = false

  constructor(
    private readonly l1: MemoryTier,
    private readonly tokens: TokenTable,
    private readonly clock: Pick<Clock, 'nowMs' | 'after'>,
  ) {
    l1.onFull = () => this.#full()
  }

  /** Entries may have died: a pass begins soon, or once more where one is under way. */
  request(): void {
    this.#mustGoOn = true
    if (this.#cancel === undefined && !this.#isEnded && this.l1.size > 0) this.#after(DELAY_MS)
  }

  end(): void {
    this.#isEnded = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #full(): void {
    const nowMs = this.clock.nowMs()
    if (this.#cancel === undefined && nowMs < this.#restsUntilMs) return
    this.l1.sweep(STEP_ENTRIES, (entry) => this.#isDead(entry, nowMs))
    if (this.#cancel === undefined) this.request()
  }

  #after(delayMs: Milliseconds): void {
    this.#cancel = this.clock.after(delayMs, () => this.#slice(delayMs === DELAY_MS))
  }

  #slice(isFirst: boolean): void {
    this.#cancel = undefined
    if (isFirst) {
      this.#mustGoOn = false
      this.l1.beginSweep()
    }
    const nowMs = this.clock.nowMs()
    if (this.l1.sweep(SLICE_ENTRIES, (entry) => this.#isDead(entry, nowMs)) === 'more') {
      this.#after(PAUSE_MS)
      return
    }
    this.#restsUntilMs = nowMs + REST_MS
    if (this.#mustGoOn) this.request()
  }

  /** A label that is unknown is one that was invalidated, or one that nothing here used for long. */
  #isDead(entry: Entry, nowMs: AtMs): boolean {
    if (ageOf(entry, nowMs) === 'expired') return true
    return entry.epoch !== this.tokens.epoch && this.tokens.compare(entry.labels) === 'invalidated'
  }
}
