// What L2 could not be told waits here, and is told before L2 is trusted again (G2, G6).

import type { AtMs } from '../../model/entry.js'
import type { Label } from '../../model/labels.js'
import type { RecoveryPolicy } from '../../model/options/cache-policy.js'
import type { Bytes, Change, Clock } from '../../model/ports.js'
import { PrefixSet } from '../../model/prefix-set.js'
import { backoffMs, type Random } from '../../model/time/freshness.js'
import type { RemoteTier } from '../../tiers/remote-tier.js'
import { LabelIndex } from './label-index.js'
import type { ChangeJournal } from './outbox.js'
import {
  anew,
  asWaiting,
  bytesOf,
  idOf,
  keyId,
  labelId,
  merged,
  type PendingChange,
  removalOf,
} from './pending-change.js'
import type { Publisher } from './publisher.js'

/** What the recovery needs of its cache. */
export interface JournalSurroundings {
  readonly publisher: Publisher
  /** The label of the whole cache: what an overflow invalidates. */
  readonly rootLabel: Label
  /** `undefined`: there is no L2, and nothing ever waits. */
  readonly tier: RemoteTier | undefined
  readonly clock: Clock
  readonly random: Random
  /** Seals a waiting value again, with the tokens of now; `undefined` when they cannot be had. */
  reseal(pending: PendingChange): Promise<Change | undefined>
  /** Another stamp of the same soft expiry of a local key. */
  restamp(localKey: string, stamp: Bytes): Bytes
  /** Whether announcements travel with the store: then another process's newer write of the same key would have been heard. */
  readonly hearsOthers: boolean
  /** Resolves when the bus has delivered everything announced until now; `false` when it is not heard in time. */
  caughtUp(): Promise<boolean>
  /** Done here again when it was told there at last: what was read in between is outdated. */
  toldAtLast(pending: PendingChange, isLatest: boolean): void
  queued(waiting: number): void
  replayed(changes: number, overflowed: boolean): void
  background(what: string, work: () => Promise<unknown>): void
}

/** One waiting change. */
interface JournalEntry {
  pending: PendingChange
  /** Announcements may have been missed since: whether somebody wrote later is not known. */
  missedSome: boolean
}

interface Recent {
  readonly pending: PendingChange
  readonly atMs: AtMs
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5_000
const CHUNK = 500
const CONFIRMED_PER_FORGETTING = 256

/**
 * The journal of changes that were not confirmed, newest per key or label.
 *
 * Invariants:
 * - While a key or label waits here, this process neither believes what L2 says of it nor stores it there.
 * - What waits is told in the order in which it came, before L2 is used again after an outage.
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
  #mustAssertAgain = false
  #isReplaying = false
  #isPublishingValues = false
  #attempt = 0
  #cancelRetry: (() => void) | undefined
  #isEnded = false

  constructor(
    private readonly policy: RecoveryPolicy,
    private readonly around: JournalSurroundings,
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
    return this.around.tier?.isAvailable() !== true || !replacesAll(pending.change)
  }

  add(pending: PendingChange): void {
    const id = idOf(pending)
    const older = this.#entries.get(id)?.pending
    this.#remove(id)
    const waiting = asWaiting(pending)
    // A new object: what is being told at this moment is not this change.
    const kept = older === undefined ? waiting : { ...merged(older, waiting) }
    this.#entries.set(id, { pending: kept, missedSome: !this.around.hearsOthers })
    this.#labelled.add(id, kept.labels)
    this.#valueBytes += bytesOf(kept)
    this.#dropValuesOf(pending)
    if (this.#entries.size > this.policy.maxOperations || this.#valueBytes > this.policy.maxBytes) this.#overflow()
    this.around.queued(this.#entries.size)
    this.#planRetry()
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
    const atMs = this.around.clock.nowMs()
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

  /** The server is not the one of before: what it confirmed lately may be lost. */
  serverChanged(): void {
    this.#mustAssertAgain = true
  }

