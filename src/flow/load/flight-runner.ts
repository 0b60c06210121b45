// Runs one flight from start to end: reads L2, gets the right to load, calls the loader, and handles a failure.
import { type AtMs, ageOf } from '../../model/entry.js'
import type { CacheError } from '../../model/errors.js'
import { FAILED, HIT, STALE, STALE_IF_ERROR, TIMED_OUT } from '../../model/events/read-outcome.js'
import type { StaleValue } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { Timed } from '../../tiers/deadlines.js'
import type { Core } from '../core.js'
import { type Accepted, accept, acceptAgain } from '../entries/accept.js'
import { l2BudgetOf } from '../entries/l2-budget.js'
import { type LocalEntries, putInL1 } from '../entries/local-entries.js'
import type { FoundEntry, RemoteEntries } from '../entries/remote-entries.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import { isHeard, L2_WAITS, type L2Trace, LOADS, type LoadTrace, Trace, traced } from '../runtime/traces.js'
import { type Flight, loadTimeout, type UsableEntry } from '../state/flight.js'
import { Filler } from './fill.js'
import { LateLabels } from './late-labels.js'
import { Leases } from './leases.js'
import { releaseSlot } from './released.js'
import { ageFor, type LoadRequest, mustWait } from './request.js'
import { type Loaded, runLoader } from './run-loader.js'
import { FENCED_OUT, HELD_IN_L2, NO_RIGHT, type StoreRight } from './store-right.js'

const CLOCK_ERROR_MS = 2

export class FlightRunner {
  readonly #core: Core
  readonly #local: LocalEntries
  readonly #leases: Leases | undefined
  readonly #filler: Filler

  constructor(core: Core, local: LocalEntries, remote: RemoteEntries | undefined) {
    this.#core = core
    this.#local = local
    this.#leases = core.remote && remote && new Leases(core, core.remote, remote)
    this.#filler = new Filler(core, core.remote, remote, this.#leases, new LateLabels(core))
  }

  // ── 1. The flight: L2 and the right to load ─────────────────────────────────────────────────────────────────────────────────

  async run(flight: Flight, request: LoadRequest): Promise<void> {
    const { local, limits } = this.#core
    flight.start = undefined
    local.inFlight.add(flight)
    const limit = this.#limit(flight, request)
    if (limit !== undefined) limits.add(limit)
    try {
      await this.#readThenLoad(flight, request)
    } catch (error) {
      // Only a defect of the cache itself gets here: errors of the loader are handled in `#failed`. Callers must not hang because of it.
      if (!flight.isSettled) flight.reject(error)
      throw error
    } finally {
      if (limit !== undefined) limits.remove(limit)
      local.inFlight.delete(flight)
      local.flights.delete(flight)
      flight.end()
    }
  }

  /** `hardTimeout` ends the flight without waiting for its loader, so the key is free for the next caller. */
  #limit(flight: Flight, request: LoadRequest): Timed | undefined {
    const { hardTimeoutMs } = request.policy
    if (hardTimeoutMs === Number.POSITIVE_INFINITY) return undefined
    const onDue = () => {
      // The loader has returned: only storing remains, which has a limit of its own.
      if (flight.hasLoaded) return
      if (flight.isReserved) releaseSlot(this.#core.local, flight)
      else this.#timeOut(flight, request, loadTimeout(hardTimeoutMs))
    }
    return { place: -1, dueAtMs: this.#core.callers.nowMs() + hardTimeoutMs, onDue }
  }

  /** The callers get the error. The load is aborted, at once or after `lateResult`, until when its value may still be kept. */
  #timeOut(flight: Flight, request: LoadRequest, error: CacheError): void {
    const { callers, limits } = this.#core
    const { hardTimeoutMs, lateResultMs } = request.policy
    const wasDetached = flight.detached
    this.#failed(flight, request, error, hardTimeoutMs, TIMED_OUT)
    if (lateResultMs === 0) {
      flight.abort(error)
      return
    }
    // Nobody joins it any more, but that alone does not forbid its value. What had detached it before, such as a refresh, does.
    flight.detached = wasDetached
    flight.isLate = true
    if (lateResultMs === Number.POSITIVE_INFINITY) return
    const last: Timed = { place: -1, dueAtMs: callers.nowMs() + lateResultMs, onDue: () => flight.abort(error) }
    limits.add(last)
    void flight.over.then(() => limits.remove(last))
  }

