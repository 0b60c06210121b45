// A read, from top to bottom: L1, then the flight of its key, which asks L2 and runs the loader. Each step is one method, and the methods
// stand in the order in which they run.

import type { Entry } from '../../model/entry.js'
import {
  ABORTED,
  asJoined,
  FAILED,
  HIT,
  type ReadOutcome,
  STALE,
  STALE_IF_ERROR,
  STALE_IF_SLOW,
} from '../../model/events/read-outcome.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import type { CallOptions, Loader, ReadOptions } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import { shouldRefreshEarly } from '../../model/time/freshness.js'
import type { CallScope, Core } from '../core.js'
import { LocalEntries } from '../entries/local-entries.js'
import { RemoteEntries } from '../entries/remote-entries.js'
import { FlightRunner } from '../load/flight-runner.js'
import { ageFor, type LoadRequest, mustWait, requestOf } from '../load/request.js'
import { isHeard, JOINS, type JoinTrace, Trace } from '../runtime/traces.js'
import type { Flight, UsableEntry, Waiting } from '../state/flight.js'
import type { Mark } from '../state/invalidation-log.js'
import { Flights } from './flights.js'
import { LookUp } from './look-up.js'
import { MaxAges } from './max-ages.js'
import { Refresher } from './refresh.js'

export class Reader {
  readonly entries: RemoteEntries | undefined
  readonly local: LocalEntries
  readonly #core: Pick<
    Core,
    | 'name'
    | 'clock'
    | 'callers'
    | 'turnClock'
    | 'random'
    | 'l1'
    | 'tokens'
    | 'local'
    | 'background'
    | 'recorder'
    | 'assertOpen'
  >
  readonly #flights: Flights
  readonly #runner: FlightRunner
  readonly #refresher: Refresher
  readonly #lookUp: LookUp
  readonly #maxAges = new MaxAges()

  constructor(core: Core) {
    this.#core = core
    this.entries = core.remote && new RemoteEntries(core, core.remote)
    this.local = new LocalEntries(core)
    this.#flights = new Flights(core)
    this.#runner = new FlightRunner(core, this.local, this.entries)
    this.#refresher = new Refresher(core, this.local, this.#flights, this.#runner)
    this.#lookUp = new LookUp(core, this.local, this.entries)
  }

