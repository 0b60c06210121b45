// The counters of a cache.
import { noReads, type ReadCounts } from '../../model/events/read-counts.js'

/** See `Counters`. The class has the initial values. */
export class CounterSet {
  /** Every read once, by its outcome. */
  reads: ReadCounts = noReads()
  loads = 0
  loadFailures = 0
  /** Entries stored, by loads and by writes. */
  stored = 0
  storeFailures = 0
  /** Fills refused by the fence: an invalidation won over a load. */
  fillsRefused = 0
  writes = 0
  invalidations = 0
  corrupt = 0
  l2Operations = 0
  l2Failures = 0
  queued = 0
  replayed = 0
  dropped = 0
  messagesIgnored = 0
  busLosses = 0
}

/** What a cache has counted since it was made. */
export type Counters = CounterSet
