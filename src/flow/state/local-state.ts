// The effect of an invalidation in this process, whether it comes from a call, from the bus or from the replay.
import type { AtMs, Entry } from '../../model/entry.js'
import type { Label } from '../../model/labels.js'
import type { Change, Clock, Milliseconds } from '../../model/ports.js'
import { PrefixSet } from '../../model/prefix-set.js'
import type { Deadlines } from '../../tiers/deadlines.js'
import type { MemoryTier } from '../../tiers/memory-tier.js'
import type { Flight } from '../flights/flight.js'
import { FlightTable } from '../flights/flight-table.js'
import { InvalidationLog } from '../flights/invalidation-log.js'
import type { TokenTable } from '../tokens/token-table.js'
import { Holds } from './holds.js'
import type { L1Sweep } from './l1-sweep.js'
import { LoadFailures } from './load-failures.js'
import { UnsentWrites } from './unsent-writes.js'

/** Called for every change, synchronously and in the async context of the call that makes it. */
export interface ChangeWatcher {
  keyOutdated(localKey: string): void
  prefixesOutdated(localPrefixes: PrefixSet): void
  labelsOutdated(labels: ReadonlySet<Label>): void
  /** Something is held until then. */
  held(untilMs: AtMs): void
}

/**
 * Keeps L1, the tokens, the flights and the two logs of one cache consistent.
 *
 * Invariant (the in-process half of G1): after any invalidating method has returned, no affected read, load or flight that began before
 * it can put its result into L1, and no later caller joins such a flight.
 */
export class LocalState {
  readonly keyLog = new InvalidationLog()
  readonly labelLog = new InvalidationLog()
  /** Which loads failed recently. */
  readonly failures = new LoadFailures(this.labelLog)
  /** The flights that new callers can join. */
  readonly flights = new FlightTable()
  /** Writes of this process that wait for tokens. It reads their values until they are sent. */
  readonly unsent = new UnsentWrites()
  /** What is loaded of these keys and labels is kept nowhere for a while. */
  readonly holds = new Holds()
  /** Removes the dead entries that the invalidation of a label leaves in L1. */
  sweep: Pick<L1Sweep, 'request'> | undefined
  /** The request scopes, once there are any. */
  watcher: ChangeWatcher | undefined

  constructor(
    readonly l1: MemoryTier | undefined,
    readonly tokens: TokenTable,
    private readonly clock: Pick<Clock, 'nowMs'>,
    /** The label that every entry carries. */
    private readonly rootLabel: Label | undefined,
    /** Every flight that is not over, including those that new callers cannot join, with its `hardTimeout`. */
    readonly inFlight: Deadlines<Flight>,
  ) {
    tokens.onHeld = (untilMs) => this.holds.heldInL2(untilMs)
  }

  /** The key was deleted or overwritten; `except` is the entry that overwrote it, if L1 has it already. */
  forgetKey(localKey: string, except?: Entry): void {
    this.outdate(localKey)
    this.failures.lift(localKey)
    if (this.l1 !== undefined && (except === undefined || this.l1.peek(localKey) !== except)) this.l1.delete(localKey)
  }

  /** From now on what is loaded of these keys is kept nowhere for `holdMs`. Their invalidation must follow. */
  holdKeys(localKeys: readonly string[], holdMs: Milliseconds): void {
    const nowMs = this.clock.nowMs()
    for (const localKey of localKeys) this.holds.holdKey(localKey, nowMs + holdMs, nowMs)
    this.watcher?.held(nowMs + holdMs)
  }

  /** The same for what carries one of these labels. */
  holdLabels(labels: readonly Label[], holdMs: Milliseconds): void {
    const nowMs = this.clock.nowMs()
    for (const label of labels) this.holds.holdLabel(label, nowMs + holdMs, nowMs)
    this.watcher?.held(nowMs + holdMs)
  }

  /** Every key with this prefix was deleted. Returns how many of them L1 had. It checks every key of L1. */
  forgetPrefix(localPrefix: string): number {
    return this.forgetPrefixes([localPrefix])
  }

  /** The same for many prefixes, in one pass over L1. */
  forgetPrefixes(localPrefixes: readonly string[]): number {
    this.keyLog.recordAll()
    const prefixes = new PrefixSet(localPrefixes)
    this.watcher?.prefixesOutdated(prefixes)
    if (this.unsent.size > 0) this.unsent.outdatePrefixes(prefixes)
    this.failures.liftPrefixes(prefixes)
    for (const { localKey } of this.flights.values()) if (prefixes.covers(localKey)) this.detach(localKey)
    // The prefix of a ghost is not known.
    this.l1?.ghosts?.clear()
    let count = 0
    for (const [localKey] of [...(this.l1?.entries() ?? [])]) {
      if (prefixes.covers(localKey) && this.l1?.delete(localKey)) count++
    }
    return count
  }

