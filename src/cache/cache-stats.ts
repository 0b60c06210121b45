// What `cache.stats()` returns: a copy of the counters and histograms at one moment.
import type { Core } from '../flow/core.js'
import type { Counters } from '../flow/runtime/counters.js'
import type { LatencySnapshot } from '../flow/runtime/histogram.js'
import { copyOf, type ReadCounts, type TierCounts, totalsOf } from '../model/events/read-counts.js'
import type { BreakerState } from '../tiers/breaker.js'

/** Counters of this process since the cache was created, its present sizes, and latencies. */
export interface CacheStats extends Readonly<Omit<Counters, 'reads'>> {
  /**
   * Reads by their outcome. Every read counts once, so the outcomes add up to `total`. A call that was refused for its arguments, or
   * after `close()`, is not a read.
   */
  readonly reads: Readonly<ReadCounts> & { readonly total: number }
  /** The part of the reads that a tier served without waiting for a load: (hit + stale) / (total - aborted). 0 while there are no reads. */
  readonly hitRatio: number
  /** Reads that returned a fresh value from a tier: `reads.hit`. */
  readonly hits: Readonly<TierCounts>
  /** Reads for which no tier had a value that could be served: `loaded`, `absent`, `failed` and `timedOut` of `reads`. */
  readonly misses: number
  /** Reads that returned a value that was no longer fresh: `stale`, `staleIfError` and `staleIfSlow` of `reads`. */
  readonly staleServed: number
  readonly l1: { readonly entries: number; readonly bytes: number; readonly evictions: number }
  readonly l2: {
    /** Whether a read would ask L2 now. */
    readonly available: boolean
    readonly breaker: BreakerState
    /** Changes in the journal: they wait until L2 can be reached. */
    readonly waiting: number
    readonly latency: LatencySnapshot
  }
  readonly bus: {
    /** Whether L1 is trusted without asking L2. */
    readonly trusted: boolean
  }
  readonly loading: {
    /** Loads that run now. */
    readonly flights: number
    /** Background operations that run or wait now. */
    readonly background: number
    readonly latency: LatencySnapshot
  }
}

/** Copies the present state into the form that users get. */
export function snapshot(core: Core): CacheStats {
  const { counters, l2Latency, loadLatency } = core.recorder
  const tier = core.remote?.tier
  const { total, ...sums } = totalsOf(counters.reads)
  const reads = copyOf(counters.reads)
  return {
    ...counters,
    ...sums,
    reads: { ...reads, total },
    hits: { ...reads.hit },
    l1: { entries: core.l1?.size ?? 0, bytes: core.l1?.bytes ?? 0, evictions: core.l1?.evictions ?? 0 },
    l2: {
      available: tier?.isAvailable() ?? false,
      breaker: tier?.state ?? 'closed',
      waiting: core.journal.size,
      latency: l2Latency.snapshot(),
    },
    bus: { trusted: core.tokens.isTrusted(core.clock.nowMs()) },
    loading: {
      flights: core.local.flights.size,
      background: core.background.size,
      latency: loadLatency.snapshot(),
    },
  }
}
