// Writes of this process that have begun and cannot be sent yet, because a token that their value will carry must be read first.
import type { Label } from '../../model/labels.js'
import type { PrefixSet } from '../../model/prefix-set.js'
import type { SealPlan } from './seal-plan.js'

/** One write that has begun. */
export interface UnsentWrite {
  /** The value that this process reads meanwhile; `undefined` if it is not known, or if a later call made it outdated. */
  plan: SealPlan | undefined
}

/**
 * The newest unsent write of each key. Its size is bounded by the calls that wait: each removes what it added.
 *
 * Invariant (G2): from the start of a write until its change is in the outbox, L2 is not asked for its key.
 */
export class UnsentWrites {
  readonly #byKey = new Map<string, UnsentWrite>()

  get size(): number {
    return this.#byKey.size
  }

  has(localKey: string): boolean {
    return this.#byKey.size > 0 && this.#byKey.has(localKey)
  }

  /** The value that this process reads. */
  planOf(localKey: string): SealPlan | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(localKey)?.plan
  }

  /** Replaces an older one of the same key. */
  add(localKey: string, write: UnsentWrite): void {
    this.#byKey.set(localKey, write)
  }

  /** A newer write of the same key, which may have replaced it, stays. */
  remove(localKey: string, write: UnsentWrite): void {
    if (this.#byKey.get(localKey) === write) this.#byKey.delete(localKey)
  }

  /** A later call changes the key, so the value must no longer be served. */
  outdate(localKey: string): void {
    const write = this.#byKey.get(localKey)
    if (write !== undefined) write.plan = undefined
  }

  /** The same for every value that carries one of `labels`. */
  outdateLabels(labels: ReadonlySet<Label>): void {
    for (const write of this.#byKey.values()) {
      if (write.plan?.labels.labels.some((label) => labels.has(label)) === true) write.plan = undefined
    }
  }

  outdatePrefixes(localPrefixes: PrefixSet): void {
    for (const [localKey, write] of this.#byKey) if (localPrefixes.covers(localKey)) write.plan = undefined
  }
}
