// Keys whose last load failed while a stale value could be served: for a while that value is served without another load.
import { LRUCache } from 'lru-cache'
import type { AtMs } from '../../model/entry.js'
import type { Label } from '../../model/labels.js'
import { lruOptions, READ_OPTIONS, WRITE_OPTIONS } from '../../model/options/lru-options.js'
import type { Bytes } from '../../model/ports.js'
import type { PrefixSet } from '../../model/prefix-set.js'
import { backoffMs, type FailureBackoffMs, type Random } from '../../model/time/freshness.js'
import type { InvalidationLog, Mark } from '../flights/invalidation-log.js'

/** One failed load. */
export interface FailedLoad {
  readonly localKey: string
  /** The labels that can invalidate the value that is served instead. */
  readonly labels: readonly (readonly Label[])[]
  /** A mark of the label log from before the load began. */
  readonly labelMark: Mark
  /** What stood in L2 when the load began, if that is known. */
  readonly fence: Bytes | undefined
}

interface Failure extends FailedLoad {
  readonly attempt: number
  readonly retryAtMs: AtMs
}

const MAX_KEPT = 10_000

/** Invariant: a change of the key or of one of its labels, here or in another process, ends the pause: the source may work again. */
export class LoadFailures {
  readonly #byKey = new LRUCache<string, Failure>(lruOptions({ max: MAX_KEPT }))

  constructor(private readonly labelLog: InvalidationLog) {}

  /** The next load of the key has to wait, longer after each failure in a row. */
  note(failed: FailedLoad, backoff: FailureBackoffMs, nowMs: AtMs, random: Random): void {
    const attempt = (this.#byKey.get(failed.localKey, READ_OPTIONS)?.attempt ?? 0) + 1
    const retryAtMs = nowMs + backoffMs(attempt, backoff.firstMs, backoff.longestMs, random)
    this.#byKey.set(failed.localKey, { ...failed, attempt, retryAtMs }, WRITE_OPTIONS)
  }

  /** Whether the next load of the key has to wait. `stamp` returns what stands in L2 now: if it differs, the key was changed. */
  mustWait(localKey: string, nowMs: AtMs, stamp?: () => Bytes): boolean {
    if (this.#byKey.size === 0) return false
    const failure = this.#byKey.get(localKey, READ_OPTIONS)
    if (failure === undefined || nowMs >= failure.retryAtMs) return false
    if (!this.#isOutdated(failure, stamp)) return true
    this.#byKey.delete(localKey)
    return false
  }

  #isOutdated({ fence, labels, labelMark }: Failure, stamp: (() => Bytes) | undefined): boolean {
    if (fence !== undefined && stamp !== undefined && Buffer.compare(fence, stamp()) !== 0) return true
    return labels.some((some) => some.some((label) => this.labelLog.brokenSince(labelMark, label)))
  }

  /** A load succeeded, or the key was changed. */
  lift(localKey: string): void {
    if (this.#byKey.size > 0) this.#byKey.delete(localKey)
  }

  /** Keys that begin with one of these were changed. */
  liftPrefixes(localPrefixes: PrefixSet): void {
    for (const localKey of [...this.#byKey.keys()]) if (localPrefixes.covers(localKey)) this.#byKey.delete(localKey)
  }
}
