// What `cache.stats()` answers: a copy of the counters and histograms at one moment.
import type { Core } from '../flow/core.js'
import type { Counters } from '../flow/runtime/counters.js'
import type { LatencySnapshot } from '../flow/runtime/histogram.js'
import { copyOf, type ReadCounts, type TierCounts, totalsOf } from '../model/events/read-counts.js'
import type { BreakerState } from '../tiers/breaker.js'

/** Counters since the start, sizes of now, and latencies. */
export interface CacheStats extends Readonly<Omit<Counters, 'reads'>> {
  /** Every read once, by how it ended; the outcomes add up to `total`. Calls that were refused for their arguments, or after `close()`, are no reads. */
  readonly reads: Readonly<ReadCounts> & { readonly total: number }
  /** Reads that a tier answered at once, of all that were not aborted: (hit + stale) / (total - aborted). 0 while there are none. */
  readonly hitRatio: number
  /** Reads that were served a fresh value: `reads.hit`. */
  readonly hits: Readonly<TierCounts>
  /** Reads for which no tier had a value that could be served: `loaded`, `absent`, `failed` and `timedOut` of `reads`. */
  readonly misses: number
  /** Reads that were served a value no longer fresh: `stale`, `staleIfError` and `staleIfSlow` of `reads`. */
  readonly staleServed: number
  readonly l1: { readonly entries: number; readonly bytes: number; readonly evictions: number }
  readonly l2: {
    /** Whether L2 would be asked now. */
    readonly available: boolean
    readonly breaker: BreakerState
    /** Changes that wait until L2 can be told. */
    readonly waiting: number
    readonly latency: LatencySnapshot
  }
  readonly bus: {
    /** Whether L1 may be trusted without asking L2. */
    readonly trusted: boolean
  }
  readonly loading: {
    /** Loads under way. */
    readonly flights: number
    readonly background: number
    readonly latency: LatencySnapshot
  }
}

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