  // ── 1. The hit in L1 ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Get or load. The hit is one plain function: one look-up, one clock read (sampled once per turn), three comparisons, and the promise
   * that the entry keeps (bench/micro/l1-get.ts). Options are resolved only after a hit is ruled out; before that, only those that can
   * rule it out are checked.
   */
  getOrSet<V>(scope: CallScope, userKey: string, load: Loader<V>, options: CallOptions<V> | undefined): Promise<V> {
    if (options === undefined) {
      const hit = this.hit(scope, userKey)
      if (hit !== undefined) return hit as Promise<V>
    } else if (options.version === undefined && options.tiers !== 'l2' && options.signal?.aborted !== true) {
      const hit = this.hit(scope, userKey, this.#maxAges.of(options))
      if (hit !== undefined) return hit as Promise<V>
    }
    return this.#fetch(scope, userKey, load as Loader<unknown>, options as CallOptions | undefined) as Promise<V>
  }

  /**
   * The value if L1 has it fresh, younger than `maxAgeMs` and without any decision to make; else `undefined`, and the caller has to take
   * the slow path.
   */
  hit(scope: CallScope, userKey: string, maxAgeMs: Milliseconds = Infinity): Promise<unknown> | undefined {
    const core = this.#core
    if (core.l1 === undefined || typeof userKey !== 'string') return undefined
    const prefix = scope.space.localPrefix
    const entry = core.l1.get(prefix === '' ? userKey : prefix + userKey)
    // A user's key that begins with NUL may look like the local key of a namespace, so it takes the slow path.
    if (entry === undefined || userKey.charCodeAt(0) === 0) return undefined
    const nowMs = core.turnClock.nowMs()
    if (nowMs >= entry.hotUntilMs || entry.epoch !== core.tokens.epoch || nowMs >= core.tokens.trustedUntilMs)
      return undefined
    if (nowMs - entry.createdAtMs >= maxAgeMs) return undefined
    core.recorder.l1Hit(scope, userKey)
    if (entry.promise === undefined) entry.promise = Promise.resolve(entry.value)
    return entry.promise
  }

  // ── 2. What L1 has, if it may be served ─────────────────────────────────────────────────────────────────────────────────────

  #fetch(scope: CallScope, userKey: string, load: Loader<unknown>, options: CallOptions | undefined): Promise<unknown> {
    try {
      return this.#serve(requestOf(this.#core, scope, userKey, load, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #serve(request: LoadRequest): Promise<unknown> {
    if (request.signal?.aborted === true) {
      this.#report(request, ABORTED, undefined)
      return Promise.reject(request.signal.reason)
    }
    const usable = this.local.usable(request.localKey, request.policy, request.windows)
    const served = usable && this.#serveUsable(request, usable)
    return served === undefined ? this.#joinOrFly(request, usable) : Promise.resolve(served.value)
  }

  /** Serves what L1 has, and refreshes it in the background if that is due; `undefined` if the caller has to wait for a load. */
  #serveUsable(request: LoadRequest, usable: UsableEntry): { readonly value: unknown } | undefined {
    const age = ageFor(request, usable.entry, this.#core)
    if (age === 'fresh') {
      this.#report(request, HIT.l1, usable)
      if (this.#isEarly(usable.entry, request.policy)) this.#refresher.inBackground(request, 'refresh', usable)
      return { value: this.local.release(usable.entry.value) }
    }
    if (age === 'expired') return undefined
    const hasToWait = mustWait(request, this.#core)
    if (age === 'stale') {
      if (!hasToWait) this.#refresher.inBackground(request, 'stale', usable)
      this.#report(request, STALE[usable.tier], usable)
      return { value: this.local.release(usable.entry.value) }
    }
    if (!hasToWait) return undefined
    this.#report(request, STALE_IF_ERROR[usable.tier], usable)
    return { value: this.local.release(usable.entry.value) }
  }

  #isEarly(entry: Entry, policy: Policy): boolean {
    const { clock, random } = this.#core
    const { freshUntilMs, loadMs } = entry
    return shouldRefreshEarly({ nowMs: clock.nowMs(), freshUntilMs, loadMs, beta: policy.earlyRefreshBeta, random })
  }

  /** Reports a read that has ended; `usable` is the entry that was served, if one was. */
  #report(request: LoadRequest, outcome: ReadOutcome, usable: UsableEntry | undefined): void {
    this.#core.recorder.read(request.scope, request.userKey, outcome, usable?.entry.createdAtMs)
  }

  // ── 3. One flight per key ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #joinOrFly(request: LoadRequest, usable: UsableEntry | undefined): Promise<unknown> {
    const { local } = this.#core
    const { policy, signal, tags } = request
    const flying = this.#flights.joinable(request.localKey)
    if (flying !== undefined) this.#flights.refuseCycle(flying, request.userKey)
    if (flying !== undefined && tags !== undefined) flying.addTags(tags)
    const flight = flying ?? this.#flights.prepare(request, usable, usable === undefined ? 'miss' : 'stale')
    const joinedAt = local.labelLog.mark()
    const waiting: Waiting = {
      signal,
      // The starter's limit is that of the flight; a joiner may have a shorter one.
      limitMs: flying === undefined ? Number.POSITIVE_INFINITY : policy.hardTimeoutMs,
      softMs: policy.softTimeoutMs,
      takeStale: () => {
        const { usable } = flight
        if (usable === undefined || !this.#runner.isStillUsable(usable, flight)) return undefined
        if (ageFor(request, usable.entry, this.#core) === 'expired') return undefined
        waiting.outcome = STALE_IF_SLOW[usable.tier]
        return usable.entry
      },
      outcome: undefined,
    }
    // Started only once this caller waits: the loader may run at once and ask for a key that the caller loads, which must be seen as a
    // cycle. A background refresh that waits for a free place starts as soon as a caller waits for it.
    const start = flying === undefined ? () => this.#runner.run(flight, request) : flying.start
    const joined = start && (() => this.#core.background.run('load', start))
    const joining = flying === undefined ? undefined : this.#traceJoin(flying, request)
    const wait = () => this.#flights.wait(flight, waiting, joined)
    let value: unknown
    try {
      value = await (joining === undefined ? wait() : joining.run(wait))
    } catch (error) {
      joining?.failed(error)
      this.#report(request, waiting.outcome ?? flight.outcome, undefined)
      throw error
    }
    joining?.ended()
    if (flying !== undefined && this.#isOutdatedFor(flight, joinedAt)) {
      // No other caller may join it either, while it is still storing.
      local.detachFlight(flight)
      return this.#joinOrFly(request, undefined)
    }
    if (request.windows !== undefined && waiting.outcome === undefined && !this.#isAccepted(request, flight)) {
      return this.#serveAfter(request, flight)
    }
    this.#report(
      request,
      waiting.outcome ?? (flying === undefined ? flight.outcome : asJoined(flight.outcome)),
      flight.usable,
    )
    return this.local.handOut(value)
  }

  /** The message of a caller that joins a flight, if somebody listens. The load of the flight may begin later. */
  #traceJoin(flight: Flight, { scope, userKey }: LoadRequest): Trace<JoinTrace> | undefined {
    if (!isHeard(JOINS)) return undefined
    const { name, recorder } = this.#core
    return new Trace<JoinTrace>(JOINS, {
      cache: name,
      scope: scope.space.scope,
      key: recorder.shown(userKey),
      get load() {
        return flight.trace?.message
      },
    })
  }

  /** Whether a call with its own windows accepts the result of the flight. */
  #isAccepted(request: LoadRequest, { servedEntry, outcome }: Flight): boolean {
    if (servedEntry === undefined) return true
    const age = ageFor(request, servedEntry, this.#core)
    if (outcome.result === 'hit') return age === 'fresh'
    return outcome.result === 'stale' ? age === 'fresh' || age === 'stale' : age !== 'expired'
  }

  /** Other callers accept the result, this one does not. It gets the loader's error, or what is there once the flight is over. */
  async #serveAfter(request: LoadRequest, flight: Flight): Promise<unknown> {
    if (flight.failure === undefined) await this.#core.callers.await(flight.over)
    if (flight.failure === undefined) return this.#serve(request)
    this.#report(request, FAILED, undefined)
    throw flight.failure.error
  }

  /**
   * Whether a label of the result was invalidated after the load began and before this caller came. This caller came after the
   * invalidation, so it loads again.
   */
  #isOutdatedFor(flight: Flight, joinedAt: Mark): boolean {
    if (flight.labelMark === joinedAt || flight.resultLabels === undefined) return false
    return flight.resultLabels.some((label) =>
      this.#core.local.labelLog.brokenBetween(flight.labelMark, joinedAt, label),
    )
  }

  // ── Other reads ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** See `Refresher.refresh`. */
  refresh(
    scope: CallScope,
    userKey: string,
    load: Loader<unknown>,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    return this.#refresher.refresh(scope, userKey, load, options)
  }

  /** What L1 may serve, synchronously; changes neither recency nor counters. */
  peek(scope: CallScope, userKey: string): unknown {
    return this.local.peek(localKeyOf(scope.space, userKey))
  }

  /** See `LookUp.find`. */
  find(scope: CallScope, userKey: string, options: ReadOptions | undefined): Promise<UsableEntry | undefined> {
    return this.#lookUp.find(scope, userKey, options)
  }

  /** See `LookUp.findMany`. */
  findMany(
    scope: CallScope,
    userKeys: readonly string[],
    options: ReadOptions | undefined,
  ): Promise<readonly (UsableEntry | undefined)[]> {
    return this.#lookUp.findMany(scope, userKeys, options)
  }
}