  async #readThenLoad(flight: Flight, request: LoadRequest): Promise<void> {
    const { policy, scope } = request
    const budget = l2BudgetOf(this.#core, policy)
    const leases = policy.tiers === 'l1' ? undefined : this.#leases
    if (leases === undefined) return flight.isAborted ? undefined : this.#load(flight, request, NO_RIGHT, budget)
    const isGoodEnough = (other: FoundEntry) => this.#isGoodEnough(other, flight, request)
    const plan = { scope, policy, flight, budget, isGoodEnough }
    const waitOf = (wait: L2Trace['wait']) => () => this.#messageOf(request, { wait })
    const isHeld = this.#isHeld(flight)
    const found = await traced(L2_WAITS, waitOf('read'), () => (isHeld ? leases.see(plan) : leases.read(plan)))
    if (found.kind === 'entry') {
      if (isGoodEnough(found)) return this.#arrive(flight, request, found)
      const usable = this.#fallBackOn(flight, found)
      const age = ageFor(request, found.entry, this.#core)
      if (!flight.mustLoad && age === 'stale' && !flight.isSettled) this.#serveStale(flight, request, usable, found)
      if (!flight.mustLoad && age !== 'fresh' && age !== 'expired' && mustWait(request, this.#core, found)) {
        if (!flight.isSettled) flight.resolve(usable.entry.value, STALE_IF_ERROR[usable.tier], usable.entry)
        return
      }
    }
    // While a hold lasts nothing is stored: this process waits for no other one, and none for it.
    if (isHeld && this.#isHeld(flight))
      return flight.isAborted ? undefined : this.#load(flight, request, FENCED_OUT, budget)
    const acquired = await traced(L2_WAITS, waitOf('acquire'), () => leases.acquire(found, plan))
    if (acquired.kind === 'leave') return this.#leave(flight)
    if (acquired.kind === 'found') return this.#arrive(flight, request, acquired.found)
    const { right } = acquired
    if (flight.isAborted) leases.giveBack(right)
    else await this.#load(flight, request, right, budget)
  }

  /** Whether this process knows of a hold that lasts now. */
  #isHeld({ localKey, labels }: Flight): boolean {
    const { local, clock } = this.#core
    return local.holds.endAfter(clock.nowMs(), localKey, labels) !== undefined
  }

  /** What the messages about a request say of it, with what is special of each. */
  #messageOf<T extends object>({ scope, userKey }: LoadRequest, own: T) {
    const { name, recorder } = this.#core
    return { cache: name, scope: scope.space.scope, key: recorder.shown(userKey), ...own }
  }

  /** Another load refreshes an entry that is still usable. Callers that joined meanwhile get that entry. */
  #leave(flight: Flight): void {
    const { usable } = flight
    if (!flight.isSettled && usable !== undefined) flight.resolve(usable.entry.value, HIT[usable.tier], usable.entry)
  }

