// Where a call is made: a cache or namespace.
import type { Policy } from '../../model/options/policy.js'
import type { CountedSpace } from '../events/counters.js'

/** A cache or namespace: the space of its keys with its counts, and the defaults of its calls. */
export interface CallScope extends CountedSpace {
  readonly policy: Policy
}
