// A change on its way out of this process, and what two of them for the same subject come to.
import { type Label, newSoftHalf } from '../../model/labels.js'
import type { Bytes, Change } from '../../model/ports.js'
import type { SealPlan } from '../state/seal-plan.js'

/** One change with what it is called locally. `subject` is a local key, or a label where `change` is one of a label. */
export interface PendingChange {
  readonly subject: string
  readonly change: Change
  /** Labels of a `put`, so that the recovery can tell when the value was invalidated before it arrived. */
  readonly labels: readonly Label[]
  /** How to seal a `put` again: the tokens that it carried may be others when it is told at last. */
  readonly plan: SealPlan | undefined
  /** A `put` whose tokens are not the store's: it has to wait until they can be had. */
  readonly mustReseal?: boolean
}

/**
 * As it is told once more: with a random part of its own. The one of the first time may have been executed, and another invalidation
 * may have come since, which must not be undone. `restamp` returns another stamp of the same soft expiry of a local key.
 */
export function anew(pending: PendingChange, restamp: (localKey: string, stamp: Bytes) => Bytes): PendingChange {
  const { change } = pending
  if (change.op === 'expire') {
    return { ...pending, change: { ...change, stamp: restamp(pending.subject, change.stamp) } }
  }
  if (change.op === 'expireLabel') return { ...pending, change: { ...change, soft: newSoftHalf() } }
  return pending
}

export const keyId = (localKey: string): string => `k${localKey}`
export const labelId = (label: Label): string => `l${label}`

/** What a change is about: the newer of two changes with one id decides. */
export function idOf({ subject, change }: PendingChange): string {
  return change.op === 'invalidateLabel' || change.op === 'expireLabel' ? labelId(subject) : keyId(subject)
}

/** The bytes of a value that are kept for a change. */
export function bytesOf({ change }: PendingChange): number {
  return change.op === 'put' || change.op === 'replace' ? change.bytes.length : 0
}

/** Two waiting changes of one subject as one: the newer, unless it is the softer. */
export function merged(older: PendingChange, newer: PendingChange): PendingChange {
  if (newer.change.op === 'expireLabel' && older.change.op === 'invalidateLabel') return older
  // What is expired is a value that never arrived: L2 may hold an older one, which must not be served at all.
  if (newer.change.op === 'expire' && older.change.op !== 'expire') return removalOf(newer)
  return newer
}

/** As it may wait: a fence, and a value that needs its fence to stand, mean nothing later; what waits for them is that the key goes away. */
export function asWaiting(pending: PendingChange): PendingChange {
  const { change, plan } = pending
  const mayWait = change.op !== 'replace' && (change.op !== 'put' || plan !== undefined)
  return mayWait ? pending : removalOf(pending)
}

/** The change that makes what stands under the same key go away. */
export function removalOf(pending: PendingChange): PendingChange {
  const { change, subject } = pending
  if (change.op !== 'put' && change.op !== 'replace' && change.op !== 'expire') return pending
  return { subject, change: { op: 'delete', key: change.key }, labels: [], plan: undefined }
}
