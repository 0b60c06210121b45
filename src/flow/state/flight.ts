// One running load of one key and those who wait for it.
import type { Age, AtMs, Entry } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import type { LoadReason, Tier } from '../../model/events/events.js'
import { ABORTED, FAILED, LOADED, type ReadOutcome, TIMED_OUT } from '../../model/events/read-outcome.js'
import { type Label, MAX_LABELS, tagLabel } from '../../model/labels.js'
import type { Tags } from '../../model/options/options.js'
import type { Bytes, Clock, Milliseconds } from '../../model/ports.js'
import type { Mark } from './invalidation-log.js'

/** An entry with where it was found, usable in some way. */
export interface UsableEntry {
  readonly entry: Entry
  readonly tier: Tier
  readonly age: Exclude<Age, 'expired'>
}

/** How one caller waits for a flight. */
export interface Waiting {
  readonly signal: AbortSignal | undefined
  /** This caller's own limit; the flight goes on for the others. */
  readonly limitMs: Milliseconds
  /** After this long a value at hand is taken instead, and the load goes on in the background. */
  readonly softMs: Milliseconds
  /** The value at hand, if there is one. */
  readonly takeStale: () => { readonly value: unknown } | undefined
  /** How this caller's read ended, if not as the flight did: it left, or took what was at hand. */
  outcome: ReadOutcome | undefined
}

/** A load, or a batch of loads, with the flights that its loader waits for: a cycle would never end. */
export interface Loading {
  readonly waitsFor: Set<Loading>
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
  /** Of the token table, then. */
  readonly epoch: number
}

