// The counters of a cache: those of each path, and those of the whole cache.
import { addReads, noReads, type ReadCounts } from '../../model/events/read-counts.js'
import type { Space } from '../../model/keys/key.js'
import { MAX_COUNTED_PATHS } from '../../model/limits.js'

/** What is counted for each path. The class has the initial values. */
export class PathCounters {
  /** Every read once, by its outcome. */
  readonly reads: ReadCounts = noReads()
  loads = 0
  loadFailures = 0
  /** How long the loads took together, in milliseconds, those that failed included. */
  loadMs = 0
  /** Entries stored, by loads and by writes. */
  stored = 0
  storeFailures = 0
  /** Fills refused by the fence: an invalidation won over a load. */
  fillsRefused = 0
  writes = 0
  invalidations = 0
  corrupt = 0
}

/** What is counted for the whole cache only. */
export class SharedCounters {
  l2Operations = 0
  l2Failures = 0
  queued = 0
  replayed = 0
  dropped = 0
  messagesIgnored = 0
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

/** What a cache has counted since it was made. */
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
