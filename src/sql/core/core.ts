// What adapters get: the parts of a SQL cache.
import type { Cache } from '../../index.js'
import { Changes } from './changes.js'
import { Notices } from './notices.js'
import { policyOf, type SqlCacheOptions, type SqlPolicy } from './options.js'
import { Plans } from './plans.js'
import { Reads } from './reads.js'
import { Transactions } from './transactions.js'
import { Writes } from './writes.js'

/** The parts of a SQL cache, for adapters. */
export class SqlCore {
  /** The namespace of the results. */
  readonly cache: Cache
  readonly policy: SqlPolicy
  readonly plans: Plans
  readonly reads: Reads
  readonly writes: Writes
  readonly transactions = new Transactions()
  readonly notices: Notices

  /** Throws `INVALID_OPTION`. */
  constructor(cache: Cache, options: SqlCacheOptions) {
    this.policy = policyOf(options)
    this.cache = cache.namespace(this.policy.name)
    this.notices = new Notices(this.cache)
    this.plans = new Plans(this.cache, this.policy)
    this.reads = new Reads(this.cache, this.policy, this.plans, this.transactions, this.notices)
    this.writes = new Writes(this.cache, this.policy)
  }

  /** The changes of a new transaction. */
  changes(): Changes {
    return new Changes(this.writes)
  }
}