  /** The key was soft-expired: what L1 has may still be served if loading fails. */
  expireKey(localKey: string): void {
    this.outdate(localKey)
    this.failures.lift(localKey)
    this.l1?.peek(localKey)?.expire(this.clock.nowMs())
  }

  /** The key may have changed: its next read asks L2. */
  unverifyKey(localKey: string): void {
    this.outdate(localKey)
    this.l1?.peek(localKey)?.unverify()
  }

  /** The labels were invalidated. Flights and unsent writes are checked in one pass, however many labels there are. */
  forgetLabels(labels: ReadonlySet<Label>): void {
    if (this.unsent.size > 0) this.unsent.outdateLabels(labels)
    this.#forgetLabels(labels)
  }

  /** The labels were soft-expired. */
  expireLabels(labels: ReadonlySet<Label>): void {
    if (this.unsent.size > 0) this.unsent.outdateLabels(labels)
    this.#expireLabels(labels)
  }

  #forgetLabels(labels: ReadonlySet<Label>): void {
    if (labels.size === 0) return
    for (const label of labels) {
      this.labelLog.record(label)
      this.tokens.forget(label)
    }
    this.watcher?.labelsOutdated(labels)
    this.#detachLabelled(labels)
    if (this.rootLabel !== undefined && labels.has(this.rootLabel)) this.l1?.clear()
    else this.sweep?.request()
  }

  #expireLabels(labels: ReadonlySet<Label>): void {
    if (labels.size === 0) return
    const nowMs = this.clock.nowMs()
    for (const label of labels) {
      this.labelLog.record(label)
      this.tokens.expire(label, nowMs)
    }
    this.watcher?.labelsOutdated(labels)
    this.#detachLabelled(labels)
  }

  /**
   * Applies a change here, and again once L2 has confirmed it or could not be reached. A read in between may have seen the old value or
   * the old token: its result must not be kept, and what it left in L1 goes, unless that is `written`. Unsent writes stay, since those
   * that began in between are newer.
   */
  applyChange(
    subject: string,
    change: { readonly op: Change['op'] | 'swapped' },
    l1: 'clean-l1' | 'keep-l1',
    written?: Entry,
  ): void {
    switch (change.op) {
      case 'put':
      case 'replace':
      case 'delete':
      case 'swapped':
        if (l1 === 'clean-l1') this.forgetKey(subject, written)
        else this.outdate(subject)
        break
      case 'expire':
        this.expireKey(subject)
        break
      case 'invalidateLabel':
      case 'expireLabel':
        this.applyLabelChange(change.op, new Set([subject]))
        break
      default:
        change.op satisfies never
    }
  }

  /** The same for labels. Unsent writes stay: they began later, or became outdated when the labels were invalidated. */
  applyLabelChange(op: 'invalidateLabel' | 'expireLabel', labels: ReadonlySet<Label>): void {
    if (op === 'invalidateLabel') this.#forgetLabels(labels)
    else this.#expireLabels(labels)
  }

  /** Announcements may have been missed. Without an L2 nothing can be verified, so L1 is emptied. */
  loseTrack(): void {
    if (this.tokens.isShared) this.tokens.lost()
    else this.forgetPrefix('')
  }

  /** Everything that is being read or loaded for this key is outdated. */
  outdate(localKey: string): void {
    this.keyLog.record(localKey)
    this.watcher?.keyOutdated(localKey)
    this.l1?.ghosts?.forget(localKey)
    this.detach(localKey)
  }

  /** The flight of this key serves the callers that wait for it, and its value is kept nowhere. The next caller starts a new one. */
  detach(localKey: string): void {
    const flight = this.flights.get(localKey)
    if (flight === undefined) return
    flight.detached = true
    this.flights.delete(flight)
  }

  /** Detaches this very flight. Another one under its key is left alone. */
  detachFlight(flight: Flight): void {
    flight.detached = true
    this.flights.delete(flight)
  }

  /** Aborts every load, without waiting for its loader. */
  abortAll(reason: Error): void {
    for (const flight of new Set([...this.inFlight, ...this.flights.values()])) flight.abort(reason)
    this.flights.clear()
  }

  #detachLabelled(labels: ReadonlySet<Label>): void {
    for (const flight of this.flights.values()) {
      if (flight.labels.some((label) => labels.has(label))) this.detach(flight.localKey)
    }
  }
}
