// The right to load a key, and to store what was loaded.
import { leaseKeyOf } from '../../model/keys/key.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes } from '../../model/ports.js'
import type { CallScope } from '../core.js'
import type { Found, FoundEntry } from '../entries/remote-entries.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import type { Flight } from '../state/flight.js'

/**
 * The right to load, and the fence: the bytes that must still stand at the beginning of the key's value for the fill to store.
 *
 * Invariant (G1): the fence was seen in L2 *before* the load began. Every invalidation removes or replaces it: `delete` unlinks
 * the key, `set` and `expire` write another stamp. And no fence that is gone ever stands again, whatever is executed a second time
 * (see `RemoteStore`). So the fill of a load that began before an invalidation finds something else and stores nothing, however late
 * its packet arrives.
 */
export interface StoreRight {
  /** `undefined`: the value may not be stored in L2. */
  readonly fence: Bytes | undefined
  /** The lease to renew while the loader runs, and to give back if nothing is stored. */
  readonly lease: { readonly storeKey: string; readonly stamp: Bytes } | undefined
  /** Whether any tier may keep the value: not while a writer's fence stands. */
  readonly mayKeep: boolean
}

/** What asking for the right came to. */
export type Acquired =
  | { readonly kind: 'load'; readonly right: StoreRight }
  /** Another process loaded meanwhile. */
  | { readonly kind: 'found'; readonly found: FoundEntry }
  /** Another process refreshes what is still good enough. */
  | { readonly kind: 'leave' }

/** Nothing stood there, and now a lease of ours does. */
export class Claimed {
  readonly kind = 'claimed'
  constructor(readonly lease: Bytes) {}
}

/** What stands under the key of a load. */
export type Seen = Found | Claimed

export const NO_RIGHT: StoreRight = { fence: undefined, lease: undefined, mayKeep: true }

/**
 * A writer's fence stands. Its end is not waited for: a database may take long, and `save` itself may read what it is about to
 * write. What is loaded meanwhile is the truth of its moment and perhaps not of the next, so its callers get it and nobody else.
 */
export const FENCED_OUT: StoreRight = { fence: undefined, lease: undefined, mayKeep: false }

export interface AcquirePlan {
  readonly scope: CallScope
  readonly policy: Policy
  readonly flight: Flight
  /** What L2 may cost the caller. The time in which another process loads is none of it. */
  readonly budget: TimeBudget
  /** Whether an entry found meanwhile makes this load unnecessary. */
  isGoodEnough(found: FoundEntry): boolean
}

/** The key of the lease beside an entry. */
export function besideKeyOf(entry: FoundEntry, name: string): string {
  return leaseKeyOf(name, Buffer.from(entry.stamp).toString('hex'))
}
