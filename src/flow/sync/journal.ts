// Changes that L2 has not confirmed wait here, newest per key or label, until `Replay` publishes them (G2, G6).

import type { AtMs } from '../../model/entry.js'
import type { Label } from '../../model/labels.js'
import type { RecoveryPolicy } from '../../model/options/cache-policy.js'
import type { Change, Clock } from '../../model/ports.js'
import { PrefixSet } from '../../model/prefix-set.js'
import { LabelIndex } from './label-index.js'
import type { ChangeJournal } from './outbox.js'
import { asWaiting, bytesOf, idOf, keyId, labelId, merged, type PendingChange, removalOf } from './pending-change.js'

/** What the journal needs of its cache. */
export interface JournalOwner {
  /** The label of the whole cache: what an overflow invalidates. */
  readonly rootLabel: Label
  readonly clock: Clock
  /** Whether announcements travel with the store: then another process's newer write of the same key would have been heard. */
  readonly hearsOthers: boolean
  isL2Available(): boolean
  /** So many wait now. */
  queued(waiting: number): void
  /** `clear` replaces all that waited. This process takes part, so that it does not go on with what the others forget. */
  overflowed(clear: PendingChange): void
}

/** One waiting change. */
export interface JournalEntry {
  pending: PendingChange
  /** Announcements may have been missed since: whether somebody wrote later is not known. */
  missedSome: boolean
}

interface Recent {
  readonly pending: PendingChange
  readonly atMs: AtMs
}

const CONFIRMED_PER_FORGETTING = 256

/**
 * Invariants:
 * - While a key or label waits here, this process neither believes what L2 says of it nor stores it there.
 * - The journal is bounded: on overflow everything in it becomes one invalidation of the whole cache. Nothing is ever forgotten.
 * - A waiting *value* is written only if nobody wrote or invalidated its key since, as far as the bus can tell; else the key is
 *   removed: a miss, never an older value over a newer one.
 */
export class Journal implements ChangeJournal {
  readonly #entries = new Map<string, JournalEntry>()
  readonly #labelled = new LabelIndex()
  /** By subject, oldest first. A value is kept as the removal that it would be asserted as: it costs no memory. */
  readonly #recent = new Map<string, Recent>()
  #valueBytes = 0
  #untilForgetting = CONFIRMED_PER_FORGETTING
  #hasOverflowed = false

  constructor(
    private readonly policy: RecoveryPolicy,
    private readonly owner: JournalOwner,
  ) {}

  get size(): number {
    return this.#entries.size
  }

  hasKey(localKey: string): boolean {
    return this.#entries.size > 0 && this.#entries.has(keyId(localKey))
  }

  hasLabel(label: Label): boolean {
    return this.#entries.size > 0 && this.#entries.has(labelId(label))
  }

  /** The value of this key that was set while L2 could not be reached. */
  pendingValue(localKey: string): PendingChange | undefined {
    const pending = this.#entries.get(keyId(localKey))?.pending
    return pending?.change.op === 'put' ? pending : undefined
  }

