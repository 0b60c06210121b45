// One running load of one key, from the read of L2 to its end, and the callers that wait for it.
import type { AsyncResource } from 'node:async_hooks'
import type { Age, AtMs, Entry } from '../../model/entry.js'
import type { LoadReason, Tier } from '../../model/events/events.js'
import { asJoined, FAILED, LOADED, type ReadOutcome } from '../../model/events/read-outcome.js'
import type { StoreOutcome } from '../../model/events/store-outcome.js'
import type { Space } from '../../model/keys/key.js'
import { type Label, type LabelSet, MAX_LABELS, NO_LABELS, tagLabel } from '../../model/labels.js'
import type { Tags } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes, Clock, Milliseconds } from '../../model/ports.js'
import type { Timed } from '../../tiers/deadlines.js'
import type { Unavailable } from '../../tiers/operation.js'
import type { PendingRead, ReadAt } from '../../tiers/read-batch.js'
import type { LoadTrace, Trace } from '../events/traces.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import type { WaitingCallers } from '../runtime/waiting-callers.js'
import type { Mark } from './invalidation-log.js'
import { LoadAbort } from './load-abort.js'
import type { LoadRequest } from './load-request.js'
import { type Loading, reaches } from './loading.js'
import { LeavingCallers, stays, type Waiting } from './waiting.js'

/** An entry that may be served in some way, and the tier that has it. */
export interface UsableEntry {
  readonly entry: Entry
  readonly tier: Tier
  readonly age: Exclude<Age, 'expired'>
}

/** What a flight is for, fixed when it is prepared. */
export interface FlightPlan {
  readonly request: LoadRequest
  readonly reason: LoadReason
  /** Labels known before the load: scopes and listed tags. */
  readonly labels: readonly Label[]
  readonly keyMark: Mark
  readonly labelMark: Mark
  readonly beganAtMs: AtMs
  /** The epoch of the token table when the flight began. */
  readonly epoch: number
}

/** What runs flights. */
export interface FlightOwner {
  readonly callers: Pick<WaitingCallers, 'beginWait' | 'endWait'>
  /** L2 has replied to the read of a flight, or it could not be asked. */
  hasRead(flight: Flight, bytes: Bytes | undefined | Unavailable, at: ReadAt): void
  /** The `hardTimeout` of a flight has passed, or its `lateResult`. */
  isDue(flight: Flight): void
  /** The reads of `count` callers that shared the result have ended. */
  ended(flight: Flight, outcome: ReadOutcome, count: number): void
  budgetOf(flight: Flight): TimeBudget
}

/**
 * Its result settles exactly once. After that the load may still run (if a stale value was served), or its value may still be on the
 * way into L2.
 *
 * Single flight (G5): callers of a key join the flight that `LocalState.flights` has for it, and no other.
 *
 * One object is also the pending read of L2, and what `hardTimeout` ends: a hit in L2 makes one promise, which its callers share.
 */
