// Counts of reads by their outcome, and the sums that are derived from them.
import type { Tier } from './events.js'

/** A count for each tier. */
export type TierCounts = Record<Tier, number>

/** Reads by their outcome; see `ReadOutcome` for what each means. */
export interface ReadCounts {
  /** Returned a fresh value that a tier had. */
  hit: TierCounts
  /** Returned a value within `staleWhileRevalidate`; a refresh runs behind it. */
  stale: TierCounts
  /** Returned a value within `staleIfError`, because the load failed now or a moment ago. */
  staleIfError: TierCounts
  /** Returned a value no longer fresh, because `softTimeout` passed. */
  staleIfSlow: TierCounts
  /** Found nothing usable, and their loader brought the value. */
  loaded: number
  /** Returned the result of a load, or of a read of L2, that another caller had begun. */
  joined: number
  /** Never load, and found nothing fresh or stale. */
  absent: number
  /** Rejected with the loader's error, or with `CLOSED`; or were a `pull` that could not reach L2. */
  failed: number
  /** Rejected because `hardTimeout` passed. */
  timedOut: number
  /** Were ended by their own `signal`. */
  aborted: number
}

/** Counts that are all 0. */
export function noReads(): ReadCounts {
  return {
    hit: { l1: 0, l2: 0 },
    stale: { l1: 0, l2: 0 },
    staleIfError: { l1: 0, l2: 0 },
    staleIfSlow: { l1: 0, l2: 0 },
    loaded: 0,
    joined: 0,
    absent: 0,
    failed: 0,
    timedOut: 0,
    aborted: 0,
  }
}

/** Adds the counts of `more` to `sum`. */
export function addReads(sum: ReadCounts, more: ReadCounts): void {
  for (const result of BY_TIER) {
    sum[result].l1 += more[result].l1
    sum[result].l2 += more[result].l2
  }
  for (const result of WITHOUT_TIER) sum[result] += more[result]
}

const BY_TIER = ['hit', 'stale', 'staleIfError', 'staleIfSlow'] as const
const WITHOUT_TIER = ['loaded', 'joined', 'absent', 'failed', 'timedOut', 'aborted'] as const

/** The sums over the outcomes. Every read has exactly one outcome. */
export function totalsOf(reads: ReadCounts): {
  readonly total: number
  readonly staleServed: number
  readonly misses: number
  /** 0 to 1; 0 while there are no reads. */
  readonly hitRatio: number
} {
  const { hit, stale, staleIfError, staleIfSlow, loaded, joined, absent, failed, timedOut, aborted } = reads
  const atOnce = sum(hit) + sum(stale)
  const staleServed = sum(stale) + sum(staleIfError) + sum(staleIfSlow)
  const misses = loaded + absent + failed + timedOut
  const ended = sum(hit) + staleServed + joined + misses
  return { total: ended + aborted, staleServed, misses, hitRatio: ended === 0 ? 0 : atOnce / ended }
}

function sum({ l1, l2 }: TierCounts): number {
  return l1 + l2
}
