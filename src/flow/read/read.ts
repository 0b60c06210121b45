// A read, from top to bottom: L1, then L2, then the loader. Each step is one method, in the order in which they run.

import { type Age, type AtMs, ageOf, Entry } from '../../model/entry.js'
import { CacheError, showName } from '../../model/errors.js'
import type { LoadReason, Tier } from '../../model/events/events.js'
import {
  ABORTED,
  asJoined,
  FAILED,
  HIT,
  type ReadOutcome,
  STALE,
  STALE_IF_ERROR,
  STALE_IF_SLOW,
  TIMED_OUT,
} from '../../model/events/read-outcome.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import { tagLabel } from '../../model/labels.js'
import { ageWithin, type CallWindows, windowsOf } from '../../model/options/call-windows.js'
import type { CallOptions, Loader, ReadOptions, StaleValue, Tags } from '../../model/options/options.js'
import { type Policy, resolvePolicy } from '../../model/options/policy.js'
import { ownOptions } from '../../model/own-options.js'
import type { Milliseconds } from '../../model/ports.js'
import { shouldRefreshEarly } from '../../model/time/freshness.js'
import { atEndOfTick } from '../../model/time/tick.js'
import { refuseGenerator } from '../../model/values/used-once.js'
import type { Timed } from '../../tiers/deadlines.js'
import type { CallScope, Core, Remote } from '../core.js'
import { type Accepted, accept, acceptAgain } from '../entries/accept.js'
import { type Found, type FoundEntry, RemoteEntries } from '../entries/remote-entries.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import { checkEntryTags } from '../entries/tags.js'
import { Filler, putInL1 } from '../load/fill.js'
import { Leases, NO_RIGHT, type StoreRight } from '../load/leases.js'
import { type Loaded, runLoader } from '../load/run-loader.js'
import { TimeBudget } from '../runtime/time-budget.js'
import { Flight, type Loading, loadTimeout, type UsableEntry, type Waiting } from '../state/flight.js'
import type { Mark } from '../state/invalidation-log.js'
import type { SealPlan } from '../state/seal-plan.js'
import { MaxAges } from './max-ages.js'

/** What a read without loading found. */
export type Lookup<V> =
  | { readonly found: false }
  | {
      readonly found: true
      readonly value: V
      readonly tier: Tier
      /** fresh; stale: within staleWhileRevalidate; failsafe: would be served only if loading failed. */
      readonly state: Exclude<Age, 'expired'>
      readonly ageMs: Milliseconds
      /** What is left of its freshness, 0 once stale. */
      readonly freshForMs: Milliseconds
      readonly tags: readonly string[]
    }

/** One `getOrSet` after its L1 hit was ruled out. */
interface Request {
  readonly scope: CallScope
  readonly userKey: string
  readonly localKey: string
  readonly policy: Policy
  /** What this call takes, if it says so: others that share its load may take more. */
  readonly windows: CallWindows | undefined
  readonly load: Loader<unknown>
  readonly tags: Tags<never> | undefined
  readonly signal: AbortSignal | undefined
}

const CLOCK_ERROR_MS = 2

export class Reader {
  readonly entries: RemoteEntries | undefined
  readonly #core: Core
  readonly #leases: Leases | undefined
  readonly #filler: Filler
  readonly #remote: Remote | undefined
  readonly #maxAges = new MaxAges()

  constructor(core: Core) {
    this.#core = core
    this.#remote = core.remote
    this.entries = core.remote && new RemoteEntries(core, core.remote)
    this.#leases = core.remote && this.entries && new Leases(core, core.remote, this.entries)
    this.#filler = new Filler(core, core.remote, this.entries, this.#leases)
  }

  // ── 1. The hit in L1 ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Get or load. The hit is this one plain function: one look-up, one clock read (sampled once per turn), three comparisons, and the
   * promise that the entry keeps (bench/micro/l1-hit.ts). Options are resolved only once the hit is ruled out; of those that could rule
   * it out each is looked at.
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
   * The value if L1 has it, fresh, younger than `maxAgeMs` and with nothing to think about; else `undefined`, and `getOrSet` is to be
   * asked.
   */
  hit(scope: CallScope, userKey: string, maxAgeMs: Milliseconds = Infinity): Promise<unknown> | undefined {
    const core = this.#core
    if (core.l1 === undefined || typeof userKey !== 'string') return undefined
    const prefix = scope.space.localPrefix
    const entry = core.l1.get(prefix === '' ? userKey : prefix + userKey)
    // Not a key that only looks like the local key of a namespace (those begin with NUL).
    if (entry === undefined || userKey.charCodeAt(0) === 0) return undefined
    const nowMs = core.turnClock.nowMs()
    if (nowMs >= entry.hotUntilMs || entry.epoch !== core.tokens.epoch || nowMs >= core.tokens.trustedUntilMs)
      return undefined
    if (nowMs - entry.createdAtMs >= maxAgeMs) return undefined
    core.recorder.l1Hit(scope.space, userKey)
    if (entry.promise === undefined) entry.promise = Promise.resolve(entry.value)
    return entry.promise
  }

