// Runs the loader of one flight, settles the flight with what comes of it, and has the value stored.
import { type AtMs, ageOf } from '../../model/entry.js'
import { FAILED, STALE_IF_ERROR, TIMED_OUT } from '../../model/events/read-outcome.js'
import type { StaleValue } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import { type Accepted, accept, acceptAgain } from '../entries/accept.js'
import { putInL1 } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { isHeard, LOADS, type LoadTrace, Trace } from '../events/traces.js'
import type { Flight, UsableEntry } from '../flights/flight.js'
import { loadTimeout } from '../flights/waiting.js'
import type { Leases } from '../leases/leases.js'
import { HELD_IN_L2, type StoreRight } from '../leases/store-right.js'
import { Filler } from './fill.js'
import { LateLabels } from './late-labels.js'
import { releaseSlot } from './released.js'
import { type Loaded, runLoader } from './run-loader.js'

export class FlightLoader {
  readonly #core: Core
  readonly #leases: Leases | undefined
  readonly #filler: Filler

  constructor(core: Core, entries: RemoteEntries | undefined, leases: Leases | undefined) {
    this.#core = core
    this.#leases = leases
    this.#filler = new Filler(core, core.remote, entries, leases, new LateLabels(core))
  }

  /** Settles the flight in any case, and resolves when storing is over. Rejects only because of a defect of the cache itself. */
  async load(flight: Flight, acquired: StoreRight): Promise<void> {
    const core = this.#core
    const { clock, recorder } = core
    const { request } = flight
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
        : core.tokenReader.carry(flight.labels, lifeMs, flight.budget)
    const carried = carrying instanceof Promise ? await carrying : carrying
    const right = carried.isHeld ? HELD_IN_L2 : acquired
    // Nothing will be stored, so other processes need not wait for this load.
    if (right !== acquired) this.#leases?.giveBack(acquired)
    flight.isHeldInL2 = right.isHeldInL2 === true
    const startedAtMs = clock.nowMs()
    flight.fence = right.fence
    flight.carried = carried.set
    let stopRenewing: (() => void) | undefined
    let loaded: Loaded
    try {
      const stale = flight.usable && staleOf(flight.usable, startedAtMs)
      flight.isLoading = true
      const load = () => runLoader(request.load, userKey, flight, stale, core.running)
      if (isHeard(LOADS)) flight.trace = new Trace<LoadTrace>(LOADS, this.#messageOf(flight))
      const loading = flight.trace === undefined ? load() : flight.trace.run(load)
      if (loading instanceof Promise) {
        stopRenewing = this.#leases?.renewWhileLoading(right)
      }
      // Also if it has returned: callers of the same tick share the load, even if its value is kept nowhere.
      const returned = await loading
      const accepted = this.#accept(returned, policy)
      loaded = { ...returned, ...(accepted instanceof Promise ? await flight.untilAborted(accepted, same) : accepted) }
    } catch (error) {
      this.#leases?.giveBack(right)
      // After an abort the callers have left, or were rejected already. So were they if it is late.
      if (flight.isAborted || flight.isLate) {
        flight.trace?.failed(error)
        return
      }
      const tookMs = clock.nowMs() - startedAtMs
      if (flight.isReserved) this.#fillFailed(flight, error, tookMs)
      else this.#failed(flight, error, tookMs)
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
      const storing = this.#filler.finish(done)
      if (storing !== undefined) await storing
    } catch (error) {
      // The loader succeeded: its callers get the value, even though the cache could not keep it.
      flight.resolve(loaded.value)
      this.#leases?.giveBack(right)
      flight.stored = 'unsupported'
      recorder.storeFailed(scope, flight.localKey, error)
      recorder.loaded(scope, userKey, flight.reason, tookMs, 'unsupported')
    }
  }

  #messageOf({ request: { scope, userKey }, reason }: Flight): LoadTrace {
    const { name, recorder } = this.#core
    return { cache: name, scope: scope.space.scope, key: recorder.shown(userKey), reason }
  }

  /** `hardTimeout` passed. The callers get the error. The load is aborted, at once or after `lateResult`, until when its value may still be kept. */
  timeOut(flight: Flight): void {
    const { hardTimeoutMs, lateResultMs } = flight.policy
    const error = loadTimeout(hardTimeoutMs)
    const wasDetached = flight.detached
    this.#failed(flight, error, hardTimeoutMs, TIMED_OUT)
    if (lateResultMs === 0) {
      flight.abort(error)
      return
    }
    // Nobody joins it any more, but that alone does not forbid its value. What had detached it before, such as a refresh, does.
    flight.detached = wasDetached
    flight.isLate = true
    flight.dueAtMs = this.#core.callers.nowMs() + lateResultMs
  }

  /** The schema refused what was filled into a slot. The error is that of the slot's holder; those who wait for it start anew. */
  #fillFailed(flight: Flight, error: unknown, tookMs: Milliseconds): void {
    const { recorder, local } = this.#core
    const { request } = flight
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
  #failed(flight: Flight, error: unknown, tookMs: Milliseconds, outcome = FAILED): void {
    const { recorder, local } = this.#core
    const { request } = flight
    flight.trace?.failed(error)
    recorder.loadFailed(request.scope, request.userKey, flight.reason, tookMs, error)
    flight.failure = { error }
    const { usable } = flight
    const mayServe = usable !== undefined && this.isStillUsable(usable, flight)
    local.detachFlight(flight)
    if (!mayServe) {
      flight.reject(error, outcome)
      return
    }
    this.#noteFailure(flight, usable)
    // Put it into L1, so that reads find it there until the next attempt.
    if (usable.tier === 'l2' && request.policy.tiers === 'all' && request.policy.l1TtlMs > 0) {
      putInL1(this.#core, flight.localKey, usable.entry, request.policy, undefined)
    }
    flight.resolve(usable.entry.value, STALE_IF_ERROR[usable.tier], usable.entry)
  }

  /** Whether a usable entry may still be served: nothing has outdated it since the flight began. */
  isStillUsable(usable: UsableEntry, flight: Flight): boolean {
    const { clock, local, tokens } = this.#core
    const nowMs = clock.nowMs()
    if (ageOf(usable.entry, nowMs) === 'expired') return false
    if (local.keyLog.brokenSince(flight.keyMark, flight.localKey)) return false
    return tokens.verify(usable.entry, nowMs) !== 'invalidated'
  }

  #noteFailure(flight: Flight, usable: UsableEntry): void {
    const { failureBackoff } = flight.policy
    if (failureBackoff === undefined) return
    const { clock, random, local } = this.#core
    const { localKey, labelMark, fence } = flight
    const labels = [flight.labels, usable.entry.labels.labels]
    local.failures.note({ localKey, labels, labelMark, fence }, failureBackoff, clock.nowMs(), random)
  }
}

function same<T>(value: T): T {
  return value
}

function staleOf(usable: UsableEntry, nowMs: AtMs): StaleValue {
  const { value, createdAtMs, etag } = usable.entry
  return { value, ageMs: nowMs - createdAtMs, state: usable.age, etag }
}