  /** Whether an entry of L2 makes the load unnecessary: it is fresh and, for a refresh, newer than what this process has. */
  #isGoodEnough(found: FoundEntry, flight: Flight, request: LoadRequest): boolean {
    if (flight.mustLoad) return false
    if (ageFor(request, found.entry, this.#core) !== 'fresh') return false
    if (flight.reason !== 'refresh') return true
    // The copy in L1 and its original in L2 may differ by the error of two estimates of the store's clock.
    return flight.usable !== undefined && found.entry.createdAtMs > flight.usable.entry.createdAtMs + CLOCK_ERROR_MS
  }

  /** Notes what L2 has as the value to serve if loading fails: it is at least as new as what L1 had. */
  #fallBackOn(flight: Flight, found: FoundEntry): UsableEntry {
    const age = ageOf(found.entry, this.#core.clock.nowMs())
    const usable: UsableEntry = { entry: found.entry, tier: 'l2', age: age === 'expired' ? 'staleIfError' : age }
    flight.fallBackOn(usable)
    return usable
  }

  /** Ends the flight with an entry of L2. */
  #arrive(flight: Flight, request: LoadRequest, found: FoundEntry): void {
    this.#local.copyToL1(flight.localKey, flight.keyMark, request.policy, found)
    this.#core.local.failures.lift(flight.localKey)
    flight.resultLabels = found.entry.labels.labels
    flight.resultUntilMs = found.entry.freshUntilMs
    if (flight.isSettled) return
    flight.resolve(found.entry.value, HIT.l2, found.entry)
  }