  // ── 2. What L1 has, if it may be served ─────────────────────────────────────────────────────────────────────────────────────

  #fetch(scope: CallScope, userKey: string, load: Loader<unknown>, options: CallOptions | undefined): Promise<unknown> {
    try {
      return this.#serve(this.#request(scope, userKey, load, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #serve(request: Request): Promise<unknown> {
    if (request.signal?.aborted === true) {
      this.#report(request, ABORTED, undefined)
      return Promise.reject(request.signal.reason)
    }
    const usable = this.#inL1(request.localKey, request.policy, request.windows)
    const served = usable && this.#serveHeld(request, usable)
    return served === undefined ? this.#joinOrFly(request, usable) : Promise.resolve(served.value)
  }

  /** What L1 has answers now, and is refreshed behind the answer where that is due; `undefined`: a load is to be waited for. */
  #serveHeld(request: Request, usable: UsableEntry): { readonly value: unknown } | undefined {
    const age = this.#ageFor(request, usable.entry)
    if (age === 'fresh') {
      this.#report(request, HIT.l1, usable)
      if (this.#isEarly(usable.entry, request.policy)) this.#refreshBehind(request, 'refresh', usable)
      return { value: this.#release(usable.entry.value) }
    }
    if (age === 'expired') return undefined
    const mustWait = this.#mustWait(request)
    if (age === 'stale') {
      if (!mustWait) this.#refreshBehind(request, 'stale', usable)
      this.#report(request, STALE[usable.tier], usable)
      return { value: this.#release(usable.entry.value) }
    }
    if (!mustWait) return undefined
    this.#report(request, STALE_IF_ERROR[usable.tier], usable)
    return { value: this.#release(usable.entry.value) }
  }

  #request(scope: CallScope, userKey: string, load: Loader<unknown>, given: CallOptions | undefined): Request {
    const options = ownOptions(given)
    this.#core.assertOpen()
    if (typeof load !== 'function') {
      throw new CacheError(
        'INVALID_OPTION',
        `getOrSet expects a loader function as its second argument; got ${typeof load}`,
      )
    }
    refuseGenerator(load, 'the loader of getOrSet')
    const target = scopeOfCall(scope, options)
    const policy = resolvePolicy(scope.policy, options)
    return {
      scope: target,
      userKey,
      localKey: localKeyOf(target.space, userKey),
      policy,
      windows: windowsOf(options, policy),
      load,
      tags:
        options?.tags === undefined || typeof options.tags === 'function'
          ? options?.tags
          : checkEntryTags(options.tags, 'tags'),
      signal: options?.signal,
    }
  }

  /**
   * A value that was set here and that L2 does not have yet is what this process reads (G2), whatever L1 made of it. `held` is
   * `undefined` if its life is over.
   */
  ownWrite(localKey: string): { readonly usable: UsableEntry | undefined } | undefined {
    const { clock, tokens, journal: recovery, local } = this.#core
    const unsent = local.unsent.planOf(localKey)
    const plan = unsent ?? (recovery.size > 0 ? recovery.pendingValue(localKey)?.plan : undefined)
    return plan && { usable: heldOf(plan, clock.nowMs(), tokens.epoch) }
  }

  /** The entry of L1 that may be used in some way, with its labels and the trust in the bus checked. */
  #inL1(localKey: string, policy: Policy, windows?: CallWindows): UsableEntry | undefined {
    const { l1, clock, tokens } = this.#core
    const written = this.ownWrite(localKey)
    if (written !== undefined) return written.usable
    const entry = policy.tiers === 'l2' ? undefined : l1?.get(localKey)
    if (entry === undefined) return undefined
    const nowMs = clock.nowMs()
    const currency = tokens.verify(entry, nowMs)
    if (currency === 'invalidated') {
      // Not trusted is not dead: L2 may say that it is still what it was.
      if (tokens.compare(entry.labels) === 'invalidated') l1?.delete(localKey)
      return undefined
    }
    if (currency === 'expired') entry.expire(tokens.expiredAtMs(entry.labels, nowMs))
    const age = ageOf(entry, nowMs)
    if (age === 'expired') {
      l1?.delete(localKey)
      return undefined
    }
    // Too long in L1 for this call: it asks L2, which others need not.
    if (windows?.l1TtlMs !== undefined && nowMs >= entry.verifiedAtMs + windows.l1TtlMs) return undefined
    return { entry, tier: 'l1', age }
  }

  /** What an entry is worth to one call. */
  #ageFor(request: Request, entry: Entry): Age {
    return ageWithin(entry, request.windows, this.#core.clock.nowMs())
  }

  #isEarly(entry: Entry, policy: Policy): boolean {
    const { clock, random } = this.#core
    const { freshUntilMs, loadMs } = entry
    return shouldRefreshEarly({ nowMs: clock.nowMs(), freshUntilMs, loadMs, beta: policy.earlyRefreshBeta, random })
  }

