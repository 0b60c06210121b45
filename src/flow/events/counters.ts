// The counters of a cache: those of each path, and those of the whole cache.
import { addReads, noReads, type ReadCounts } from '../../model/events/read-counts.js'
import type { Space } from '../../model/keys/key.js'
import { MAX_COUNTED_PATHS } from '../../model/limits.js'

/** What is counted for each path. The class has the initial values. */
export class PathCounters {
  /** Reads by outcome. Each read counts once. */
  readonly reads: ReadCounts = noReads()
  /** Loads whose loader returned a value, kept or not. Callers that share a load do not add to it. */
  loads = 0
  /** Loads that failed: the loader threw, rejected or exceeded `hardTimeout`. */
  loadFailures = 0
  /** How long the loads took together, in milliseconds, those that failed included. */
  loadMs = 0
  /** Entries stored, by loads and by writes. */
  stored = 0
  /** Values that could not be stored, such as a value that L2 cannot encode. */
  storeFailures = 0
  /** Loaded values that were not stored because their key was changed or invalidated during the load. */
  fillsRefused = 0
  /** Keys written: by `set`, `setMany`, and the saves of sources. */
  writes = 0
  /** Calls that invalidated something in this process, and announcements received from other processes. */
  invalidations = 0
  /** Entries of L2 that could not be used: damaged, foreign, or refused by a schema. Each is a miss. */
  corrupt = 0
}

/** What is counted for the whole cache only. */
export class SharedCounters {
  /** Commands sent to L2, failed ones included. */
  l2Operations = 0
  /** Commands to L2 that failed or got no reply in time. */
  l2Failures = 0
  /** How often the breaker of L2 opened after it had been closed. Several openings may be one outage. */
  breakerOpenings = 0
  /** Changes that L2 did not confirm, so they went to the journal. */
  queued = 0
  /** Changes from the journal that were published later. */
  replayed = 0
  /** Fills, values of `set` and refreshes that were given up because too much was in flight or the cache was closed. */
  dropped = 0
  /** Messages of other processes that could not be understood. */
  messagesIgnored = 0
  /** How often announcements may have been missed. */
  busLosses = 0
}

/** Invalidations by their verb. `remote` counts the announcements of other processes. */
export class VerbCounters {
  delete = 0
  expire = 0
  invalidateTags = 0
  expireTags = 0
  clear = 0
  expireAll = 0
  deleteByPrefix = 0
  remote = 0
}

/** The operations of one kind that were sent to L2. */
export class OperationCounters {
  answered = 0
  failed = 0
  /** How long those with an answer took together, in milliseconds. */
  sumMs = 0
}

/** What a cache has counted in this process since it was created. Counters only grow, so an exporter takes differences. */
export type Counters = PathCounters & SharedCounters

/** The space of a call, with the counts of its path. */
export interface CountedSpace {
  readonly space: Space
  readonly counts: PathCounts
}

/** The counts of one path: of a cache, a namespace, a source, a wrapped function or a list, or of one version of it. */
export class PathCounts extends PathCounters {
  /** `reads.hit`, one step nearer, because every hit in L1 increments it. */
  readonly hit = this.reads.hit
  readonly #all: CountsByPath

  constructor(all: CountsByPath) {
    super()
    this.#all = all
  }

  /** The counts of another path of the same cache. */
  at(path: string): PathCounts {
    return this.#all.of(path)
  }
}

/** What the paths beyond the first `MAX_COUNTED_PATHS` are counted under. No namespace has this path, since those contain a `/`. */
const OTHER = 'other'

/**
 * The counts of every path.
 *
 * Invariants: at most `MAX_COUNTED_PATHS` paths have counts of their own (G10). No counts are ever dropped or moved, so the sums over all
 * paths are the totals of the cache.
 */
export class CountsByPath {
  readonly #byPath = new Map<string, PathCounts>()

  /** The counts of `path`, or those that it shares with other paths if there are too many. */
  of(path: string): PathCounts {
    const known = this.#byPath.get(path)
    if (known !== undefined) return known
    return this.#byPath.size < MAX_COUNTED_PATHS ? this.#add(path) : (this.#byPath.get(OTHER) ?? this.#add(OTHER))
  }

  #add(path: string): PathCounts {
    const counts = new PathCounts(this)
    this.#byPath.set(path, counts)
    return counts
  }

  /** All counts by their path, in the order in which the paths were first used. */
  all(): ReadonlyMap<string, PathCounters> {
    return this.#byPath
  }

  /** The counts of `path` and of the paths below it. If `path` has none of its own, those that it shares. */
  under(path: string): ReadonlyMap<string, PathCounters> {
    const own = this.#byPath.has(path) ? path : OTHER
    return new Map([...this.#byPath].filter(([each]) => each === own || each.startsWith(`${path}/`)))
  }
}

/** The sums over several paths; of one path a copy. */
export function sumOf(paths: Iterable<PathCounters>): PathCounters {
  const sum = new PathCounters()
  const names = Object.keys(sum) as (keyof PathCounters)[]
  for (const counts of paths) {
    addReads(sum.reads, counts.reads)
    for (const name of names) if (name !== 'reads') sum[name] += counts[name]
  }
  return sum
}
