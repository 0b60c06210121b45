// What `cache.stats()` answers: a copy of the counters and histograms at one moment.
import type { Core } from '../flow/core.js'
import type { Counters } from '../flow/recorder.js'
import type { LatencySnapshot } from '../flow/stats.js'
import type { BreakerState } from '../tiers/breaker.js'

/** Counters since the start, sizes of now, and latencies. */
export interface CacheStats extends Readonly<Counters> {
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
  return {
    ...counters,
    hits: { ...counters.hits },
    l1: { entries: core.l1?.size ?? 0, bytes: core.l1?.bytes ?? 0, evictions: core.l1?.evictions ?? 0 },
    l2: {
      available: tier?.isAvailable() ?? false,
      breaker: tier?.state ?? 'closed',
      waiting: core.recovery.size,
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
