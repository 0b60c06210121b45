// One running load of one key, and the callers that wait for it.
import type { Age, AtMs, Entry } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import type { LoadReason, Tier } from '../../model/events/events.js'
import { ABORTED, FAILED, LOADED, type ReadOutcome, TIMED_OUT } from '../../model/events/read-outcome.js'
import type { StoreOutcome } from '../../model/events/store-outcome.js'
import { type Label, MAX_LABELS, tagLabel } from '../../model/labels.js'
import type { Tags } from '../../model/options/options.js'
import type { Bytes, Clock, Milliseconds } from '../../model/ports.js'
import type { LoadTrace, Trace } from '../events/traces.js'
import type { Mark } from './invalidation-log.js'

/** An entry that may be served in some way, and the tier that has it. */
export interface UsableEntry {
  readonly entry: Entry
  readonly tier: Tier
  readonly age: Exclude<Age, 'expired'>
}

/** How one caller waits for a flight. */
export interface Waiting {
  readonly signal: AbortSignal | undefined
  /** This caller's own time limit. The flight goes on for the others. */
  readonly limitMs: Milliseconds
  /** After this time a stale value is taken if there is one, and the load goes on in the background. */
  readonly softMs: Milliseconds
  /** The stale value, if there is one. */
  readonly takeStale: () => { readonly value: unknown } | undefined
  /** Set if this caller's read ended in its own way: it left, or took a stale value. */
  outcome: ReadOutcome | undefined
}

/** How a caller waits that takes no stale value. */
export function waitingFor(signal: AbortSignal | undefined, limitMs: Milliseconds): Waiting {
  return { signal, limitMs, softMs: Number.POSITIVE_INFINITY, takeStale: () => undefined, outcome: undefined }
}

/** A load or a batch of loads, with the loads that its loader waits for. A cycle among them would never end. */
export interface Loading {
  readonly waitsFor: Set<Loading>
  /** Called when it is over although its loader has not returned; see `RunningLoads`. */
  stopFollowing?: (() => void) | undefined
}

/** What a flight is for, fixed when it starts. */
export interface FlightPlan {
  readonly localKey: string
  readonly reason: LoadReason
  /** Labels known before the load: scopes and listed tags. */
  readonly labels: readonly Label[]
  readonly keyMark: Mark
  readonly labelMark: Mark
  readonly beganAtMs: AtMs
  /** The epoch of the token table when the flight began. */
  readonly epoch: number
}

/**
 * Its result settles exactly once. After that the load may still run (if a stale value was served), or its value may still be on the
 * way into L2.
 *
 * Single flight (G5): callers of a key join the flight that `LocalState.flights` has for it, and no other.
 */
export class Flight implements FlightPlan, Loading {
  readonly localKey: string
  reason: LoadReason
  labels: readonly Label[]
  readonly keyMark: Mark
  readonly labelMark: Mark
  readonly beganAtMs: AtMs
  readonly epoch: number
  /** Settles with what the callers get. */
  readonly result: Promise<unknown>
  /** Starts a refresh that waits for a free place; `undefined` once it has started. */
  start: (() => Promise<void>) | undefined
  /** The flight still serves its callers, but its value is kept nowhere. */
  detached = false
  isSettled = false
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
  /** Its `hardTimeout` is over, so its callers have left, but its value may still be kept (`lateResult`). */
  isLate = false
  /** L2 said before its load that the key or a label is held. This process does not know until when. */
  isHeldInL2 = false
  stopFollowing: (() => void) | undefined
  /** The lease under its key, if this flight holds it. */
  lease: Bytes | undefined
  /** Publishes the end of its load, if somebody listens. */
  trace: Trace<LoadTrace> | undefined
  /** Its index in `InFlightSet`. */
  place = -1
  /** The next flight of the same bucket of `FlightTable`. */
  nextInTable: Flight | undefined
  #waitsFor: Set<Loading> | undefined
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #abort: AbortController | undefined
  #abortReason: unknown
  #stopWaiting: ((reason: Error) => void) | undefined
  #waiting = 0
  #isKeptAlive = false
  #isOver = false
  #over: Promise<void> | undefined
  #endOver: (() => void) | undefined
  /** Callers whose soft timeout passed before there was a stale value. */
  #wantsStale: Set<() => void> | undefined

