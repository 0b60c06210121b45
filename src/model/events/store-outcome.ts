// Where a loaded value was stored once its load and the fill were over, or why nowhere.

/** The tiers that have a value. */
export type Stored = 'all' | 'l1' | 'l2'

/** The tiers that have the value, or why none has. */
export type StoreOutcome = Stored | NotKept

/**
 * Why a loaded value is in no tier.
 *
 * - `skipped`: its loader called `ctx.skip()`.
 * - `ttlIsZero`: its ttl is 0.
 * - `changing`: its source was being changed by a write-through at that moment.
 * - `overtaken`: an invalidation or a write came while it was loaded.
 * - `unsupported`: it, or its tags, cannot be kept; the event `storeFailed` or `notice` has the error.
 * - `unproven`: it has a tag of which it is not certain that no invalidation came since the load began.
 * - `busy`: too much waited to be stored.
 * - `unavailable`: no tier that it may be stored in could take it: it is too large for L1, or L1 is off, and L2 could not be reached.
 */
export type NotKept =
  | 'skipped'
  | 'ttlIsZero'
  | 'changing'
  | 'overtaken'
  | 'unsupported'
  | 'unproven'
  | 'busy'
  | 'unavailable'

export function isStored(outcome: StoreOutcome): outcome is Stored {
  return outcome === 'all' || outcome === 'l1' || outcome === 'l2'
}

/** `undefined`: neither tier has it. */
export function storedIn(isInL1: boolean, isInL2: boolean): Stored | undefined {
  if (isInL1 && isInL2) return 'all'
  if (isInL1) return 'l1'
  return isInL2 ? 'l2' : undefined
}
