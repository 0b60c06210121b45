// Changes that L2 has not confirmed wait here, the newest per key or label, until `Replay` publishes them (G2, G6).

import type { AtMs } from '../../model/entry.js'
import type { Label } from '../../model/labels.js'
import type { RecoveryPolicy } from '../../model/options/cache-policy.js'
import type { Clock } from '../../model/ports.js'
import { PrefixSet } from '../../model/prefix-set.js'
import { LabelIndex } from './label-index.js'
import type { ChangeJournal } from './outbox.js'
import {
  asWaiting,
  bytesOf,
  idOf,
  keyId,
  labelId,
  merged,
  type PendingChange,
  removalOf,
  stillHeld,
} from './pending-change.js'

/** What the journal needs of its cache. */
export interface JournalOwner {
  /** The label of the whole cache: what an overflow invalidates. */
  readonly rootLabel: Label
  readonly clock: Clock
  /** Whether announcements travel with the store: then another process's newer write of the same key would have been heard. */
  readonly hearsOthers: boolean
  isL2Available(): boolean
  /** Called when a change was added; `waiting` is how many wait now. */
  queued(waiting: number): void
  /** `clear` has replaced everything that waited. It must take effect in this process, too, since the others will forget everything. */
  overflowed(clear: PendingChange): void
}

/** One waiting change. */
export interface JournalEntry {
  pending: PendingChange
  /** Announcements may have been missed since it was added, so a newer write of another process may be unknown here. */
  missedSome: boolean
}

interface Recent {
  readonly pending: PendingChange
  readonly atMs: AtMs
}

const CONFIRMED_PER_FORGETTING = 256

/**
 * Invariants:
 * - While a key or label waits here, this process neither reads it from L2 nor stores it there.
 * - The journal is bounded: on overflow everything in it becomes one invalidation of the whole cache. No change is ever lost.
 * - A waiting *value* is written only if no process wrote or invalidated its key since, as far as the bus shows; else the key is
 *   removed: a miss, never an older value over a newer one.
 */
export class Journal implements ChangeJournal {
  readonly #entries = new Map<string, JournalEntry>()
  readonly #labelled = new LabelIndex()
  /** Confirmed changes by subject, oldest first. A value is kept as the removal of its key, which needs no memory for the value. */
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

  /** The first `most` changes that wait, in the order in which they came. */
  first(most: number): PendingChange[] {
    const changes: PendingChange[] = []
    for (const { pending } of this.#entries.values()) {
      if (changes.length >= most) break
      changes.push(pending)
    }
    return changes
  }

  blocks(pending: PendingChange): boolean {
    if (this.#entries.size === 0 || !this.#entries.has(idOf(pending))) return false
    // With L2 in use, a change that leaves nothing of what stood there goes ahead: else a key that is set often would wait for ever.
    return !this.owner.isL2Available() || !replacesAll(pending.change)
  }

  add(pending: PendingChange): void {
    const id = idOf(pending)
    const older = this.#entries.get(id)?.pending
    this.#remove(id)
    const waiting = asWaiting(pending)
    // A copy: the older change may be in publication now, and its confirmation must not count for this one.
    const kept = older === undefined ? waiting : { ...merged(older, waiting) }
    this.#entries.set(id, { pending: kept, missedSome: !this.owner.hearsOthers })
    this.#labelled.add(id, kept.labels)
    this.#valueBytes += bytesOf(kept)
    this.#dropValuesOf(pending)
    if (this.#entries.size > this.policy.maxOperations || this.#valueBytes > this.policy.maxBytes) this.#overflow()
    this.owner.queued(this.#entries.size)
  }

  confirmed(pending: PendingChange): void {
    // A change that waited for the same key or label is older, and void by now. Only a hold that lasts longer is not.
    const id = idOf(pending)
    const waiting = this.#entries.get(id)?.pending
    if (waiting === undefined || stillHeld(pending, waiting) === pending) this.#remove(id)
    this.#remember(pending)
  }

  #remember(pending: PendingChange): void {
    this.#dropValuesOf(pending)
    if (this.policy.windowMs <= 0) return
    const id = idOf(pending)
    const atMs = this.owner.clock.nowMs()
    const before = pending.change.op === 'put' ? undefined : this.#recent.get(id)?.pending
    const removal = removalOf(pending)
    this.#recent.delete(id)
    this.#recent.set(id, { pending: before === undefined ? removal : stillHeld(removal, before), atMs })
    // Only now and then: finding the oldest key of a Map takes a step for each key that was removed before it.
    this.#untilForgetting--
    if (this.#untilForgetting > 0) return
    this.#untilForgetting = CONFIRMED_PER_FORGETTING
    this.#forgetOld(atMs)
  }

  /** These were written or invalidated, here or by another process: a value that waits for them may be the older one. */
  overtaken(localKeys: readonly string[], labels: readonly Label[]): void {
    if (this.#entries.size === 0) return
    for (const localKey of localKeys) this.#valueToRemoval(keyId(localKey))
    for (const label of labels) this.#dropValuesWith(label)
  }

  /** Keys that begin with one of these were deleted, here or by another process. */
  prefixesOvertaken(localPrefixes: readonly string[]): void {
    if (this.#entries.size === 0) return
    const prefixes = new PrefixSet(localPrefixes.map(keyId))
    for (const id of [...this.#entries.keys()]) if (prefixes.covers(id)) this.#valueToRemoval(id)
  }

  /** Announcements may have been missed. */
  busLost(): void {
    for (const entry of this.#entries.values()) entry.missedSome = true
  }

  // ── For `Replay` ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Removals, expiries and changes of labels, in the order in which they came. They only make entries go away. */
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

  /**
   * `waiting` was published in the form of `published`. Returns whether it is the latest change of its subject; a later one goes on
   * waiting.
   */
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

  /** Adds what the previous server confirmed shortly before its last reply: the new one may lack it. */
  assertRecent(lastAnsweredAtMs: AtMs): void {
    this.#forgetOld(lastAnsweredAtMs)
    // A swap that the previous server executed may be lost, too: announcing it is not enough.
    for (const entry of this.#entries.values()) {
      if (entry.pending.change.op !== 'swapped') continue
      this.#valueBytes -= bytesOf(entry.pending)
      entry.pending = removalOf(entry.pending)
    }
    for (const [id, { pending }] of this.#recent) {
      // A change that waits is newer.
      if (!this.#entries.has(id)) this.#entries.set(id, { pending, missedSome: true })
    }
    this.#recent.clear()
  }

  /** Whether `published` contains the `clear` of an overflow. True once per overflow. */
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

  /** If a label changed, values that carry it and were set before must not reach L2 after it. */
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
    // What was held is part of the whole cache, which is held instead of it.
    let heldUntilMs: AtMs | undefined
    for (const { pending } of this.#entries.values()) {
      if (pending.heldUntilMs !== undefined) heldUntilMs = Math.max(heldUntilMs ?? 0, pending.heldUntilMs)
    }
    this.#entries.clear()
    this.#labelled.clear()
    this.#valueBytes = 0
    this.#hasOverflowed = true
    const pending: PendingChange = {
      subject: label,
      change: { op: 'invalidateLabel', label },
      labels: [],
      plan: undefined,
      heldUntilMs,
    }
    this.#entries.set(labelId(label), { pending, missedSome: true })
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
function replacesAll(change: PendingChange['change']): boolean {
  return change.op === 'put' || change.op === 'delete' || change.op === 'invalidateLabel'
}