  /** Whether the last load of this key failed so recently that the next one has to wait. */
  #mustWait({ localKey, policy }: Request, found?: FoundEntry): boolean {
    if (policy.failureBackoff === undefined) return false
    const { local, clock } = this.#core
    return local.failures.mustWait(localKey, clock.nowMs(), found && (() => found.stamp))
  }

  /** A read is over; `held` is the entry that was served, if one was. */
  #report(request: Request, outcome: ReadOutcome, usable: UsableEntry | undefined): void {
    this.#core.recorder.read(request.scope.space, request.userKey, outcome, usable?.entry.createdAtMs)
  }

  #release(value: unknown): unknown {
    return this.#core.l1 === undefined ? value : this.#core.l1.release(value)
  }

  /** What a flight answered. A value that cannot be copied was not kept either: only those who waited for it share it. */
  #handOut(value: unknown): unknown {
    try {
      return this.#release(value)
    } catch {
      return value // the event storeFailed told of it, and no error of the cache's reaches the caller of a read
    }
  }

  // ── 3. One flight per key ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #joinOrFly(request: Request, usable: UsableEntry | undefined): Promise<unknown> {
    const { local, running, callers } = this.#core
    const { policy, signal, tags } = request
    const caller = running.getStore()
    const flying = this.#joinable(request.localKey)
    if (flying !== undefined && caller !== undefined) refuseCycle(caller, flying, request.userKey, this.#core)
    if (flying !== undefined && tags !== undefined) flying.addTags(tags)
    const flight = flying ?? this.#prepare(request, usable, usable === undefined ? 'miss' : 'stale')
    const joinedAt = local.labelLog.mark()
    const waiting: Waiting = {
      signal,
      // The starter's own limit is the flight's; a joiner may be in more of a hurry.
      limitMs: flying === undefined ? Number.POSITIVE_INFINITY : policy.hardTimeoutMs,
      softMs: policy.softTimeoutMs,
      takeStale: () => {
        const { usable } = flight
        if (usable === undefined || !this.#isStillUsable(usable, flight)) return undefined
        if (this.#ageFor(request, usable.entry) === 'expired') return undefined
        waiting.outcome = STALE_IF_SLOW[usable.tier]
        return usable.entry
      },
      outcome: undefined,
    }
    caller?.waitsFor.add(flight)
    const answer = flight.join(waiting, callers, () => this.#abandon(flight))
    // Started only now: its loader may run at once, and ask for what the caller loads.
    const start = flying === undefined ? () => this.#fly(flight, request) : flying.start
    // A refresh that waits for its turn does so only as long as nobody waits for it.
    if (start !== undefined) this.#core.background.run('load', start)
    callers.came()
    let value: unknown
    try {
      value = await answer
    } catch (error) {
      this.#report(request, waiting.outcome ?? flight.outcome, undefined)
      throw error
    } finally {
      callers.left()
      caller?.waitsFor.delete(flight)
    }
    if (flying !== undefined && this.#isOutdatedFor(flight, joinedAt)) {
      // Nobody else joins it either: it may go on storing for a while.
      local.detachFlight(flight)
      return this.#joinOrFly(request, undefined)
    }
    if (request.windows !== undefined && waiting.outcome === undefined && !this.#isTaken(request, flight)) {
      return this.#serveBeyond(request, flight)
    }
    this.#report(
      request,
      waiting.outcome ?? (flying === undefined ? flight.outcome : asJoined(flight.outcome)),
      flight.usable,
    )
    return this.#handOut(value)
  }

  /** Whether a call with windows of its own takes what the flight answered. */
  #isTaken(request: Request, { answerEntry, outcome }: Flight): boolean {
    if (answerEntry === undefined) return true
    const age = this.#ageFor(request, answerEntry)
    if (outcome.result === 'hit') return age === 'fresh'
    return outcome.result === 'stale' ? age === 'fresh' || age === 'stale' : age !== 'expired'
  }

  /** The others took it: this call gets the loader's error, or what is there once the flight is over. */
  async #serveBeyond(request: Request, flight: Flight): Promise<unknown> {
    if (flight.failure === undefined) await this.#core.callers.await(flight.over)
    if (flight.failure === undefined) return this.#serve(request)
    this.#report(request, FAILED, undefined)
    throw flight.failure.error
  }

  /** The flight under way that a new caller may share: not one whose answer is over its ttl already. */
  #joinable(localKey: string): Flight | undefined {
    const { local, clock } = this.#core
    const flight = local.flights.get(localKey)
    if (flight === undefined) return undefined
    const nowMs = clock.nowMs()
    if (flight.isAnswered && nowMs >= flight.answerUntilMs) return undefined
    return this.#mayHaveMissed(flight, nowMs) ? undefined : flight
  }

  /**
   * Whether an invalidation of what the flight brings may have gone unheard for longer than G3 allows. L2 can tell: if the flight's
   * lease still stands there, the next one waits for it, and loads nothing.
   */
  #mayHaveMissed(flight: Flight, nowMs: AtMs): boolean {
    const { remote, tokens } = this.#core
    if (remote === undefined || (flight.epoch >= tokens.eraEpoch && tokens.isTrusted(nowMs))) return false
    // If L2 cannot be asked, a load that runs is shared all the same (G5). What it has answered is a value like any other.
    return nowMs >= flight.beganAtMs + tokens.maxStalenessMs && (flight.isAnswered || remote.tier.isAvailable())
  }

  /**
   * Whether a label that the answer turned out to carry was invalidated after the load began and before this caller came: then
   * the value is the earlier callers', not this one's.
   */
  #isOutdatedFor(flight: Flight, joinedAt: Mark): boolean {
    if (flight.labelMark === joinedAt || flight.answerLabels === undefined) return false
    return flight.answerLabels.some((label) =>
      this.#core.local.labelLog.brokenBetween(flight.labelMark, joinedAt, label),
    )
  }

  #abandon(flight: Flight): void {
    this.#core.local.detachFlight(flight)
    flight.abort(new DOMException('every caller that waited for this load has left', 'AbortError'))
  }

  /** A flight that others can join, not yet started. */
  #prepare(request: Request, usable: UsableEntry | undefined, reason: LoadReason): Flight {
    const { local, clock, tokens } = this.#core
    const { localKey } = request
    const { scopeLabels } = request.scope.space
    const { tags } = request
    const isTagged = tags !== undefined && typeof tags !== 'function' && tags.length > 0
    const plan = {
      localKey,
      reason,
      labels: isTagged ? [...scopeLabels, ...new Set(tags.map(tagLabel))] : scopeLabels,
      keyMark: local.keyLog.mark(),
      labelMark: local.labelLog.mark(),
      beganAtMs: clock.nowMs(),
      epoch: tokens.epoch,
    }
    const flight = new Flight(plan, usable)
    local.flights.add(flight)
    return flight
  }

  /** Starts a refresh that nobody waits for, unless one is under way. At most so many run at once as `background.concurrency` says. */
  #refreshBehind(request: Request, reason: LoadReason, usable: UsableEntry): void {
    const { local, background, recorder } = this.#core
    if (local.flights.has(request.localKey)) return
    if (!background.hasRoomForRefresh) {
      // The next read of the stale entry tries again.
      recorder.dropped('refresh', request.scope.space.scope, request.localKey)
      return
    }
    const flight = this.#prepare(request, usable, reason)
    flight.keepAlive()
    flight.start = () => this.#fly(flight, request)
    background.refresh('refresh', async () => flight.start?.())
  }

  // ── 4. The flight: L2, the right to load, the loader ────────────────────────────────────────────────────────────────────────

  async #fly(flight: Flight, request: Request): Promise<void> {
    const { local, limits } = this.#core
    flight.start = undefined
    local.inFlight.add(flight)
    const limit = this.#limit(flight, request)
    if (limit !== undefined) limits.add(limit)
    try {
      await this.#readThenLoad(flight, request)
    } catch (error) {
      // Only a defect of the cache itself comes here: the loader's errors were dealt with. Callers must not hang for it.
      if (!flight.isAnswered) flight.reject(error)
      throw error
    } finally {
      if (limit !== undefined) limits.remove(limit)
      local.inFlight.delete(flight)
      local.flights.delete(flight)
      flight.end()
    }
  }

  /** `hardTimeout` ends the flight, whatever its loader does: the key is free for the next caller. */
  #limit(flight: Flight, request: Request): Timed | undefined {
    const { hardTimeoutMs } = request.policy
    if (hardTimeoutMs === Number.POSITIVE_INFINITY) return undefined
    const onDue = () => {
      // The loader did its part: what remains is storing, which has a limit of its own.
      if (flight.hasLoaded) return
      const error = loadTimeout(hardTimeoutMs)
      this.#failed(flight, request, error, hardTimeoutMs, TIMED_OUT)
      flight.abort(error)
    }
    return { place: -1, dueAtMs: this.#core.callers.nowMs() + hardTimeoutMs, onDue }
  }

  async #readThenLoad(flight: Flight, request: Request): Promise<void> {
    const { policy, scope } = request
    const budget = this.budget(policy)
    const leases = policy.tiers === 'l1' ? undefined : this.#leases
    if (leases === undefined) return flight.isAborted ? undefined : this.#load(flight, request, NO_RIGHT, budget)
    const isGoodEnough = (other: FoundEntry) => this.#isGoodEnough(other, flight, request)
    const plan = { scope, policy, flight, budget: budget, isGoodEnough }
    const found = await leases.read(plan)
    if (found.kind === 'entry') {
      if (isGoodEnough(found)) return this.#arrive(flight, request, found)
      const usable = this.#fallBackOn(flight, found)
      const age = this.#ageFor(request, found.entry)
      if (!flight.mustLoad && age === 'stale' && !flight.isAnswered) this.#answerStale(flight, request, usable, found)
      if (!flight.mustLoad && age !== 'fresh' && age !== 'expired' && this.#mustWait(request, found)) {
        if (!flight.isAnswered) flight.resolve(usable.entry.value, STALE_IF_ERROR[usable.tier], usable.entry)
        return
      }
    }
    const acquired = await leases.acquire(found, plan)
    if (acquired.kind === 'leave') return this.#leave(flight)
    if (acquired.kind === 'found') return this.#arrive(flight, request, acquired.found)
    const { right } = acquired
    if (flight.isAborted) leases.giveBack(right)
    else await this.#load(flight, request, right, budget)
  }

  /** Another process refreshes what is fresh still. Whoever joined meanwhile has that. */
  #leave(flight: Flight): void {
    const { usable } = flight
    if (!flight.isAnswered && usable !== undefined) flight.resolve(usable.entry.value, HIT[usable.tier], usable.entry)
  }

  /** For one read. */
  budget({ hardTimeoutMs }: Policy): TimeBudget {
    const tier = this.#remote?.tier
    const starting = tier?.starting
    if (tier === undefined || starting === undefined) return new TimeBudget(this.#core.callers, tier?.timeoutMs ?? 0)
    // What a first connection takes is none of what L2 may cost a read once it is connected. The loader must still have its turn
    // before the caller's own limit ends.
    const moreMs = Math.min(tier.connectTimeoutMs, hardTimeoutMs / 2 - tier.timeoutMs)
    const budget = new TimeBudget(this.#core.callers, tier.timeoutMs, moreMs)
    void starting.then(() => budget.renew())
    return budget
  }

  /** Whether an entry of L2 ends the flight: fresh, and newer than what this process has when that is to be refreshed. */
  #isGoodEnough(found: FoundEntry, flight: Flight, request: Request): boolean {
    if (flight.mustLoad) return false
    if (this.#ageFor(request, found.entry) !== 'fresh') return false
    if (flight.reason !== 'refresh') return true
    // The copy in L1 and its original differ by the error of two estimates of the store's clock.
    return flight.usable !== undefined && found.entry.createdAtMs > flight.usable.entry.createdAtMs + CLOCK_ERROR_MS
  }

  /** Notes what L2 has as the value to serve if loading fails: it is at least as new as what L1 had. */
  #fallBackOn(flight: Flight, found: FoundEntry): UsableEntry {
    const age = ageOf(found.entry, this.#core.clock.nowMs())
    const usable: UsableEntry = { entry: found.entry, tier: 'l2', age: age === 'expired' ? 'failsafe' : age }
    flight.fallBackOn(usable)
    return usable
  }

  /** L2 had it: L1 takes a copy, unless an invalidation came while the answer was on its way. */
  #arrive(flight: Flight, request: Request, found: FoundEntry): void {
    this.#copyToL1(flight.localKey, flight.keyMark, request.policy, found)
    this.#core.local.failures.lift(flight.localKey)
    flight.answerLabels = found.entry.labels.labels
    flight.answerUntilMs = found.entry.freshUntilMs
    if (flight.isAnswered) return
    flight.resolve(found.entry.value, HIT.l2, found.entry)
  }

  #copyToL1(localKey: string, keyMark: number, policy: Policy, found: FoundEntry): void {
    if (policy.tiers !== 'all' || policy.l1TtlMs <= 0) return
    if (this.#core.local.keyLog.brokenSince(keyMark, localKey)) return
    putInL1(this.#core, localKey, found.entry, policy, found.bytes)
  }

  /** Stale in L2: the callers have it now, the load goes on behind them. */
  #answerStale(flight: Flight, request: Request, usable: UsableEntry, found: FoundEntry): void {
    this.#copyToL1(flight.localKey, flight.keyMark, request.policy, found)
    flight.answerLabels = found.entry.labels.labels
    flight.answerUntilMs = found.entry.staleUntilMs
    flight.keepAlive()
    flight.resolve(usable.entry.value, STALE[usable.tier], usable.entry)
  }

  // ── 5. The loader ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #load(flight: Flight, request: Request, right: StoreRight, budget: TimeBudget): Promise<void> {
    const core = this.#core
    const { clock, recorder } = core
    const { scope, userKey, policy } = request
    // The tokens first: what was read before the load began is what a later invalidation makes differ.
    const epoch = core.tokens.epoch
    const since = core.bus?.position()
    const lifeMs = policy.ttlMs + Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs)
    flight.readsTokens = true
    // What may not be stored in L2 needs no token of L2's: asking for one could cost the caller the timeout once more.
    const carrying =
      right.fence === undefined
        ? core.tokenReader.carryKnown(flight.labels)
        : core.tokenReader.carry(flight.labels, lifeMs, budget)
    const carried = carrying instanceof Promise ? await carrying : carrying
    const startedAtMs = clock.nowMs()
    flight.fence = right.fence
    let stopRenewing: (() => void) | undefined
    let loaded: Loaded
    try {
      const stale = flight.usable && staleOf(flight.usable, startedAtMs)
      flight.isLoading = true
      const loading = runLoader(request.load, userKey, flight, stale, core.running)
      if (loading instanceof Promise) {
        stopRenewing = this.#leases?.renewWhileLoading(right)
        loaded = await flight.untilAborted(loading)
      } else {
        // Not at once: those who ask in the same tick share it, also if it is kept nowhere.
        loaded = await loading
      }
      const accepted = this.#accept(loaded, policy)
      loaded = { ...loaded, ...(accepted instanceof Promise ? await flight.untilAborted(accepted) : accepted) }
    } catch (error) {
      this.#leases?.giveBack(right)
      // After an abort the callers left or were told already.
      if (!flight.isAborted) this.#failed(flight, request, error, clock.nowMs() - startedAtMs)
      return
    } finally {
      stopRenewing?.()
    }
    flight.hasLoaded = true
    const tookMs = clock.nowMs() - startedAtMs
    recorder.loadEnded(tookMs)
    core.local.failures.lift(flight.localKey)
    try {
      const { tags } = request
      const done = { scope, policy, userKey, tags, flight, loaded, carried, right, startedAtMs, tookMs, since, epoch }
      await this.#filler.finish(done)
    } catch (error) {
      // The loader did its part: its callers are served, whatever the cache could not make of the value.
      if (!flight.isAnswered) flight.resolve(loaded.value)
      this.#leases?.giveBack(right)
      recorder.storeFailed(scope.space, flight.localKey, error)
      recorder.loaded(scope.space, userKey, flight.reason, tookMs, 'unsupported')
    }
  }

  #accept(loaded: Loaded, policy: Policy): Accepted | Promise<Accepted> {
    const { values } = this.#core
    return loaded.use === 'renew' && policy.schema !== undefined
      ? acceptAgain(values, policy, loaded.value)
      : accept(values, policy, loaded.value)
  }

  /** A load failed. A stale value that is still usable answers, and the next load waits a little; else the error goes out untouched. */
  #failed(flight: Flight, request: Request, error: unknown, tookMs: Milliseconds, outcome = FAILED): void {
    const { recorder, local } = this.#core
    recorder.loadFailed(request.scope.space, request.userKey, flight.reason, tookMs, error)
    flight.failure = { error }
    const { usable } = flight
    const mayServe = usable !== undefined && this.#isStillUsable(usable, flight)
    local.detachFlight(flight)
    if (!mayServe) {
      if (!flight.isAnswered) flight.reject(error, outcome)
      return
    }
    this.#noteFailure(flight, request, usable)
    // Into L1, so that the reads until the next try find it there.
    if (usable.tier === 'l2' && request.policy.tiers === 'all' && request.policy.l1TtlMs > 0) {
      putInL1(this.#core, flight.localKey, usable.entry, request.policy, undefined)
    }
    if (!flight.isAnswered) flight.resolve(usable.entry.value, STALE_IF_ERROR[usable.tier], usable.entry)
  }

  #isStillUsable(usable: UsableEntry, flight: Flight): boolean {
    const { clock, local, tokens } = this.#core
    const nowMs = clock.nowMs()
    if (ageOf(usable.entry, nowMs) === 'expired') return false
    if (local.keyLog.brokenSince(flight.keyMark, flight.localKey)) return false
    return tokens.verify(usable.entry, nowMs) !== 'invalidated'
  }

  #noteFailure(flight: Flight, request: Request, usable: UsableEntry): void {
    const { failureBackoff } = request.policy
    if (failureBackoff === undefined) return
    const { clock, random, local } = this.#core
    const { localKey, labelMark, fence } = flight
    const labels = [flight.labels, usable.entry.labels.labels]
    local.failures.note({ localKey, labels, labelMark, fence }, failureBackoff, clock.nowMs(), random)
  }

  /**
   * Loads although an entry may be usable, and waits for the result; rejects with the loader's error although a value may be at
   * hand. No load that runs already is joined, here or elsewhere, and no value of L2 taken: they may have begun too early. Refreshes
   * of one key that are asked for before the loader is called share its call; those that come while it runs wait for its end, and
   * share the next one: so at most one runs, and one waits.
   */
  async refresh(
    scope: CallScope,
    userKey: string,
    load: Loader<unknown>,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    const asked = this.#request(scope, userKey, load, options)
    const request: Request = { ...asked, policy: { ...asked.policy, singleFlight: 'process' } }
    const { local, running } = this.#core
    const caller = running.getStore()
    for (;;) {
      request.signal?.throwIfAborted()
      const flying = local.flights.get(request.localKey)
      if (flying !== undefined && caller !== undefined) refuseCycle(caller, flying, userKey, this.#core)
      if (flying?.mustLoad !== true || flying.isAnswered) return this.#refreshed(this.#beginRefresh(request), request)
      if (!flying.isLoading) {
        if (request.tags !== undefined) flying.addTags(request.tags)
        return this.#refreshed(flying, request)
      }
      try {
        await this.#waitFor(flying, request)
      } catch (error) {
        // Its failure is that of its own callers.
        if (!flying.isAnswered) throw error
      }
    }
  }

  /** A load that begins at the end of this tick: whoever asks for the same until then shares it. */
  #beginRefresh(request: Request): Flight {
    const { local, background } = this.#core
    const usable = this.#inL1(request.localKey, request.policy)
    local.detach(request.localKey)
    const flight = this.#prepare(request, usable, 'refresh')
    flight.mustLoad = true
    background.run('load', async () => {
      await new Promise<void>(atEndOfTick)
      if (flight.isAborted) flight.end()
      else await this.#fly(flight, request)
    })
    return flight
  }

  async #refreshed(flight: Flight, request: Request): Promise<unknown> {
    const value = await this.#waitFor(flight, request)
    if (flight.failure !== undefined) throw flight.failure.error
    return this.#handOut(value)
  }

  async #waitFor(flight: Flight, { signal, policy }: Request): Promise<unknown> {
    const { running, callers } = this.#core
    const caller = running.getStore()
    const limitMs = flight.isLoading ? policy.hardTimeoutMs : Infinity
    const waiting = { signal, limitMs, softMs: Infinity, takeStale: () => undefined, outcome: undefined }
    caller?.waitsFor.add(flight)
    callers.came()
    try {
      return await flight.join(waiting, callers, () => this.#abandon(flight))
    } finally {
      callers.left()
      caller?.waitsFor.delete(flight)
    }
  }

  // ── Reads that never load ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** L1 only, synchronous; changes neither recency nor counters. */
  peek(scope: CallScope, userKey: string): unknown {
    const { l1, clock, tokens, local } = this.#core
    const localKey = localKeyOf(scope.space, userKey)
    const unsent = local.unsent.planOf(localKey)
    if (unsent !== undefined) return this.#release(unsent.value)
    const entry = l1?.peek(localKey)
    if (entry === undefined) return undefined
    const nowMs = clock.nowMs()
    if (tokens.verify(entry, nowMs) !== 'current') return undefined
    const age = ageOf(entry, nowMs)
    return age === 'fresh' || age === 'stale' ? this.#release(entry.value) : undefined
  }

  /** What L1 or L2 holds under a key, usable in whatever way. */
  async find(scope: CallScope, userKey: string, given: ReadOptions | undefined): Promise<UsableEntry | undefined> {
    this.#core.assertOpen()
    const options = ownOptions(given)
    const target = scopeOfCall(scope, options)
    const policy = resolvePolicy(scope.policy, options)
    const localKey = localKeyOf(target.space, userKey)
    this.#refuseAborted(target, [userKey], options)
    const inL1 = this.#inL1(localKey, policy)
    if (inL1 !== undefined && inL1.age === 'fresh') return inL1
    if (this.entries === undefined || policy.tiers === 'l1') return inL1
    const keyMark = this.#core.local.keyLog.mark()
    const found = await this.#core.callers.await(this.entries.read(target.space, localKey, policy, this.budget(policy)))
    return this.#take(localKey, keyMark, policy, found) ?? inL1
  }

  /** The same for many keys, in their order, with one read of L2. */
  async findMany(
    scope: CallScope,
    userKeys: readonly string[],
    given: ReadOptions | undefined,
  ): Promise<readonly (UsableEntry | undefined)[]> {
    this.#core.assertOpen()
    const options = ownOptions(given)
    const target = scopeOfCall(scope, options)
    const policy = resolvePolicy(scope.policy, options)
    const localKeys = userKeys.map((userKey) => localKeyOf(target.space, userKey))
    this.#refuseAborted(target, userKeys, options)
    const results = localKeys.map((localKey) => this.#inL1(localKey, policy))
    if (this.entries === undefined || policy.tiers === 'l1') return results
    const missing: number[] = []
    results.forEach((usable, i) => {
      if (usable?.age !== 'fresh') missing.push(i)
    })
    if (missing.length === 0) return results
    const keyMark = this.#core.local.keyLog.mark()
    const asked = missing.map((i) => localKeys[i] as string)
    this.#core.callers.came()
    try {
      const found = await this.entries.readMany(target.space, asked, policy, this.budget(policy))
      for (let j = 0; j < missing.length; j++) {
        const i = missing[j] as number
        const one = found[j] as Found | Promise<Found>
        results[i] =
          this.#take(asked[j] as string, keyMark, policy, one instanceof Promise ? await one : one) ?? results[i]
      }
      return results
    } finally {
      this.#core.callers.left()
    }
  }

  /** Throws the reason of a signal that is aborted already; the reads are over then. */
  #refuseAborted(scope: CallScope, userKeys: readonly string[], options: ReadOptions | undefined): void {
    if (options?.signal?.aborted !== true) return
    for (const userKey of userKeys) this.#core.recorder.read(scope.space, userKey, ABORTED)
    throw options.signal.reason
  }

  #take(localKey: string, keyMark: number, policy: Policy, found: Found): UsableEntry | undefined {
    if (found.kind !== 'entry') return undefined
    const age = ageOf(found.entry, this.#core.clock.nowMs())
    if (age === 'expired') return undefined
    this.#copyToL1(localKey, keyMark, policy, found)
    return { entry: found.entry, tier: 'l2', age }
  }
}

