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
import type { Ghosts } from '../tiers/ghosts.js'

/** The counters of one path: of a cache, a namespace, a source, a wrapped function or a list, or of one version of it. */
export interface PathStats extends Readonly<Omit<PathCounters, 'reads'>> {
  /** Reads by their outcome; see `CacheStats.reads`. */
  readonly reads: Readonly<ReadCounts> & { readonly total: number }
  /** See `CacheStats.hitRatio`. */
  readonly hitRatio: number
}

/** What a larger L1 would win, estimated from the misses of keys that L1 had evicted. Numbers of the whole cache, in namespaces too. */
export interface GhostStats {
  /** The part of all keys that is in the sample: 1, or 1/2, 1/4 and so on if L1 has many entries. */
  readonly sample: number
  /** Evicted keys that are remembered now, at most 16,384. */
  readonly entries: number
  /** The part of the reads that L1 as it is served without waiting, fresh or stale. 0 to 1. */
  readonly hitRatio: number
  /** The same for an L1 with `factor` times the entries, and the reads that it would have served in addition. Sorted by `factor`: 2, 4. */
  readonly larger: readonly { readonly factor: number; readonly hits: number; readonly hitRatio: number }[]
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
  readonly l1: {
    readonly entries: number
    readonly bytes: number
    readonly evictions: number
    /** `undefined` without the option `l1.ghosts`. */
    readonly ghosts: GhostStats | undefined
  }
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
  const { counters, paths, verbs, staleAges, l2, loadLatency } = core.recorder
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
    l1: {
      entries: core.l1?.size ?? 0,
      bytes: core.l1?.bytes ?? 0,
      evictions: core.l1?.evictions ?? 0,
      ghosts: core.l1?.ghosts && ghostsOf(core.l1.ghosts, core),
    },
    l2: {
      available: tier?.isAvailable() ?? false,
      breaker: tier?.state ?? 'closed',
      waiting: core.journal.size,
      latency: l2.latency.snapshot(),
      operations: Object.fromEntries([...l2.operations].map(([name, own]) => [name, { ...own }])),
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

function ghostsOf(ghosts: Ghosts, { recorder }: Core): GhostStats {
  const { reads } = sumOf(recorder.paths.all().values())
  const { total } = totalsOf(reads)
  const ended = Math.max(1, total - reads.aborted)
  const hits = reads.hit.l1 + reads.stale.l1
  const ratioWith = (more: number) => Math.min(1, (hits + more) / ended)
  const larger = ghosts.hits().map((each) => ({ ...each, hitRatio: ratioWith(each.hits) }))
  return { sample: ghosts.sample, entries: ghosts.size, hitRatio: ratioWith(0), larger }
}