  /** The entry of L2 is stale: the callers get it now, and the load goes on in the background. */
  #serveStale(flight: Flight, request: LoadRequest, usable: UsableEntry, found: FoundEntry): void {
    this.#local.copyToL1(flight.localKey, flight.keyMark, request.policy, found)
    flight.resultLabels = found.entry.labels.labels
    flight.resultUntilMs = found.entry.staleUntilMs
    flight.keepAlive()
    flight.resolve(usable.entry.value, STALE[usable.tier], usable.entry)
  }

  // ── 2. The loader ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #load(flight: Flight, request: LoadRequest, acquired: StoreRight, budget: TimeBudget): Promise<void> {
    const core = this.#core
    const { clock, recorder } = core
    const { scope, userKey, policy } = request
    // Tokens are read before the load begins, so that a later invalidation makes them differ.
    const epoch = core.tokens.epoch
    const since = core.bus?.position()
    const lifeMs = policy.ttlMs + Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs)
    flight.readsTokens = true
    // A value that may not be stored in L2 needs no tokens of L2. Asking for them could take the caller another timeout.
    const carrying =
      acquired.fence === undefined
        ? core.tokenReader.carryKnown(flight.labels)
        : core.tokenReader.carry(flight.labels, lifeMs, budget)
    const carried = carrying instanceof Promise ? await carrying : carrying
    const right = carried.isHeld ? HELD_IN_L2 : acquired
    // Nothing will be stored, so other processes need not wait for this load.
    if (right !== acquired) this.#leases?.giveBack(acquired)
    flight.isHeldInL2 = right.isHeldInL2 === true
    const startedAtMs = clock.nowMs()
    flight.fence = right.fence
    let stopRenewing: (() => void) | undefined
    let loaded: Loaded
    try {
      const stale = flight.usable && staleOf(flight.usable, startedAtMs)
      flight.isLoading = true
      const load = () => runLoader(request.load, userKey, flight, stale, core.running)
      if (isHeard(LOADS))
        flight.trace = new Trace<LoadTrace>(LOADS, this.#messageOf(request, { reason: flight.reason }))
      const loading = flight.trace === undefined ? load() : flight.trace.run(load)
      if (loading instanceof Promise) {
        stopRenewing = this.#leases?.renewWhileLoading(right)
        loaded = await flight.untilAborted(loading)
      } else {
        // Not synchronously: callers of the same tick share the load, even if its value is kept nowhere.
        loaded = await loading
      }
      const accepted = this.#accept(loaded, policy)
      loaded = { ...loaded, ...(accepted instanceof Promise ? await flight.untilAborted(accepted) : accepted) }
    } catch (error) {
      this.#leases?.giveBack(right)
      // After an abort the callers have left, or were rejected already. So were they if it is late.
      if (flight.isAborted || flight.isLate) {
        flight.trace?.failed(error)
        return
      }
      const tookMs = clock.nowMs() - startedAtMs
      if (flight.isReserved) this.#fillFailed(flight, request, error, tookMs)
      else this.#failed(flight, request, error, tookMs)
      return
    } finally {
      stopRenewing?.()
    }
    flight.hasLoaded = true
    flight.loadedAtMs = clock.nowMs()
    const tookMs = flight.loadedAtMs - startedAtMs
    flight.loadMs = tookMs
    recorder.loadEnded(scope, tookMs)
    flight.trace?.ended()
    core.local.failures.lift(flight.localKey)
    try {
      const { tags } = request
      const done = { scope, policy, userKey, tags, flight, loaded, carried, right, startedAtMs, tookMs, since, epoch }
      await this.#filler.finish(done)
    } catch (error) {
      // The loader succeeded: its callers get the value, even though the cache could not keep it.
      if (!flight.isSettled) flight.resolve(loaded.value)
      this.#leases?.giveBack(right)
      flight.stored = 'unsupported'
      recorder.storeFailed(scope, flight.localKey, error)
      recorder.loaded(scope, userKey, flight.reason, tookMs, 'unsupported')
    }
  }

  /** The schema refused what was filled into a slot. The error is that of the slot's holder; those who wait for it start anew. */
  #fillFailed(flight: Flight, request: LoadRequest, error: unknown, tookMs: Milliseconds): void {
    const { recorder, local } = this.#core
    recorder.loadFailed(request.scope, request.userKey, flight.reason, tookMs, error)
    flight.failure = { error }
    releaseSlot(local, flight)
  }

  #accept(loaded: Loaded, policy: Policy): Accepted | Promise<Accepted> {
    const { values } = this.#core
    return loaded.use === 'renew' && policy.schema !== undefined
      ? acceptAgain(values, policy, loaded.value)
      : accept(values, policy, loaded.value)
  }

  /** A load failed. If a stale value is still usable, it is served and the next load waits a little; else callers get the error. */
  #failed(flight: Flight, request: LoadRequest, error: unknown, tookMs: Milliseconds, outcome = FAILED): void {
    const { recorder, local } = this.#core
    flight.trace?.failed(error)
    recorder.loadFailed(request.scope, request.userKey, flight.reason, tookMs, error)
    flight.failure = { error }
    const { usable } = flight
    const mayServe = usable !== undefined && this.isStillUsable(usable, flight)
    local.detachFlight(flight)
    if (!mayServe) {
      if (!flight.isSettled) flight.reject(error, outcome)
      return
    }
    this.#noteFailure(flight, request, usable)
    // Put it into L1, so that reads find it there until the next attempt.
    if (usable.tier === 'l2' && request.policy.tiers === 'all' && request.policy.l1TtlMs > 0) {
      putInL1(this.#core, flight.localKey, usable.entry, request.policy, undefined)
    }
    if (!flight.isSettled) flight.resolve(usable.entry.value, STALE_IF_ERROR[usable.tier], usable.entry)
  }

  isStillUsable(usable: UsableEntry, flight: Flight): boolean {
    const { clock, local, tokens } = this.#core
    const nowMs = clock.nowMs()
    if (ageOf(usable.entry, nowMs) === 'expired') return false
    if (local.keyLog.brokenSince(flight.keyMark, flight.localKey)) return false
    return tokens.verify(usable.entry, nowMs) !== 'invalidated'
  }

  #noteFailure(flight: Flight, request: LoadRequest, usable: UsableEntry): void {
    const { failureBackoff } = request.policy
    if (failureBackoff === undefined) return
    const { clock, random, local } = this.#core
    const { localKey, labelMark, fence } = flight
    const labels = [flight.labels, usable.entry.labels.labels]
    local.failures.note({ localKey, labels, labelMark, fence }, failureBackoff, clock.nowMs(), random)
  }
}

function staleOf(usable: UsableEntry, nowMs: AtMs): StaleValue {
  const { value, createdAtMs, etag } = usable.entry
  return { value, ageMs: nowMs - createdAtMs, state: usable.age, etag }
}
