// What an invalidation does inside this process, whoever asked for it: this process, another one over the bus, or the recovery.
import type { Entry } from '../../model/entry.js'
import { InFlightSet } from '../../model/in-flight-set.js'
import type { Label } from '../../model/labels.js'
import type { Change, Clock } from '../../model/ports.js'
import { PrefixSet } from '../../model/prefix-set.js'
import type { MemoryTier } from '../../tiers/memory-tier.js'
import type { TokenTable } from '../tokens/token-table.js'
import type { Flight } from './flight.js'
import { FlightTable } from './flight-table.js'
import { InvalidationLog } from './invalidation-log.js'
import type { L1Sweep } from './l1-sweep.js'
import { LoadFailures } from './load-failures.js'
import { UnsentWrites } from './unsent-writes.js'

/** Is told of every change, at once and in the async context of whoever makes it. */
export interface ChangeWatcher {
  keyOutdated(localKey: string): void
  prefixesOutdated(localPrefixes: PrefixSet): void
  labelsOutdated(labels: ReadonlySet<Label>): void
}

/**
 * L1, the tokens, the flights and the two logs of one cache, kept in step.
 *
 * Invariant (the in-process half of G1): after any method returned, no read, load or flight that began before it can put its
 * answer into L1, and no later caller joins such a flight.
 */
export class LocalState {
  readonly keyLog = new InvalidationLog()
  readonly labelLog = new InvalidationLog()
  /** Which loads failed lately. */
  readonly failures = new LoadFailures(this.labelLog)
  /** What callers of a key join. */
  readonly flights = new FlightTable()
  /** Every flight that has not ended, those that nobody may join any more included. */
  readonly inFlight = new InFlightSet<Flight>()
  /** Writes of this process that wait for tokens: what it reads before they have left. */
  readonly unsent = new UnsentWrites()
  /** Finds what a label's invalidation leaves in L1. */
  sweep: Pick<L1Sweep, 'request'> | undefined
  /** Request scopes, once there are any. */
  watcher: ChangeWatcher | undefined

  constructor(
    readonly l1: MemoryTier | undefined,
    readonly tokens: TokenTable,
    private readonly clock: Pick<Clock, 'nowMs'>,
    /** The label that every entry carries. */
    private readonly rootLabel: Label | undefined,
  ) {}

  /** The key was deleted or overwritten; `except` is the entry that overwrote it, if L1 has it already. */
  forgetKey(localKey: string, except?: Entry): void {
    this.outdate(localKey)
    this.failures.lift(localKey)
    if (this.l1 !== undefined && (except === undefined || this.l1.peek(localKey) !== except)) this.l1.delete(localKey)
  }

  /** Every key that begins like this was deleted. Returns how many L1 had; it looks at each key that L1 has. */
  forgetPrefix(localPrefix: string): number {
    return this.forgetPrefixes([localPrefix])
  }

  /** The same for many prefixes: L1 is looked through once. */
  forgetPrefixes(localPrefixes: readonly string[]): number {
    this.keyLog.recordAll()
    const prefixes = new PrefixSet(localPrefixes)
    this.watcher?.prefixesOutdated(prefixes)
    if (this.unsent.size > 0) this.unsent.outdatePrefixes(prefixes)
    this.failures.liftPrefixes(prefixes)
    for (const { localKey } of this.flights.values()) if (prefixes.covers(localKey)) this.detach(localKey)
    let count = 0
    for (const [localKey] of [...(this.l1?.entries() ?? [])]) {
      if (prefixes.covers(localKey) && this.l1?.delete(localKey)) count++
    }
    return count
  }

  /** The key was softly expired: what L1 has may still be served if loading fails. */
  expireKey(localKey: string): void {
    this.outdate(localKey)
    this.failures.lift(localKey)
    this.l1?.peek(localKey)?.expire(this.clock.nowMs())
  }

  /** Nothing is known of the key any more, yet it may be what it was: the next read asks L2. */
  unverifyKey(localKey: string): void {
    this.outdate(localKey)
    this.l1?.peek(localKey)?.unverify()
  }

  /** The labels were invalidated. Flights and unsent writes are looked through once, however many labels there are. */
  forgetLabels(labels: ReadonlySet<Label>): void {
    if (this.unsent.size > 0) this.unsent.outdateLabels(labels)
    this.#forgetLabels(labels)
  }

  /** The labels were softly expired. */
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
   * L2 has confirmed a change of this process, or could not be reached. A read that began in between may have seen the old value or
   * the old token: it must not be kept, and what it left in L1 goes, unless it is `written`. A write that began since is later.
   */
  applyChange(subject: string, change: Change, l1: 'clean-l1' | 'keep-l1', written?: Entry): void {
    switch (change.op) {
      case 'put':
      case 'replace':
      case 'delete':
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
        change satisfies never
    }
  }

  /** The same of labels. A write that waits for its tokens began later, or was outdated when they were invalidated. */
  applyLabelChange(op: 'invalidateLabel' | 'expireLabel', labels: ReadonlySet<Label>): void {
    if (op === 'invalidateLabel') this.#forgetLabels(labels)
    else this.#expireLabels(labels)
  }

  /** Announcements may have been missed. What cannot be checked against an L2 is dropped. */
  loseTrack(): void {
    if (this.tokens.isShared) this.tokens.lost()
    else this.forgetPrefix('')
  }

  /** Whatever is being read or loaded of this key is outdated. */
  outdate(localKey: string): void {
    this.keyLog.record(localKey)
    this.watcher?.keyOutdated(localKey)
    this.detach(localKey)
  }

  /** The flight under this key serves those who wait for it and keeps nothing; the next caller starts anew. */
  detach(localKey: string): void {
    const flight = this.flights.get(localKey)
    if (flight === undefined) return
    flight.detached = true
    this.flights.delete(flight)
  }

  /** This flight takes no more joiners and keeps nothing; another one under its key is left alone. */
  detachFlight(flight: Flight): void {
    flight.detached = true
    this.flights.delete(flight)
  }

  /** Ends every load, whatever its loader does. */
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
