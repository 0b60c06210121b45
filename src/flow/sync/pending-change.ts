// A change on its way out of this process, and how two of them for one subject become one.
import { newHoldFence } from '../../codec/envelope/stamp.js'
import type { AtMs } from '../../model/entry.js'
import { type Label, newSoftHalf } from '../../model/labels.js'
import type { Bytes, Change, Milliseconds } from '../../model/ports.js'
import type { SealPlan } from '../state/seal-plan.js'

/** A compare-and-set in L2: if the value begins with `expected`, it becomes `next`, or is removed. */
export interface Swap {
  readonly expected: Bytes
  readonly next: Bytes | undefined
  readonly keepMs: Milliseconds
}

/**
 * A key that a swap of this process has changed in L2; the other processes have to hear of it.
 *
 * `again` is the swap if L2 did not reply. It may have been executed, or may be executed later. So the same swap is sent again, until L2
 * says that it was executed or refused. After that what it expects is gone for good (see `scripts.ts`), so no late packet can change the key
 * behind the announcement. A second execution is refused.
 */
export interface SwappedKey {
  readonly op: 'swapped'
  readonly key: string
  readonly again: Swap | undefined
}

/** One change with its local name: `subject` is a local key, or a label if a label changes. */
export interface PendingChange {
  readonly subject: string
  readonly change: Change | SwappedKey
  /** The labels of a `put`, so that the journal can drop the value if one of them is invalidated before it is published. */
  readonly labels: readonly Label[]
  /** How to seal a `put` again: its tokens may have changed by the time it is published. */
  readonly plan: SealPlan | undefined
  /** A `put` whose tokens do not come from the store: it has to wait until those are available. */
  readonly mustReseal?: boolean
  /** Until when the key or label is held; `undefined` without a hold. `change` says for how long from its sending. */
  readonly heldUntilMs?: AtMs | undefined
}

/**
 * A copy with fresh random bytes for a retry: reusing the old ones could undo a later invalidation, since the first attempt may have been
 * executed. `restamp` returns another stamp for the same soft expiry of a local key. Of a hold what remains is published.
 */
export function forRetry(
  pending: PendingChange,
  restamp: (localKey: string, stamp: Bytes) => Bytes,
  nowMs: AtMs,
): PendingChange {
  const { change, heldUntilMs } = pending
  if (heldUntilMs !== undefined) return { ...pending, change: heldFor(change, heldUntilMs - nowMs) }
  if (change.op === 'expire') {
    return { ...pending, change: { ...change, stamp: restamp(pending.subject, change.stamp) } }
  }
  if (change.op === 'expireLabel') return { ...pending, change: { ...change, soft: newSoftHalf() } }
  return pending
}

/** The same removal with a hold of `leftMs`, or with none if that is over. */
function heldFor(change: PendingChange['change'], leftMs: Milliseconds): PendingChange['change'] {
  const isOver = leftMs <= 0
  if (change.op === 'invalidateLabel') return { ...change, holdMs: isOver ? undefined : leftMs }
  if (change.op !== 'delete') return change
  return { ...change, hold: isOver ? undefined : { fence: newHoldFence(), keepMs: leftMs } }
}

export const keyId = (localKey: string): string => `k${localKey}`
export const labelId = (label: Label): string => `l${label}`

/** What a change is about: of two changes with one id the newer counts. */
export function idOf({ subject, change }: PendingChange): string {
  return change.op === 'invalidateLabel' || change.op === 'expireLabel' ? labelId(subject) : keyId(subject)
}

/** How many bytes of a value a change holds. */
export function bytesOf({ change }: PendingChange): number {
  if (change.op === 'swapped') return change.again?.next?.length ?? 0
  return change.op === 'put' || change.op === 'replace' ? change.bytes.length : 0
}

/** Two waiting changes of one subject as one: the newer, unless it is the softer. A removal does not end the hold of an earlier one. */
export function merged(older: PendingChange, newer: PendingChange): PendingChange {
  if (newer.change.op === 'swapped') return mergedWithSwap(older, newer)
  return stillHeld(strongerOf(older, newer), older)
}

function strongerOf(older: PendingChange, newer: PendingChange): PendingChange {
  if (newer.change.op === 'expireLabel' && older.change.op === 'invalidateLabel') return older
  // The expired value never reached L2, which may have an older one. That one must not be served at all.
  if (newer.change.op === 'expire' && older.change.op !== 'expire') return removalOf(newer)
  return newer
}

/** What waits for the same key is published and announced later than the swap, so it includes the swap's announcement. */
function mergedWithSwap(older: PendingChange, newer: PendingChange): PendingChange {
  const isUnknown = ({ change }: PendingChange) => change.op === 'swapped' && change.again !== undefined
  if (older.change.op !== 'swapped') return older
  if (isUnknown(older) && isUnknown(newer)) return removalOf(newer)
  return isUnknown(older) ? older : newer
}

/** A removal with the hold of an earlier one, if that lasts longer than its own. A value ends the hold of its key. */
export function stillHeld(removal: PendingChange, { heldUntilMs }: PendingChange): PendingChange {
  const { op } = removal.change
  if (heldUntilMs === undefined || (op !== 'delete' && op !== 'invalidateLabel')) return removal
  return (removal.heldUntilMs ?? heldUntilMs) > heldUntilMs ? removal : { ...removal, heldUntilMs }
}

/** The form in which a change waits. A fence, and a value that needs its fence, are useless later: they wait as a removal of the key. */
export function asWaiting(pending: PendingChange): PendingChange {
  const { change, plan } = pending
  const mayWait = change.op !== 'replace' && (change.op !== 'put' || plan !== undefined)
  return mayWait ? pending : removalOf(pending)
}

/** The change that removes what stands under the same key; itself if it does so already. */
export function removalOf(pending: PendingChange): PendingChange {
  const { change, subject } = pending
  if (change.op === 'delete' || change.op === 'invalidateLabel' || change.op === 'expireLabel') return pending
  return { subject, change: { op: 'delete', key: change.key }, labels: [], plan: undefined }
}
