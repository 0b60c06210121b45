// Which tiers have a loaded value after its fill, or why none has.

/** The tiers that have a value. */
export type Stored = 'all' | 'l1' | 'l2'

/** The tiers that have the value, or why none has. */
export type StoreOutcome = Stored | NotKept

/**
 * Why no tier has a loaded value.
 *
 * - `skipped`: its loader called `ctx.skip()`.
 * - `ttlIsZero`: its ttl is 0.
 * - `changing`: a write-through was changing its source at that moment.
 * - `held`: its key or one of its tags was invalidated with `hold`, and the load began or ended while that lasted.
 * - `overtaken`: an invalidation or a write came while it was loaded.
 * - `unsupported`: the value or its tags cannot be kept; the event `storeFailed` or `notice` has the error.
 * - `unproven`: it has a tag that may have been invalidated since the load began.
 * - `busy`: too much was waiting to be stored.
 * - `unavailable`: L1 is off or the value is too large for it, and L2 could not be reached.
 */
export type NotKept =
  | 'skipped'
  | 'ttlIsZero'
  | 'changing'
  | 'held'
  | 'overtaken'
  | 'unsupported'
  | 'unproven'
  | 'busy'
  | 'unavailable'

/** Whether at least one tier has the value. */
export function isStored(outcome: StoreOutcome): outcome is Stored {
  return outcome === 'all' || outcome === 'l1' || outcome === 'l2'
}

/** The tiers that have the value; `undefined` if none has. */
export function storedIn(isInL1: boolean, isInL2: boolean): Stored | undefined {
  if (isInL1 && isInL2) return 'all'
  if (isInL1) return 'l1'
  return isInL2 ? 'l2' : undefined
}