  constructor(plan: FlightPlan, usable: UsableEntry | undefined) {
    this.usable = usable
    this.localKey = plan.localKey
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

  /** Only the first result counts. `entry` is what was served, if that is not the loaded value. */
  resolve(value: unknown, outcome: ReadOutcome = LOADED, entry?: Entry): void {
    if (!this.isSettled) {
      this.outcome = outcome
      this.servedEntry = entry
    }
    this.isSettled = true
    this.#resolve(value)
  }

  reject(error: unknown, outcome: ReadOutcome = FAILED): void {
    if (!this.isSettled) this.outcome = outcome
    this.isSettled = true
    this.#reject(error)
    // A background refresh, or a load whose callers all left, may fail with nobody listening. An event has reported the failure.
    this.result.catch(() => undefined)
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

  /** Created only when the loader reads it: most do not. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason)
    }
    return this.#abort.signal
  }

  get isAborted(): boolean {
    return this.#abortReason !== undefined
  }

  /** Ends the flight without waiting for its loader. Callers that still wait are rejected with `reason`. */
  abort(reason: Error): void {
    if (this.#abortReason !== undefined) return
    this.#abortReason = reason
    this.#abort?.abort(reason)
    this.#stopWaiting?.(reason)
    this.stopFollowing?.()
    if (!this.isSettled) this.reject(reason)
  }

  /** Settles as `work` does, or rejects once the flight is aborted: a loader that hangs must not keep `drain()` waiting. */
  untilAborted<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#stopWaiting = reject
      if (this.#abortReason !== undefined) reject(this.#abortReason)
      work.then(resolve, reject)
    })
  }

  /** Notes a usable entry. Callers whose soft timeout has passed take it at once. */
  fallBackOn(usable: UsableEntry): void {
    this.usable = usable
    if (this.reason === 'miss') this.reason = 'stale'
    if (this.#wantsStale !== undefined) for (const take of [...this.#wantsStale]) take()
  }

  /** Never abort for lack of callers: one caller has neither signal nor limit, or the load runs in the background. */
  keepAlive(): void {
    this.#isKeptAlive = true
  }

  /**
   * Waits for the result as one caller, which may leave: on its signal, at its time limit, or with a stale value. The other callers are
   * not affected. When the last one leaves, `lastLeft` is called, to abort the load.
   */
  join(waiting: Waiting, clock: Clock, lastLeft: () => void): Promise<unknown> {
    const { signal, limitMs, softMs } = waiting
    if (signal === undefined && limitMs === Number.POSITIVE_INFINITY && softMs === Number.POSITIVE_INFINITY) {
      this.keepAlive()
      return this.result
    }
    this.#waiting++
    return new Promise((resolve, reject) => {
      const cancels: (() => void)[] = []
      let isOver = false
      const end = (settle: () => void) => {
        if (isOver) return
        isOver = true
        for (const cancel of cancels) cancel()
        this.#waiting--
        settle()
      }
      const leave = (error: unknown, outcome: ReadOutcome) => {
        end(() => {
          waiting.outcome = outcome
          reject(error)
        })
        if (this.#waiting === 0 && !this.#isKeptAlive && !this.isSettled) lastLeft()
      }
      const takeStale = () => {
        const stale = waiting.takeStale()
        if (stale === undefined) {
          // L2 may still have one.
          this.#wantsStale ??= new Set()
          const wanting = this.#wantsStale
          wanting.add(takeStale)
          cancels.push(() => wanting.delete(takeStale))
          return
        }
        this.keepAlive()
        end(() => resolve(stale.value))
      }
      if (Number.isFinite(limitMs)) cancels.push(clock.after(limitMs, () => leave(loadTimeout(limitMs), TIMED_OUT)))
      if (Number.isFinite(softMs)) cancels.push(clock.after(softMs, takeStale))
      if (signal !== undefined) {
        const aborted = () => leave(signal.reason, ABORTED)
        signal.addEventListener('abort', aborted, { once: true })
        cancels.push(() => signal.removeEventListener('abort', aborted))
      }
      this.result.then(
        (value) => end(() => resolve(value)),
        (error) => end(() => reject(error)),
      )
    })
  }

  /** Whether this flight waits, directly or through others, for `other`. */
  reaches(other: Loading): boolean {
    return reaches(this, other)
  }
}

/** Whether `loading` is `other`, or waits for it, directly or through others. */
export function reaches(loading: Loading, other: Loading): boolean {
  const seen = new Set<Loading>()
  const toVisit: Loading[] = [loading]
  for (let next = toVisit.pop(); next !== undefined; next = toVisit.pop()) {
    if (next === other) return true
    if (seen.has(next)) continue
    seen.add(next)
    toVisit.push(...next.waitsFor)
  }
  return false
}

/** `hardTimeout` passed. */
export function loadTimeout(limitMs: Milliseconds): CacheError {
  return new CacheError(
    'LOAD_TIMEOUT',
    `expected the loader to return within hardTimeout (${limitMs} ms); it did not. Make it faster, raise hardTimeout, ` +
      'or set staleIfError so that a stale value can be served',
  )
}