  blocks(pending: PendingChange): boolean {
    if (this.#entries.size === 0 || !this.#entries.has(idOf(pending))) return false
    // Once L2 is used again, what replaces whatever stands there goes ahead: a key that is set again and again would wait for ever.
    return !this.owner.isL2Available() || !replacesAll(pending.change)
  }

  add(pending: PendingChange): void {
    const id = idOf(pending)
    const older = this.#entries.get(id)?.pending
    this.#remove(id)
    const waiting = asWaiting(pending)
    // A new object: what is being told at this moment is not this change.
    const kept = older === undefined ? waiting : { ...merged(older, waiting) }
    this.#entries.set(id, { pending: kept, missedSome: !this.owner.hearsOthers })
    this.#labelled.add(id, kept.labels)
    this.#valueBytes += bytesOf(kept)
    this.#dropValuesOf(pending)
    if (this.#entries.size > this.policy.maxOperations || this.#valueBytes > this.policy.maxBytes) this.#overflow()
    this.owner.queued(this.#entries.size)
  }

  confirmed(pending: PendingChange): void {
    // What waited for the same key or label is older, and void by now.
    this.#remove(idOf(pending))
    this.#remember(pending)
  }

  #remember(pending: PendingChange): void {
    this.#dropValuesOf(pending)
    if (this.policy.windowMs <= 0) return
    const id = idOf(pending)
    const atMs = this.owner.clock.nowMs()
    this.#recent.delete(id)
    this.#recent.set(id, { pending: removalOf(pending), atMs })
    // Now and then: to look for the oldest of a Map takes a step for each one that was removed before it.
    this.#untilForgetting--
    if (this.#untilForgetting > 0) return
    this.#untilForgetting = CONFIRMED_PER_FORGETTING
    this.#forgetOld(atMs)
  }

  /** Another process wrote or invalidated these: a value that waits for them may be the older one. */
  overtaken(localKeys: readonly string[], labels: readonly Label[]): void {
    if (this.#entries.size === 0) return
    for (const localKey of localKeys) this.#valueToRemoval(keyId(localKey))
    for (const label of labels) this.#dropValuesWith(label)
  }

  /** Keys that begin like one of these were deleted, here or by another process. */
  prefixesOvertaken(localPrefixes: readonly string[]): void {
    if (this.#entries.size === 0) return
    const begins = new PrefixSet(localPrefixes.map(keyId))
    for (const id of [...this.#entries.keys()]) if (begins.covers(id)) this.#valueToRemoval(id)
  }

  /** Announcements may have been missed. */
  busLost(): void {
    for (const entry of this.#entries.values()) entry.missedSome = true
  }

  // ── What `Replay` does with them ────────────────────────────────────────────────────────────────────────────────────────────

  /** Removals, expiries and labels, in the order in which they came: each makes entries go away. */
  removals(): PendingChange[] {
    return this.#waiting().filter(({ change }) => change.op !== 'put')
  }

  /** Values, in the order in which they came. */
  values(): JournalEntry[] {
    return [...this.#entries.values()].filter(({ pending }) => pending.change.op === 'put')
  }

  #waiting(): PendingChange[] {
    return [...this.#entries.values()].map(({ pending }) => pending)
  }

  isWaiting(pending: PendingChange): boolean {
    return this.#entries.get(idOf(pending))?.pending === pending
  }

  /** `waiting` was published, in the form of `published`. Returns whether it is the latest of its subject: what overtook it goes on waiting. */
  published(waiting: PendingChange, published: PendingChange = waiting): 'latest' | 'overtaken' {
    const isLatest = this.isWaiting(waiting)
    if (isLatest) this.#remove(idOf(waiting))
    this.#remember(published)
    return isLatest ? 'latest' : 'overtaken'
  }

  /** A waiting value becomes the removal of its key. */
  dropValue(pending: PendingChange): void {
    this.#valueToRemoval(idOf(pending))
  }

  /** What the server before confirmed shortly before its last answer: this one may lack it. */
  assertRecent(lastAnsweredAtMs: AtMs): void {
    this.#forgetOld(lastAnsweredAtMs)
    for (const [id, { pending }] of this.#recent) {
      // What waits is newer.
      if (!this.#entries.has(id)) this.#entries.set(id, { pending: pending, missedSome: true })
    }
    this.#recent.clear()
  }

  /** Whether `published` holds the clear of an overflow; it is reported once. */
  takeOverflow(published: readonly PendingChange[]): boolean {
    const isClear = ({ change, subject }: PendingChange) =>
      change.op === 'invalidateLabel' && subject === this.owner.rootLabel
    const overflowed = this.#hasOverflowed && published.some(isClear)
    if (overflowed) this.#hasOverflowed = false
    return overflowed
  }

  // ── Keeping it small ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #forgetOld(nowMs: AtMs): void {
    const keepFromMs = nowMs - this.policy.windowMs
    for (const [id, { atMs }] of this.#recent) {
      if (atMs >= keepFromMs && this.#recent.size <= 2 * this.policy.maxOperations) return
      this.#recent.delete(id)
    }
  }

  /** A label was invalidated: values that carry it, set before, must not arrive after it. */
  #dropValuesOf(pending: PendingChange): void {
    const { change } = pending
    if (change.op === 'invalidateLabel' || change.op === 'expireLabel') this.#dropValuesWith(change.label)
  }

  #dropValuesWith(label: Label): void {
    for (const id of [...this.#labelled.with(label)]) this.#valueToRemoval(id)
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#valueBytes -= bytesOf(entry.pending)
    this.#labelled.remove(id, entry.pending.labels)
    this.#entries.delete(id)
  }

  #overflow(): void {
    const label = this.owner.rootLabel
    this.#entries.clear()
    this.#labelled.clear()
    this.#valueBytes = 0
    this.#hasOverflowed = true
    const pending: PendingChange = {
      subject: label,
      change: { op: 'invalidateLabel', label },
      labels: [],
      plan: undefined,
    }
    this.#entries.set(labelId(label), { pending: pending, missedSome: true })
    this.owner.overflowed(pending)
  }

  #valueToRemoval(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.pending.change.op !== 'put') return
    this.#valueBytes -= bytesOf(entry.pending)
    this.#labelled.remove(id, entry.pending.labels)
    entry.pending = removalOf(entry.pending)
  }
}

/** Whether a change leaves nothing of what stood under its key or label before. */
function replacesAll(change: Change): boolean {
  return change.op === 'put' || change.op === 'delete' || change.op === 'invalidateLabel'
}