export class Flight implements Loading, Timed, PendingRead {
  readonly request: LoadRequest
  readonly localKey: string
  reason: LoadReason
  labels: readonly Label[]
  readonly keyMark: Mark
  readonly labelMark: Mark
  readonly beganAtMs: AtMs
  readonly epoch: number
  /** The key of its entry in L2, once L2 is asked. */
  storeKey = ''
  /** When it started, by the clock of the callers. */
  startedAtMs: AtMs = 0
  /** When its `hardTimeout` passes, once it has started; then when its `lateResult` does. */
  dueAtMs: AtMs = Number.POSITIVE_INFINITY
  /** Settles with what the callers get. */
  readonly result: Promise<unknown>
  /** Starts a refresh that waits for a free place; `undefined` once it has started. */
  start: (() => Promise<void>) | undefined
  /** The flight still serves its callers, but its value is kept nowhere. */
  detached = false
  isSettled = false
  /** Never abort for lack of callers: one caller has neither signal nor limit, or the load runs in the background. */
  isKeptAlive = false
  /** The loader has returned; only storing remains. */
  hasLoaded = false
  /** The outcome for the caller that began it; for joiners it is `asJoined` of this one. Final once `isSettled`. */
  outcome: ReadOutcome = LOADED
  /** A refresh that a caller requested: it loads, whatever L2 has. */
  mustLoad = false
  /** The error of its load, also if a stale value was served. */
  failure: { readonly error: unknown } | undefined
  /** The entry that was served, if the result is not what this flight loaded. */
  servedEntry: Entry | undefined
  /** Its tokens are being read, or were: labels that come later must be proven after the load. */
  readsTokens = false
  /** Its loader was called. */
  isLoading = false
  /** Tags of callers that joined too late for `labels`. */
  joinedTags: Set<Tags<never>> | undefined
  /** What may be served instead if the load fails or takes too long. */
  usable: UsableEntry | undefined
  /** The labels of the result, by which a later joiner sees whether it was invalidated before that joiner came. */
  resultLabels: readonly Label[] | undefined
  /** Until when joiners may get the result. */
  resultUntilMs = Number.POSITIVE_INFINITY
  /** What stood in L2 when its load began, if that is known. */
  fence: Bytes | undefined
  /** When its loader returned, and how long it took. */
  loadedAtMs: AtMs | undefined
  loadMs: Milliseconds = 0
  /** Where its loaded value was stored, or why nowhere; `undefined` until that is decided. */
  stored: StoreOutcome | undefined
  /** Its loader is the holder of a slot (`reserve`): if nothing is filled in time, its callers start anew instead of failing. */
  isReserved = false
  /** It waits for no lease: the holder of its slot reads the recording of the load that has one. */
  followsLeases = false
  /** A lease whose load cannot be current for its callers: this flight replaces it. */
  outdatedLease: Bytes | undefined
  /** The labels of its load with the tokens of before it. */
  carried: LabelSet = NO_LABELS
  /** Its `hardTimeout` is over, so its callers have left, but its value may still be kept (`lateResult`). */
  isLate = false
  /** L2 said before its load that the key or a label is held. This process does not know until when. */
  isHeldInL2 = false
  stopFollowing: (() => void) | undefined
  /** The lease under its key, if this flight holds it. */
  lease: Bytes | undefined
  /** Publishes the end of its load, if somebody listens. */
  trace: Trace<LoadTrace> | undefined
  /** The cache drains no earlier than it is over. */
  isBackgroundWork = false
  /** The async context of the caller that began it, if a reply that others share comes in between: its load runs there. */
  context: AsyncResource | undefined
  /** Its index among the flights that are not over. */
  place = -1
  /** The hash of its key in `FlightTable`. */
  hash = 0
  /** The next flight of the same bucket of `FlightTable`. */
  nextInTable: Flight | undefined
  #waitsFor: Set<Loading> | undefined
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #abort: LoadAbort | undefined
  #isOver = false
  #over: Promise<void> | undefined
  #endOver: (() => void) | undefined
  #leaving: LeavingCallers | undefined
  #budget: TimeBudget | undefined
  /** Whether a caller that shares the result began the flight, and how many joined it. */
  #isStarterSharing = false
  #sharing = 0

