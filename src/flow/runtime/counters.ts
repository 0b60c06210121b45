// What has been counted since the cache was made.
import { noReads, type ReadCounts } from '../../model/events/read-counts.js'

export class Counters {
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
