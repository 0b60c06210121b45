// Frees the memory of dead entries: expired ones, and those whose labels were invalidated. No entry has a timer of its own.
import type { AtMs, Entry } from '../../model/entry.js'
import { ageOf } from '../../model/entry.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import type { MemoryTier } from '../../tiers/memory-tier.js'
import type { TokenTable } from '../tokens/token-table.js'

/** The delay before a pass, so that changes that come together share one. */
const DELAY_MS: Milliseconds = 250
/** The pause between two slices, so that a sweep takes a few percent of the event loop, whatever the size of L1. */
const PAUSE_MS: Milliseconds = 5
const SLICE_ENTRIES = 500
/** After a pass, a full L1 requests no other one for this time. */
const REST_MS: Milliseconds = 10_000
/** How many entries one insertion into a full L1 checks. */
const STEP_ENTRIES = 16

/**
 * Runs one pass over L1 at a time, in slices. Invalidations of labels and insertions into a full L1 request it. Such an insertion also
 * checks some entries at once, so that a dead one makes room before a live one is evicted.
 */
export class L1Sweep {
  #cancel: (() => void) | undefined
  #isRequested = false
  #restsUntilMs: AtMs = Number.NEGATIVE_INFINITY
  #isEnded = false

  constructor(
    private readonly l1: MemoryTier,
    private readonly tokens: TokenTable,
    private readonly clock: Pick<Clock, 'nowMs' | 'after'>,
  ) {
    l1.onFull = () => this.#full()
  }

  /** Entries may have died: begins a pass soon, or another one after the pass that runs. */
  request(): void {
    this.#isRequested = true
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
      this.#isRequested = false
      this.l1.beginSweep()
    }
    const nowMs = this.clock.nowMs()
    if (this.l1.sweep(SLICE_ENTRIES, (entry) => this.#isDead(entry, nowMs)) === 'more') {
      this.#after(PAUSE_MS)
      return
    }
    this.#restsUntilMs = nowMs + REST_MS
    if (this.#isRequested) this.request()
  }

  /** An unknown label was invalidated, or was not used in this process for long. */
  #isDead(entry: Entry, nowMs: AtMs): boolean {
    if (ageOf(entry, nowMs) === 'expired') return true
    return entry.epoch !== this.tokens.epoch && this.tokens.compare(entry.labels) === 'invalidated'
  }
}
