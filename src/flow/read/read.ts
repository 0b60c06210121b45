// A read, from top to bottom: L1, then the flight of its key, which asks L2 and runs the loader. Each step is one method, and the methods
// stand in the order in which they run.

import type { Entry } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import {
  ABORTED,
  FAILED,
  HIT,
  LOADED,
  type ReadOutcome,
  STALE,
  STALE_IF_ERROR,
  TIMED_OUT,
} from '../../model/events/read-outcome.js'
import { localKey as localKeyOf, type Version } from '../../model/keys/key.js'
import type { CallOptions, Loader, ReadOptions, ReserveOptions } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import { shouldRefreshEarly } from '../../model/time/freshness.js'
import type { Core } from '../core.js'
import { aheadFromMs, LocalEntries } from '../entries/local-entries.js'
import { RemoteEntries } from '../entries/remote-entries.js'
import type { CallScope } from '../flights/call-scope.js'
import type { UsableEntry } from '../flights/flight.js'
import { FlightRunner } from '../load/flight-runner.js'
import { ReadEnd, type ReadRequest, report } from '../load/read-end.js'
import { ageFor, mustWait, requestOf } from '../load/request.js'
import { Flights } from './flights.js'
import { Joins } from './joins.js'
import { LookUp } from './look-up.js'
import { MaxAges } from './max-ages.js'
import { type KeyOwner, LONGEST_RECENT, RecentKeys } from './recent-keys.js'
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
  readonly #joins: Joins
  readonly #refresher: Refresher
  readonly flights: Flights
  readonly reserver: Reserver
  readonly #lookUp: LookUp
  readonly #maxAges = new MaxAges()
  readonly #recent = new RecentKeys()

  constructor(core: Core) {
    this.#core = core
    this.entries = core.remote && new RemoteEntries(core, core.remote)
    this.local = new LocalEntries(core)
    const runner = new FlightRunner(core, this.local, this.entries)
    const flights = new Flights(core, runner)
    this.flights = flights
    this.#joins = new Joins({ core, local: this.local, flights, runner, serve: (request) => this.#serve(request) })
    this.#refresher = new Refresher(core, this.local, flights, runner)
    this.reserver = new Reserver(core, this.local, flights, runner)
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
    if (this.#core.l1 === undefined) return undefined
    const localKey = this.#hotKey(scope, userKey)
    const entry = localKey === undefined ? undefined : this.#hot(localKey, maxAgeMs)
    return entry && this.#serveHot(scope, localKey as string, entry)
  }

  /**
   * The same for an id of a source, or for the one argument of a wrapped function. `keyOf` encodes it, unless that was done a moment ago.
   * `owner` stands for where the id means something. It never throws: an id that may be refused takes the slow path.
   */
  hitOf(owner: KeyOwner, scope: CallScope, id: unknown, keyOf: (id: unknown) => string): Promise<unknown> | undefined {
    if (this.#core.l1 === undefined) return undefined
    if (typeof id !== 'number' && (typeof id !== 'string' || id.length > LONGEST_RECENT)) return undefined
    const localKey = this.#recent.of(owner, id) ?? this.#note(owner, id, localKeyOf(scope.space, keyOf(id)))
    const entry = this.#hot(localKey, Infinity)
    return entry && this.#serveHot(scope, localKey, entry)
  }

  /** The local key of a key that may be hit; `undefined` for one that takes the slow path. */
  #hotKey(scope: CallScope, userKey: string): string | undefined {
    if (typeof userKey !== 'string') return undefined
    const { localPrefix } = scope.space
    if (localPrefix !== '') return this.#recent.of(scope, userKey) ?? this.#note(scope, userKey, localPrefix + userKey)
    // A user's key that begins with NUL may look like the local key of a namespace.
    return userKey.charCodeAt(0) === 0 ? undefined : userKey
  }

  #note(owner: KeyOwner, id: string | number, localKey: string): string {
    this.#recent.note(owner, id, localKey)
    return localKey
  }

  /** The entry of L1 that may be served without any decision. Its recency is renewed even if it may not. */
  #hot(localKey: string, maxAgeMs: Milliseconds): Entry | undefined {
    const { l1, turnClock, tokens } = this.#core
    const entry = l1?.get(localKey)
    if (entry === undefined) return undefined
    const nowMs = turnClock.nowMs()
    if (nowMs >= entry.hotUntilMs || !tokens.isProven(entry, nowMs)) return undefined
    return nowMs - entry.createdAtMs >= maxAgeMs ? undefined : entry
  }

  #serveHot(scope: CallScope, localKey: string, entry: Entry): Promise<unknown> {
    this.#core.recorder.l1Hit(scope, localKey)
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

  #serve(request: ReadRequest): Promise<unknown> {
    if (request.signal?.aborted === true) {
      report(this.#core.recorder, request, ABORTED, undefined)
      return Promise.reject(request.signal.reason)
    }
    const usable = this.local.read(request.localKey, request.policy, request.windows)
    const served = usable && this.#serveUsable(request, usable)
    return served === undefined ? this.#joins.joinOrFly(request, usable) : Promise.resolve(served.value)
  }

  /** Serves what L1 has, and refreshes it in the background if that is due; `undefined` if the caller has to wait for a load. */
  #serveUsable(request: ReadRequest, usable: UsableEntry): { readonly value: unknown } | undefined {
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

  #served(request: ReadRequest, outcome: ReadOutcome, usable: UsableEntry): { readonly value: unknown } {
    report(this.#core.recorder, request, outcome, usable.entry)
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

  // ── 3. The flight of the key ────────────────────────────────────────────────────────────────────────────────────────────────

  /** `forceFresh`: a refresh that counts as a read. */
  async #loadAnew(request: ReadRequest): Promise<unknown> {
    try {
      const { value, flight } = await this.#refresher.load(request)
      report(this.#core.recorder, request, LOADED, undefined, flight)
      return value
    } catch (error) {
      const isTimeout = error instanceof CacheError && error.code === 'LOAD_TIMEOUT'
      const outcome = isTimeout ? TIMED_OUT : request.signal?.aborted === true ? ABORTED : FAILED
      report(this.#core.recorder, request, outcome, undefined)
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
    return this.reserver.reserve(scope, userKey, options as ReserveOptions | undefined) as Promise<Reserved<V>>
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
    const { l1, local, turnClock, tokens } = this.#core
    const localKey = this.#hotKey(scope, userKey)
    const entry = localKey === undefined ? undefined : l1?.peek(localKey)
    if (entry !== undefined && local.unsent.size === 0) {
      const nowMs = turnClock.nowMs()
      if (nowMs < entry.hotUntilMs && tokens.isProven(entry, nowMs)) return entry.value
    }
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