  /** Tells what waits. Runs alone, as the trial of the breaker's half-open state or on its own; `true` when L2 may be used again. */
  async replay(): Promise<boolean> {
    const { tier } = this.around
    if (tier === undefined) return true
    if (this.#isReplaying) return false
    this.#isReplaying = true
    try {
      return await this.#replay(tier)
    } finally {
      this.#isReplaying = false
    }
  }

  async #replay(tier: RemoteTier): Promise<boolean> {
    // Once more from the start if the server turns out to be another one meanwhile.
    do {
      if (this.#mustAssertAgain) this.#queueRecent(tier.lastAnsweredAtMs)
      if (this.#entries.size === 0) {
        if (!(await tier.answers())) return false
      } else if (!(await this.#tellRemovals())) return false
    } while (this.#mustAssertAgain)
    this.#attempt = 0
    // Values need the bus to have caught up, which may take longer than callers should wait: their keys stay blocked meanwhile.
    if (this.#entries.size > 0) this.around.background('replay values', () => this.#tellValues())
    return true
  }

  /** Removals, expiries and labels: each makes entries go away, so it is safe to tell at any time and more than once. */
  async #tellRemovals(): Promise<boolean> {
    const waiting = [...this.#entries.values()]
      .map(({ pending }) => pending)
      .filter(({ change }) => change.op !== 'put')
    for (let i = 0; i < waiting.length; i += CHUNK) {
      // A newer change may have gone ahead while the chunk before was told.
      const chunk = waiting.slice(i, i + CHUNK).filter((pending) => this.#isWaiting(pending))
      if (chunk.length === 0) continue
      const toTell = chunk.map((pending) => anew(pending, this.around.restamp))
      const results = await this.around.publisher.publish(toTell, 'recovery')
      const told = chunk.filter((_, at) => results[at] === undefined)
      chunk.forEach((pending, at) => {
        if (results[at] === undefined) this.#done(pending, toTell[at])
      })
      if (told.length > 0) this.#reportReplayed(told)
      if (told.length < chunk.length) return false
    }
    return true
  }

  #reportReplayed(told: readonly PendingChange[]): void {
    const isClear = ({ change, subject }: PendingChange) =>
      change.op === 'invalidateLabel' && subject === this.around.rootLabel
    const overflowed = this.#hasOverflowed && told.some(isClear)
    if (overflowed) this.#hasOverflowed = false
    this.around.replayed(told.length, overflowed)
  }

  /**
   * Values that nobody overtook, as far as the bus can tell; the others go away: where nothing stands somebody may have deleted.
   * What was told stays blocked until the bus has caught up once more: an invalidation may have come between the proof and the value.
   */
  async #tellValues(): Promise<void> {
    if (this.#isPublishingValues) return
    this.#isPublishingValues = true
    try {
      const hasHeard = await this.#hasCaughtUp()
      const told: JournalEntry[] = []
      for (const entry of [...this.#entries.values()]) {
        if (entry.pending.change.op !== 'put') continue
        if (!hasHeard || entry.missedSome) this.#valueToRemoval(idOf(entry.pending))
        else if (await this.#tellValue(entry)) told.push(entry)
        else break
      }
      if (told.length > 0) this.#settleValues(told, await this.#hasCaughtUp())
    } finally {
      this.#isPublishingValues = false
    }
    if (this.#entries.size > 0) this.#planRetry()
  }

  async #hasCaughtUp(): Promise<boolean> {
    return this.around.hearsOthers && (await this.around.caughtUp())
  }

  /** `false`: L2 could not be told. */
  async #tellValue({ pending }: JournalEntry): Promise<boolean> {
    const change = await this.around.reseal(pending)
    if (!this.#isWaiting(pending)) return true
    if (change === undefined) {
      this.#valueToRemoval(idOf(pending))
      return true
    }
    const results = await this.around.publisher.publish([{ ...pending, change }], 'recovery')
    return results[0] === undefined
  }

  #settleValues(told: readonly JournalEntry[], hasHeard: boolean): void {
    let count = 0
    for (const entry of told) {
      const { pending } = entry
      // Overtaken meanwhile: it is a removal by now, or a newer change waits.
      if (pending.change.op !== 'put' || !this.#isWaiting(pending)) continue
      if (!hasHeard || entry.missedSome) {
        this.#valueToRemoval(idOf(pending))
        continue
      }
      this.#done(pending)
      count++
    }
    if (count > 0) this.around.replayed(count, false)
  }

  #isWaiting(pending: PendingChange): boolean {
    return this.#entries.get(idOf(pending))?.pending === pending
  }

  /** `waiting` was told, in the form of `told`. What overtook it on the way goes on waiting. */
  #done(waiting: PendingChange, told: PendingChange = waiting): void {
    const isLatest = this.#isWaiting(waiting)
    if (isLatest) this.#remove(idOf(waiting))
    this.around.toldAtLast(told, isLatest)
    this.#remember(told)
  }

  /** What the server before confirmed shortly before its last answer: this one may lack it. */
  #queueRecent(lastAnsweredAtMs: AtMs): void {
    this.#mustAssertAgain = false
    this.#forgetOld(lastAnsweredAtMs)
    for (const [id, { pending }] of this.#recent) {
      // What waits is newer.
      if (!this.#entries.has(id)) this.#entries.set(id, { pending: pending, missedSome: true })
    }
    this.#recent.clear()
  }

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

  #valueToRemoval(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.pending.change.op !== 'put') return
    this.#valueBytes -= bytesOf(entry.pending)
    this.#labelled.remove(id, entry.pending.labels)
    entry.pending = removalOf(entry.pending)
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#valueBytes -= bytesOf(entry.pending)
    this.#labelled.remove(id, entry.pending.labels)
    this.#entries.delete(id)
  }

  #overflow(): void {
    const label = this.around.rootLabel
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
    // Here too, so that this process does not go on with what the others are told to forget.
    this.around.toldAtLast(pending, true)
  }

  /** While the breaker is closed nobody else calls `replay`. */
  #planRetry(): void {
    if (this.#cancelRetry !== undefined || this.#isEnded) return
    const delayMs = backoffMs(++this.#attempt, FIRST_RETRY_MS, LONGEST_RETRY_MS, this.around.random)
    this.#cancelRetry = this.around.clock.after(delayMs, () => {
      this.#cancelRetry = undefined
      if (this.#entries.size === 0 || this.#isEnded) return
      const retry = async () => {
        if (this.around.tier?.isAvailable() !== true || !(await this.replay())) this.#planRetry()
      }
      this.around.background('replay', retry)
    })
  }

  /** Stops trying; answers how many changes were never told. */
  end(): number {
    this.#isEnded = true
    this.#cancelRetry?.()
    return this.#entries.size
  }
}

/** Whether a change leaves nothing of what stood under its key or label before. */
function replacesAll(change: Change): boolean {
  return change.op === 'put' || change.op === 'delete' || change.op === 'invalidateLabel'
}
