// The right to load a key and to store the loaded value.
import { leaseKeyOf } from '../../model/keys/key.js'
import type { Bytes } from '../../model/ports.js'
import type { Found, FoundEntry } from '../entries/found.js'

/**
 * The right to load, with its fence: the bytes with which the key's value must still begin for the fill to store anything.
 *
 * Invariant (G1): the fence was seen in L2 *before* the load began. Every invalidation removes or replaces it: `delete` unlinks the
 * key, `set` and `expire` write another stamp. A fence that is gone never comes back, even if a command is executed twice (see
 * `RemoteStore`). So the fill of a load that began before an invalidation finds something else and stores nothing, however late its
 * packet arrives.
 */
export interface StoreRight {
  /** `undefined` if the value may not be stored in L2. */
  readonly fence: Bytes | undefined
  /** The lease to renew while the loader runs, and to give back if nothing is stored. */
  readonly lease: { readonly storeKey: string; readonly stamp: Bytes } | undefined
  /** Whether any tier may keep the value: none may while a write fence stands. */
  readonly mayKeep: boolean
  /** L2 holds the key or one of its labels, and this process has not heard of it. */
  readonly isHeldInL2?: boolean
}

/** The result of an acquisition. */
export type Acquired =
  | { readonly kind: 'load'; readonly right: StoreRight }
  /** The value was loaded meanwhile. */
  | { readonly kind: 'found'; readonly found: FoundEntry }
  /** Another load refreshes an entry that is still good enough. */
  | { readonly kind: 'leave' }

/** Our lease stands there now. */
export class Claimed {
  readonly kind = 'claimed'
  constructor(readonly lease: Bytes) {}
}

/** What stands under the key of a load. */
export type Seen = Found | Claimed

export const NO_RIGHT: StoreRight = { fence: undefined, lease: undefined, mayKeep: true }

/**
 * A write fence stands. A load does not wait for its end: a database may take long, and `save` itself may read what it is about to
 * write. What is loaded meanwhile may be outdated a moment later, so its callers get it and no tier keeps it.
 */
export const FENCED_OUT: StoreRight = { fence: undefined, lease: undefined, mayKeep: false }

/** The same while a hold lasts of which only L2 knows. */
export const HELD_IN_L2: StoreRight = { ...FENCED_OUT, isHeldInL2: true }

/** The key of the lease beside an entry. */
export function besideKeyOf(entry: FoundEntry, name: string): string {
  return leaseKeyOf(name, Buffer.from(entry.stamp).toString('hex'))
}