/**
 * Settled exactly once; afterwards it may still be storing. Its answer may come before its load is over, when a stale value serves.
 *
 * Single flight (G5): callers of one key join the flight that the map `LocalState.flights` holds, and no other.
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
  readonly answer: Promise<unknown>
  /** Begins a refresh that waits for its turn; `undefined` once it has begun. */
  start: (() => Promise<void>) | undefined
  /** An invalidation came: callers are served, nothing is kept. */
  detached = false
  isAnswered = false
  /** The loader answered; what remains is storing. */
  hasLoaded = false
  /** How the read of the caller that began it ended; that of a joiner is `asJoined` of it. Final once `isAnswered`. */
  outcome: ReadOutcome = LOADED
  /** A refresh that was asked for: nothing that L2 has makes its load unnecessary. */
  mustLoad = false
  /** What its load failed with, also when a stale value answers. */
  failure: { readonly error: unknown } | undefined
  /** The entry that was served, where the answer is not what this flight loaded. */
  answerEntry: Entry | undefined
  /** Its tokens are being read: labels that come now are proven only after the load. */
  readsTokens = false
  /** Its loader was called. */
  isLoading = false
  /** Tags of callers that joined too late for `labels`. */
  joinedTags: Set<Tags<never>> | undefined
  /** What may be served instead if the load fails or takes long. */
  usable: UsableEntry | undefined
  /** Labels that the answer turned out to carry, so that later joiners can tell whether it is still theirs. */
  answerLabels: readonly Label[] | undefined
  /** Until when the answer may be handed to joiners. */
  answerUntilMs = Number.POSITIVE_INFINITY
  /** What stood in L2 when its load began, if that is known. */
  fence: Bytes | undefined
  /** The lease of its key, if it holds it. */
  lease: Bytes | undefined
  /** Where `InFlightSet` has it. */
  place = -1
  /** Where `FlightTable` goes on from here. */
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
  /** Callers whose soft timeout passed before a value was at hand. */
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
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Only the first answer counts. `entry` is what was served, where it is not what was loaded. */
  resolve(value: unknown, outcome: ReadOutcome = LOADED, entry?: Entry): void {
    if (!this.isAnswered) {
      this.outcome = outcome
      this.answerEntry = entry
    }
    this.isAnswered = true
    this.#resolve(value)
  }

  reject(error: unknown, outcome: ReadOutcome = FAILED): void {
    if (!this.isAnswered) this.outcome = outcome
    this.isAnswered = true
    this.#reject(error)
    // A refresh in the background, or one whose callers all left, may fail with nobody listening: its event has told of it.
    this.answer.catch(() => undefined)
  }

  /** Resolves when nothing of it is left to be done. Made only when somebody waits for that. */
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
   * The tags of a caller that joined: the value is to carry them, too. Those that come before its tokens are read are as good as the
   * starter's own; for later ones it has to be proven that they were not invalidated since the load began.
   */
  addTags(tags: Tags<never>): void {
    if (this.hasLoaded) return
    if (typeof tags === 'function' || this.readsTokens) {
      this.joinedTags ??= new Set()
      this.joinedTags.add(tags)
      return
    }
    for (const tag of tags) {
      // One too many is enough: the value is kept nowhere.
      if (this.labels.length > MAX_LABELS) return
      const label = tagLabel(tag)
      if (!this.labels.includes(label)) this.labels = [...this.labels, label]
    }
  }

  /** Made only when a loader asks for other keys: most do not. */
  get waitsFor(): Set<Loading> {
    this.#waitsFor ??= new Set()
    return this.#waitsFor
  }

  /** Made only when the loader looks at it: most do not. */
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

  /** Ends the flight, whatever its loader does: who still waits is told `reason`, and the loader is not waited for any more. */
  abort(reason: Error): void {
    if (this.#abortReason !== undefined) return
    this.#abortReason = reason
    this.#abort?.abort(reason)
    this.#stopWaiting?.(reason)
    if (!this.isAnswered) this.reject(reason)
  }

  /** Settles as `work` does, or rejects once the flight is aborted: a loader that hangs must not keep `drain()` waiting. */
  untilAborted<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#stopWaiting = reject
      if (this.#abortReason !== undefined) reject(this.#abortReason)
      work.then(resolve, reject)
    })
  }

  /** Notes what may be served instead; who has been waiting for that takes it. */
  fallBackOn(usable: UsableEntry): void {
    this.usable = usable
    if (this.reason === 'miss') this.reason = 'stale'
    if (this.#wantsStale !== undefined) for (const take of [...this.#wantsStale]) take()
  }

  /** Somebody waits who cannot leave: the flight runs to its end. */
  keepAlive(): void {
    this.#isKeptAlive = true
  }

  /**
   * Waits as one who may leave: by its own signal, by its own time limit, or with a stale value. The others are not affected; when
   * the last one left, `lastLeft` is called, to abort the load.
   */
  join(waiting: Waiting, clock: Clock, lastLeft: () => void): Promise<unknown> {
    const { signal, limitMs, softMs } = waiting
    if (signal === undefined && limitMs === Number.POSITIVE_INFINITY && softMs === Number.POSITIVE_INFINITY) {
      this.keepAlive()
      return this.answer
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
        if (this.#waiting === 0 && !this.#isKeptAlive && !this.isAnswered) lastLeft()
      }
      const takeStale = () => {
        const stale = waiting.takeStale()
        if (stale === undefined) {
          // L2 may still come up with one.
          this.#wantsStale ??= new Set()
          const waiting = this.#wantsStale
          waiting.add(takeStale)
          cancels.push(() => waiting.delete(takeStale))
          return
        }
        this.keepAlive()
        end(() => resolve(stale.value))
      }
      if (Number.isFinite(limitMs)) cancels.push(clock.after(limitMs, () => leave(loadTimeout(limitMs), TIMED_OUT)))
      if (Number.isFinite(softMs)) cancels.push(clock.after(softMs, takeStale))
      if (signal !== undefined) {
        const left = () => leave(signal.reason, ABORTED)
        signal.addEventListener('abort', left, { once: true })
        cancels.push(() => signal.removeEventListener('abort', left))
      }
      this.answer.then(
        (value) => end(() => resolve(value)),
        (error) => end(() => reject(error)),
      )
    })
  }

  /** Whether this flight waits, directly or through others, for `other`. */
  reaches(other: Loading): boolean {
    const seen = new Set<Loading>()
    const toVisit: Loading[] = [this]
    for (let loading = toVisit.pop(); loading !== undefined; loading = toVisit.pop()) {
      if (loading === other) return true
      if (seen.has(loading)) continue
      seen.add(loading)
      toVisit.push(...loading.waitsFor)
    }
    return false
  }
}

/** `hardTimeout` passed. */
export function loadTimeout(limitMs: Milliseconds): CacheError {
  return new CacheError(
    'LOAD_TIMEOUT',
    `expected the loader to answer within hardTimeout (${limitMs} ms); it did not. Make it faster, raise hardTimeout, ` +
      'or set staleIfError so that a stale value can answer',
  )
}
