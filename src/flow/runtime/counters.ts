// The counters of a cache.
import { noReads, type ReadCounts } from '../../model/events/read-counts.js'

/** The counters with their initial values; see `Counters`. */
export class CounterSet {
  /** Reads by outcome. Each read counts once. */
  reads: ReadCounts = noReads()
  /** Loads whose loader returned a value, kept or not. Callers that share a load do not add to it. */
  loads = 0
  /** Loads that failed: the loader threw, rejected or exceeded `hardTimeout`. */
  loadFailures = 0
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
  /** Commands sent to L2, failed ones included. */
  l2Operations = 0
  /** Commands to L2 that failed or got no reply in time. */
  l2Failures = 0
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

/** What a cache has counted in this process since it was created. Counters only grow, so an exporter takes differences. */
export type Counters = CounterSet
