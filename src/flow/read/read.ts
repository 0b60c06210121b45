// A read, from top to bottom: L1, then the flight of its key, which asks L2 and runs the loader. Each step is one method, and the methods
// stand in the order in which they run.

import type { Entry } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import {
  ABORTED,
  asJoined,
  FAILED,
  HIT,
  LOADED,
  type ReadOutcome,
  STALE,
  STALE_IF_ERROR,
  STALE_IF_SLOW,
  TIMED_OUT,
} from '../../model/events/read-outcome.js'
import { localKey as localKeyOf, type Version } from '../../model/keys/key.js'
import type { CallOptions, Loader, ReadOptions, ReserveOptions } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import { shouldRefreshEarly } from '../../model/time/freshness.js'
import type { CallScope, Core } from '../core.js'
import { aheadFromMs, LocalEntries } from '../entries/local-entries.js'
import { RemoteEntries } from '../entries/remote-entries.js'
import { FlightRunner } from '../load/flight-runner.js'
import { ReadEnd } from '../load/read-end.js'
import { ageFor, type LoadRequest, mustWait, requestOf } from '../load/request.js'
import { isHeard, JOINS, type JoinTrace, Trace } from '../runtime/traces.js'
import type { Flight, UsableEntry, Waiting } from '../state/flight.js'
import { Flights } from './flights.js'
import { LookUp } from './look-up.js'
import { MaxAges } from './max-ages.js'
import { Refresher } from './refresh.js'
import { type Reserved, Reserver } from './reserve.js'
import { type ServedEntry, servedEntry } from './served-entry.js'
import { touch } from './touch.js'

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
    | 'touches'
    | 'background'
    | 'recorder'
    | 'assertOpen'
  >
  readonly #flights: Flights
  readonly #runner: FlightRunner
  readonly #refresher: Refresher
  readonly #reserver: Reserver
  readonly #lookUp: LookUp
  readonly #maxAges = new MaxAges()

  constructor(core: Core) {
    this.#core = core
    this.entries = core.remote && new RemoteEntries(core, core.remote)
    this.local = new LocalEntries(core)
    this.#flights = new Flights(core)
    this.#runner = new FlightRunner(core, this.local, this.entries)
    this.#refresher = new Refresher(core, this.local, this.#flights, this.#runner)
    this.#reserver = new Reserver(core, this.local, this.#flights, this.#runner)
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
    } else if (mayHit(options)) {
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
    if (nowMs >= entry.hotUntilMs || !core.tokens.isProven(entry, nowMs)) return undefined
    if (nowMs - entry.createdAtMs >= maxAgeMs) return undefined
    core.recorder.l1Hit(scope, userKey)
    if (entry.promise === undefined) entry.promise = Promise.resolve(entry.value)
    return entry.promise
  }

  // ── 2. What L1 has, if it may be served ─────────────────────────────────────────────────────────────────────────────────────

  #fetch(
    scope: CallScope,
    userKey: string,
    load: Loader<unknown>,
    options: CallOptions | undefined,
    end?: ReadEnd,
  ): Promise<unknown> {
    try {
      const request = requestOf(this.#core, scope, userKey, load, options, end)
      return options?.forceFresh === true ? this.#loadAnew(request) : this.#serve(request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #serve(request: LoadRequest): Promise<unknown> {
    if (request.signal?.aborted === true) {
      this.#report(request, ABORTED, undefined)
      return Promise.reject(request.signal.reason)
    }
    const usable = this.local.read(request.localKey, request.policy, request.windows)
    const served = usable && this.#serveUsable(request, usable)
    return served === undefined ? this.#joinOrFly(request, usable) : Promise.resolve(served.value)
  }

  /** Serves what L1 has, and refreshes it in the background if that is due; `undefined` if the caller has to wait for a load. */
  #serveUsable(request: LoadRequest, usable: UsableEntry): { readonly value: unknown } | undefined {
    const age = ageFor(request, usable.entry, this.#core)
    if (age === 'fresh') {
      const served = this.#served(request, HIT.l1, usable)
      if (this.#isEarly(usable.entry, request.policy)) this.#refresher.inBackground(request, 'refresh', usable)
      return served
    }
    if (age === 'expired') return undefined
    const hasToWait = mustWait(request, this.#core)
    if (age === 'stale') {
      if (!hasToWait) this.#refresher.inBackground(request, 'stale', usable)
      return this.#served(request, STALE[usable.tier], usable)
    }
    if (!hasToWait) return undefined
    return this.#served(request, STALE_IF_ERROR[usable.tier], usable)
  }

  #served(request: LoadRequest, outcome: ReadOutcome, usable: UsableEntry): { readonly value: unknown } {
    this.#report(request, outcome, usable.entry)
    this.#core.touches.read(request.localKey, usable.entry)
    return { value: this.local.release(usable.entry.value) }
  }

  #isEarly(entry: Entry, policy: Policy): boolean {
    const { clock, random } = this.#core
    const nowMs = clock.nowMs()
    if (policy.refreshAhead > 0 && nowMs >= aheadFromMs(entry, policy)) return true
    const { freshUntilMs, loadMs } = entry
    return shouldRefreshEarly({ nowMs, freshUntilMs, loadMs, beta: policy.earlyRefreshBeta, random })
  }

  /** Reports a read that has ended; `entry` is what was served, if the value was not loaded. */
  #report({ scope, userKey, end }: LoadRequest, outcome: ReadOutcome, entry: Entry | undefined, flight?: Flight): void {
    this.#core.recorder.read(scope, userKey, outcome, entry?.createdAtMs)
    if (end === undefined) return
    end.outcome = outcome
    end.entry = entry
    end.flight = flight
  }

  // ── 3. One flight per key ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #joinOrFly(request: LoadRequest, usable: UsableEntry | undefined): Promise<unknown> {
    const { local, clock } = this.#core
    const { policy, signal, tags } = request
    const flying = this.#flights.joinable(request.localKey)
    if (flying !== undefined) this.#flights.refuseCycle(flying, request.userKey)
    if (flying !== undefined && tags !== undefined) flying.addTags(tags)
    const flight = flying ?? this.#flights.prepare(request, usable, usable === undefined ? 'miss' : 'stale')
    const joinedAt = local.labelLog.mark()
    const joinedAtMs = flying === undefined ? 0 : clock.nowMs()
    const waiting: Waiting = {
      signal,
      // The starter's limit is that of the flight; a joiner may have a shorter one.
      limitMs: flying === undefined ? Number.POSITIVE_INFINITY : this.#flights.limitMsOf(flying, policy),
      softMs: policy.softTimeoutMs,
      takeStale: () => {
        const { usable } = flight
        if (usable === undefined || !this.#runner.isStillUsable(usable, flight)) return undefined
        if (ageFor(request, usable.entry, this.#core) === 'expired') return undefined
        waiting.outcome = STALE_IF_SLOW[usable.tier]
        this.#core.touches.read(request.localKey, usable.entry)
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
      if (this.#flights.wasNotFilled(flight, waiting, error)) return this.#serve(request)
      this.#report(request, waiting.outcome ?? flight.outcome, undefined)
      throw error
    }
    joining?.ended()
    if (flying !== undefined && this.#flights.isOutdatedFor(flight, joinedAt, joinedAtMs)) {
      // No other caller may join it either, while it is still storing.
      local.detachFlight(flight)
      return this.#joinOrFly(request, undefined)
    }
    if (request.windows !== undefined && waiting.outcome === undefined && !this.#isAccepted(request, flight)) {
      return this.#serveAfter(request, flight)
    }
    if (flight.servedEntry !== undefined) this.#core.touches.read(request.localKey, flight.servedEntry)
    const outcome = waiting.outcome ?? (flying === undefined ? flight.outcome : asJoined(flight.outcome))
    const served = waiting.outcome === undefined ? flight.servedEntry : flight.usable?.entry
    this.#report(request, outcome, served, flight)
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

  /** `forceFresh`: a refresh that counts as a read. */
  async #loadAnew(request: LoadRequest): Promise<unknown> {
    try {
      const { value, flight } = await this.#refresher.load(request)
      this.#report(request, LOADED, undefined, flight)
      return value
    } catch (error) {
      const isTimeout = error instanceof CacheError && error.code === 'LOAD_TIMEOUT'
      const outcome = isTimeout ? TIMED_OUT : request.signal?.aborted === true ? ABORTED : FAILED
      this.#report(request, outcome, undefined)
      throw error
    }
  }

  // ── Other reads ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `getOrSet`, with where the value came from. */
  async getOrSetEntry<V>(
    scope: CallScope,
    userKey: string,
    load: Loader<V>,
    options: CallOptions<V> | undefined,
  ): Promise<ServedEntry<V>> {
    const end = new ReadEnd()
    const value = await this.#fetch(scope, userKey, load as Loader<unknown>, options as CallOptions | undefined, end)
    return servedEntry(this.#core, value as V, end)
  }

  /** See `Reserver.reserve`. */
  reserve<V>(scope: CallScope, userKey: string, options: ReserveOptions<V> | undefined): Promise<Reserved<V>> {
    return this.#reserver.reserve(scope, userKey, options as ReserveOptions | undefined) as Promise<Reserved<V>>
  }

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

  /** Renews the idle life of entries. See `touch`. */
  touch(scope: CallScope, userKeys: readonly string[], version: Version | undefined): Promise<number> {
    return this.#core.callers.await(touch(this.#core, this.#lookUp, scope, userKeys, version))
  }
}

/** Whether nothing but the age of an entry in L1 can rule out a hit for a call with these options. */
function mayHit({ version, tiers, signal, forceFresh }: Omit<CallOptions, 'schema' | 'tags'>): boolean {
  return version === undefined && tiers !== 'l2' && signal?.aborted !== true && (forceFresh ?? false) === false
}
