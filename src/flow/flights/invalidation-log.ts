// Remembers which keys (or labels: one log each) were invalidated while a read or load was in flight, so that its result is not kept.

/** A moment in the order of invalidations; taken before a read, a load or a write begins. */
export type Mark = number

const MAX_REMEMBERED = 10_000

/**
 * The fence inside the process. A read of L2 or a load takes a mark first, and checks `brokenSince` before it keeps its result.
 *
 * Invariant: an invalidation recorded after a mark makes `brokenSince(mark, …)` true for its subject, for ever. The memory is bounded:
 * when it is full it is emptied, and every older mark counts as broken. That can prevent a value from being kept, but never keeps a wrong one.
 */
export class InvalidationLog {
  #sequence: Mark = 0
  #floor: Mark = 0
  readonly #lastAt = new Map<string, Mark>()

  mark(): Mark {
    return this.#sequence
  }

  /** Records that everything read or loaded for `subject` before now is outdated. */
  record(subject: string): Mark {
    this.#sequence++
    if (this.#lastAt.size >= MAX_REMEMBERED) {
      this.#lastAt.clear()
      this.#floor = this.#sequence
    }
    this.#lastAt.set(subject, this.#sequence)
    return this.#sequence
  }

  /** Records the same for every subject, if those that are meant cannot be listed. */
  recordAll(): void {
    this.#sequence++
    this.#floor = this.#sequence
    this.#lastAt.clear()
  }

  brokenSince(mark: Mark, subject: string): boolean {
    if (mark === this.#sequence) return false
    if (mark < this.#floor) return true
    const at = this.#lastAt.get(subject)
    return at !== undefined && at > mark
  }

  /** Whether `subject` may have been invalidated after `from` and not later than `to`: only its last invalidation is remembered. */
  brokenBetween(from: Mark, to: Mark, subject: string): boolean {
    return to > from && this.brokenSince(from, subject)
  }

  get size(): number {
    return this.#lastAt.size
  }
}
