// What `cache.stats()` returns: a copy of the counters and histograms at one moment.
import type { Core } from '../flow/core.js'
import {
  type Counters,
  type OperationCounters,
  type PathCounters,
  sumOf,
  type VerbCounters,
} from '../flow/events/counters.js'
import type { LatencySnapshot } from '../flow/events/histogram.js'
import { type ReadCounts, type TierCounts, totalsOf } from '../model/events/read-counts.js'
import type { BreakerState } from '../tiers/breaker.js'

/** The counters of one path: of a cache, a namespace, a source, a wrapped function or a list, or of one version of it. */
export interface PathStats extends Readonly<Omit<PathCounters, 'reads'>> {
  /** Reads by their outcome; see `CacheStats.reads`. */
  readonly reads: Readonly<ReadCounts> & { readonly total: number }
  /** See `CacheStats.hitRatio`. */
  readonly hitRatio: number
}

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
  /**
   * The counters by path. Everything is counted at one path, so the counters above that `PathStats` has are the sums of these. The first
   * 100 paths of a cache are counted separately, the others together as `other`.
   */
  readonly byPath: Readonly<Record<string, PathStats>>
  /** `invalidations` of the whole cache by their verb. `remote` counts the announcements of other processes. */
  readonly invalidationsBy: Readonly<VerbCounters>
  /** The ages of values that were served although they were no longer fresh. */
  readonly staleAges: LatencySnapshot
  readonly l1: { readonly entries: number; readonly bytes: number; readonly evictions: number }
  readonly l2: {
    /** Whether a read would ask L2 now. */
    readonly available: boolean
    readonly breaker: BreakerState
    /** Changes in the journal: they wait until L2 can be reached. */
    readonly waiting: number
    readonly latency: LatencySnapshot
    /** Operations by their name, such as `read` or `apply`. */
    readonly operations: Readonly<Record<string, Readonly<OperationCounters>>>
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

/** Copies the present state into the form that users get, with the counters of `path` and of the paths below it. */
export function snapshot(core: Core, path: string): CacheStats {
  const { counters, paths, verbs, staleAges, l2Latency, l2Operations, loadLatency } = core.recorder
  const tier = core.remote?.tier
  const counted = path === core.name ? paths.all() : paths.under(path)
  const { reads, ...counts } = sumOf(counted.values())
  const { total, ...sums } = totalsOf(reads)
  return {
    ...counters,
    ...counts,
    ...sums,
    reads: { ...reads, total },
    hits: { ...reads.hit },
    byPath: Object.fromEntries([...counted].map(([each, own]) => [each, statsOf(own)])),
    invalidationsBy: { ...verbs },
    staleAges: staleAges.snapshot(),
    l1: { entries: core.l1?.size ?? 0, bytes: core.l1?.bytes ?? 0, evictions: core.l1?.evictions ?? 0 },
    l2: {
      available: tier?.isAvailable() ?? false,
      breaker: tier?.state ?? 'closed',
      waiting: core.journal.size,
      latency: l2Latency.snapshot(),
      operations: Object.fromEntries([...l2Operations].map(([name, own]) => [name, { ...own }])),
    },
    bus: { trusted: core.tokens.isTrusted(core.clock.nowMs()) },
    loading: {
      flights: core.local.flights.size,
      background: core.background.size,
      latency: loadLatency.snapshot(),
    },
  }
}

function statsOf(counters: PathCounters): PathStats {
  const { reads, ...counts } = sumOf([counters])
  const { total, hitRatio } = totalsOf(reads)
  return { ...counts, reads: { ...reads, total }, hitRatio }
}