  constructor(
    plan: FlightPlan,
    usable: UsableEntry | undefined,
    private readonly owner: FlightOwner,
  ) {
    this.usable = usable
    this.request = plan.request
    this.localKey = plan.request.localKey
    this.reason = plan.reason
    this.labels = plan.labels
    this.keyMark = plan.keyMark
    this.labelMark = plan.labelMark
    this.beganAtMs = plan.beganAtMs
    this.epoch = plan.epoch
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get space(): Space {
    return this.request.scope.space
  }

  get policy(): Policy {
    return this.request.policy
  }

  get askedAtMs(): AtMs {
    return this.beganAtMs
  }

  /** What L2 may cost its callers. */
  get budget(): TimeBudget {
    this.#budget ??= this.owner.budgetOf(this)
    return this.#budget
  }

  replied(bytes: Bytes | undefined | Unavailable, at: ReadAt): void {
    this.owner.hasRead(this, bytes, at)
  }

  onDue(): void {
    this.owner.isDue(this)
  }

  /** Only the first result counts. `entry` is what was served, if that is not the loaded value. */
  resolve(value: unknown, outcome: ReadOutcome = LOADED, entry?: Entry): void {
    if (this.isSettled) return
    this.servedEntry = entry
    this.#settled(outcome)
    this.#resolve(value)
  }

  reject(error: unknown, outcome: ReadOutcome = FAILED): void {
    if (this.isSettled) return
    this.#settled(outcome)
    this.#reject(error)
    // A background refresh, or a load whose callers all left, may fail with nobody listening. An event has reported the failure.
    if (!this.#isShared) this.result.catch(() => undefined)
  }

  #settled(outcome: ReadOutcome): void {
    this.isSettled = true
    this.outcome = outcome
    if (!this.#isShared) return
    if (this.#isStarterSharing) this.owner.ended(this, outcome, 1)
    if (this.#sharing > 0) this.owner.ended(this, asJoined(outcome), this.#sharing)
    this.owner.callers.endWait()
  }

  get #isShared(): boolean {
    return this.#isStarterSharing || this.#sharing > 0
  }

  /**
   * The result itself, for a caller that stays until it is there. Such callers share one promise, and the flight reports their reads.
   * `isStarter`: this caller begins the flight.
   */
  share(isStarter: boolean): Promise<unknown> {
    this.keepAlive()
    if (this.isSettled) this.owner.ended(this, asJoined(this.outcome), 1)
    else if (!this.#isShared) this.owner.callers.beginWait()
    if (isStarter) this.#isStarterSharing = true
    else this.#sharing++
    return this.result
  }

  /** Resolves when the flight is over, storing included. Created only when somebody waits for it. */
  get over(): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    this.#over ??= new Promise((resolve) => {
      this.#endOver = resolve
    })
    return this.#over
  }

  end(): void {
    this.#isOver = true
    this.#endOver?.()
  }

  /**
   * Adds the tags of a caller that joined: the value must carry them, too. Before the tokens are read, they count like the starter's
   * own. For later ones it must be proven that they were not invalidated since the load began.
   */
  addTags(tags: Tags<never>): void {
    if (this.hasLoaded) return
    if (typeof tags === 'function' || this.readsTokens) {
      this.joinedTags ??= new Set()
      this.joinedTags.add(tags)
      return
    }
    for (const tag of tags) {
      // One label above the limit is enough: the value will be kept nowhere.
      if (this.labels.length > MAX_LABELS) return
      const label = tagLabel(tag)
      if (!this.labels.includes(label)) this.labels = [...this.labels, label]
    }
  }

  /** Created only when the loader asks for other keys: most do not. */
  get waitsFor(): Set<Loading> {
    this.#waitsFor ??= new Set()
    return this.#waitsFor
  }

  get signal(): AbortSignal {
    return this.#abortion.signal
  }

  get isAborted(): boolean {
    return this.#abort?.isAborted === true
  }

  /** Ends the flight without waiting for its loader. Callers that still wait are rejected with `reason`. */
  abort(reason: Error): void {
    if (!this.#abortion.abort(reason)) return
    this.stopFollowing?.()
    this.reject(reason)
  }

  /** See `LoadAbort.until`. */
  untilAborted<T, R>(work: Promise<T>, finish: (value: T) => R): Promise<R> {
    return this.#abortion.until(work, finish)
  }

  get #abortion(): LoadAbort {
    this.#abort ??= new LoadAbort()
    return this.#abort
  }

  /** Notes a usable entry. Callers whose soft timeout has passed take it at once. */
  fallBackOn(usable: UsableEntry): void {
    this.usable = usable
    if (this.reason === 'miss') this.reason = 'stale'
    this.#leaving?.offerStale()
  }

  keepAlive(): void {
    this.isKeptAlive = true
  }

  /** Waits for the result as one caller, which may leave; see `LeavingCallers.join`. The other callers are not affected. */
  join(waiting: Waiting, clock: Clock, lastLeft: () => void): Promise<unknown> {
    if (stays(waiting)) {
      this.keepAlive()
      return this.result
    }
    this.#leaving ??= new LeavingCallers(this)
    return this.#leaving.join(waiting, clock, lastLeft)
  }

  /** Whether this flight waits, directly or through others, for `other`. */
  reaches(other: Loading): boolean {
    return reaches(this, other)
  }
}