function staleOf(usable: UsableEntry, nowMs: AtMs): StaleValue {
  return { value: usable.entry.value, ageMs: nowMs - usable.entry.createdAtMs, etag: usable.entry.etag }
}

/** A value that waits to be told to L2, as the entry that it would be. */
function heldOf(plan: SealPlan, nowMs: AtMs, epoch: number): UsableEntry | undefined {
  const { createdAtMs, life } = plan
  const freshUntilMs = createdAtMs + life.freshForMs
  const staleUntilMs = createdAtMs + life.staleForMs
  const usableUntilMs = createdAtMs + life.usableForMs
  const entry = new Entry(
    plan.value,
    createdAtMs,
    freshUntilMs,
    staleUntilMs,
    usableUntilMs,
    nowMs,
    plan.labels,
    plan.loadMs,
    plan.etag,
    epoch,
    life.staleIfErrorMs,
  )
  const age = ageOf(entry, nowMs)
  return age === 'expired' ? undefined : { entry, tier: 'l1', age }
}

function refuseCycle(caller: Loading, flying: Flight, userKey: string, { recorder }: Core): void {
  if (!flying.reaches(caller)) return
  throw new CacheError(
    'REENTRANT_LOAD',
    `the loader of ${showName(recorder.shown(userKey))} asks, directly or through another loader, for a key whose load waits for it: ` +
      'it would wait for ever. Load that part without the cache, or under another key',
  )
}
