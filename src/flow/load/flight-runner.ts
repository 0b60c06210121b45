// Runs one flight from start to end: it reads L2, gets the right to load, and loads. A hit in L2 ends it within the reply.
import { AsyncResource } from 'node:async_hooks'
import { type AtMs, ageOf } from '../../model/entry.js'
import { HIT, type ReadOutcome, STALE, STALE_IF_ERROR } from '../../model/events/read-outcome.js'
import { ageWithin } from '../../model/options/call-windows.js'
import type { Bytes } from '../../model/ports.js'
import type { Unavailable } from '../../tiers/operation.js'
import type { ReadAt } from '../../tiers/read-batch.js'
import type { Core } from '../core.js'
import type { Found, FoundEntry } from '../entries/found.js'
import { l2BudgetOf } from '../entries/l2-budget.js'
import type { LocalEntries } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { isHeard, L2_WAITS, type L2Trace, traced } from '../events/traces.js'
import type { Flight, FlightOwner, UsableEntry } from '../flights/flight.js'
import { loadTimeout } from '../flights/waiting.js'
import { Leases } from '../leases/leases.js'
import { Claimed, FENCED_OUT, NO_RIGHT, type Seen } from '../leases/store-right.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import type { WaitingCallers } from '../runtime/waiting-callers.js'
import { FlightLoader } from './flight-loader.js'
import { releaseSlot } from './released.js'
import { ageFor, mustWait } from './request.js'

const CLOCK_ERROR_MS = 2
/** Without this option Node would watch each resource until it is collected. */
const BY_HAND = { requireManualDestroy: true }

/** What a flight needs of L2. */
interface L2 {
  readonly entries: RemoteEntries
  readonly leases: Leases
}

export class FlightRunner implements FlightOwner {
  readonly callers: WaitingCallers
  readonly #core: Core
  readonly #local: LocalEntries
  readonly #l2: L2 | undefined
  readonly #loader: FlightLoader

  constructor(core: Core, local: LocalEntries, entries: RemoteEntries | undefined) {
    this.#core = core
    this.callers = core.callers
    this.#local = local
    this.#l2 = core.remote && entries && { entries, leases: new Leases(core, core.remote, entries) }
    this.#loader = new FlightLoader(core, entries, this.#l2?.leases)
  }

  // ── 1. Beginning and end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a flight, which ends by itself. The cache drains no earlier. */
  begin(flight: Flight): void {
    this.#core.background.began()
    flight.isBackgroundWork = true
    this.#start(flight)
  }

  /** The same for a caller that counts the flight as its own work. Resolves when it is over. */
  run(flight: Flight): Promise<void> {
    this.#start(flight)
    return flight.over
  }

  #start(flight: Flight): void {
    flight.start = undefined
    flight.startedAtMs = this.callers.nowMs()
    flight.dueAtMs = flight.startedAtMs + flight.policy.hardTimeoutMs
    this.#core.local.inFlight.add(flight)
    const l2 = this.#forReadAtOnce(flight)
    if (l2 === undefined) {
      this.#endAfter(flight, this.#readThenLoad(flight))
      return
    }
    if (l2.leases.mayClaim) {
      this.#claimAtOnce(flight, l2.leases)
      return
    }
    // The reply comes in the async context of whoever read first in this tick.
    flight.context = new AsyncResource('tiercache.flight', BY_HAND)
    l2.entries.readFor(flight)
  }

  #endAfter(flight: Flight, work: Promise<void>): void {
    work.then(
      () => this.#end(flight),
      (error: unknown) => this.#broke(flight, error),
    )
  }

  #end(flight: Flight): void {
    const { local, background } = this.#core
    local.inFlight.remove(flight)
    local.flights.delete(flight)
    flight.end()
    if (flight.isBackgroundWork) background.ended()
  }

  /** See `FlightLoader.isStillUsable`. */
  isStillUsable(usable: UsableEntry, flight: Flight): boolean {
    return this.#loader.isStillUsable(usable, flight)
  }

  /** A defect of the cache itself: errors of the loader are handled by `FlightLoader`. Callers must not hang because of it. */
  #broke(flight: Flight, error: unknown): void {
    flight.reject(error)
    this.#core.background.failed('load', error)
    this.#end(flight)
  }

  /** `hardTimeout` ends the flight without waiting for its loader, so the key is free for the next caller. */
  isDue(flight: Flight): void {
    const { local } = this.#core
    const { policy, isLate } = flight
    flight.dueAtMs = Number.POSITIVE_INFINITY
    // If the loader has returned, only storing remains, which has a limit of its own.
    if (!flight.hasLoaded) {
      if (flight.isReserved) releaseSlot(local, flight)
      else if (isLate) flight.abort(loadTimeout(policy.hardTimeoutMs))
      else this.#loader.timeOut(flight)
    }
    // It is in flight until its end.
    local.inFlight.add(flight)
  }

  budgetOf({ policy, startedAtMs }: Flight): TimeBudget {
    return l2BudgetOf(this.#core, policy, startedAtMs)
  }

  ended(flight: Flight, outcome: ReadOutcome, count: number): void {
    const { recorder, touches } = this.#core
    const { servedEntry, localKey } = flight
    const { scope, userKey } = flight.request
    for (let i = 0; i < count; i++) recorder.read(scope, userKey, outcome, servedEntry?.createdAtMs)
    if (servedEntry !== undefined) touches.read(localKey, servedEntry)
  }

  // ── 2. What L2 has ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What asks L2 for a flight, if nothing has to be awaited or decided before, nobody traces it, and no code of the user judges the entry. */
  #forReadAtOnce(flight: Flight): L2 | undefined {
    const { tiers, schema } = flight.policy
    if (this.#l2 === undefined || tiers === 'l1' || schema !== undefined) return undefined
    const { holds } = this.#core.local
    const isAtOnce = this.#l2.entries.mayAskNow(flight.localKey) && holds.hasNoneSince(flight.beganAtMs)
    return isAtOnce && !isHeard(L2_WAITS) ? this.#l2 : undefined
  }

  /**
   * Where most reads find nothing, a flight asks by claiming its key: a miss then takes one round trip instead of two. Each claim has a
   * promise of its own, so its reply comes in the async context of its caller.
   */
  #claimAtOnce(flight: Flight, leases: Leases): void {
    leases.claimFor(flight, (seen, nowMs) => {
      if (seen instanceof Claimed) this.#hasClaimed(flight, leases, seen)
      else this.hasRead(flight, seen, { nowMs, storeNowMs: this.#core.remote?.tier.storeNowMs() ?? nowMs })
    })
  }

  /** Its lease stands: it loads. */
  #hasClaimed(flight: Flight, leases: Leases, seen: Claimed): void {
    leases.learn(seen)
    const right = leases.rightOf(flight, seen.lease)
    if (flight.isAborted) {
      leases.giveBack(right)
      this.#end(flight)
    } else this.#endAfter(flight, this.#loader.load(flight, right))
  }

  /** Goes on with a flight after a reply of L2, in the async context of its caller. */
  #inContextOf(flight: Flight, work: () => Promise<void>): void {
    const goOn = () => this.#endAfter(flight, work())
    if (flight.context === undefined) goOn()
    else flight.context.runInAsyncScope(goOn)
  }

  /** L2 has replied. A good entry ends the flight here and now; everything else takes longer. */
  hasRead(flight: Flight, bytes: Bytes | undefined | Unavailable, at: ReadAt): void {
    const { entries, leases } = this.#l2 as L2
    try {
      const found = entries.judge(bytes, flight, at)
      if (found instanceof Promise || found.kind !== 'entry' || !this.#isGoodEnough(found, flight, at.nowMs)) {
        this.#inContextOf(flight, () => this.#goOn(flight, leases, found))
        return
      }
      leases.learn(found)
      this.#arrive(flight, found)
      this.#end(flight)
    } catch (error) {
      this.#broke(flight, error)
    }
  }

  async #goOn(flight: Flight, leases: Leases, judged: Found | Promise<Found>): Promise<void> {
    const found = judged instanceof Promise ? await judged : judged
    leases.learn(found)
    await this.#useOrLoad(flight, leases, found, false)
  }

  async #readThenLoad(flight: Flight): Promise<void> {
    const leases = flight.policy.tiers === 'l1' ? undefined : this.#l2?.leases
    if (leases === undefined) return flight.isAborted ? undefined : this.#loader.load(flight, NO_RIGHT)
    const isHeld = this.#isHeld(flight)
    const read = () => (isHeld ? leases.see(flight) : leases.read(flight))
    const found = await traced(L2_WAITS, () => this.#waitOf(flight, 'read'), read)
    await this.#useOrLoad(flight, leases, found, isHeld)
  }

  async #useOrLoad(flight: Flight, leases: Leases, found: Seen, wasHeld: boolean): Promise<void> {
    const isGoodEnough = (other: FoundEntry) => this.#isGoodEnough(other, flight, this.#core.clock.nowMs())
    if (found.kind === 'entry') {
      if (isGoodEnough(found)) return this.#arrive(flight, found)
      if (this.#servesInstead(flight, found)) return
    }
    // While a hold lasts nothing is stored: this process waits for no other one, and none for it.
    if (wasHeld && this.#isHeld(flight)) return flight.isAborted ? undefined : this.#loader.load(flight, FENCED_OUT)
    const acquire = () => leases.acquire(found, flight, isGoodEnough)
    const acquired = await traced(L2_WAITS, () => this.#waitOf(flight, 'acquire'), acquire)
    if (acquired.kind === 'leave') return this.#leave(flight)
    if (acquired.kind === 'found') return this.#arrive(flight, acquired.found)
    const { right } = acquired
    if (flight.isAborted) leases.giveBack(right)
    else await this.#loader.load(flight, right)
  }

  /** Whether this process knows of a hold that lasts now. */
  #isHeld({ localKey, labels }: Flight): boolean {
    const { local, clock } = this.#core
    return local.holds.endAfter(clock.nowMs(), localKey, labels) !== undefined
  }

  #waitOf({ request: { scope, userKey } }: Flight, wait: L2Trace['wait']): L2Trace {
    const { name, recorder } = this.#core
    return { cache: name, scope: scope.space.scope, key: recorder.shown(userKey), wait }
  }

  // ── 3. An entry of L2 ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether an entry of L2 makes the load unnecessary: it is fresh and, for a refresh, newer than what this process has. */
  #isGoodEnough({ entry }: FoundEntry, flight: Flight, nowMs: AtMs): boolean {
    if (flight.mustLoad) return false
    if (ageWithin(entry, flight.request.windows, nowMs) !== 'fresh') return false
    if (flight.reason !== 'refresh') return true
    // The copy in L1 and its original in L2 may differ by the error of two estimates of the store's clock.
    return flight.usable !== undefined && entry.createdAtMs > flight.usable.entry.createdAtMs + CLOCK_ERROR_MS
  }

  /** Ends the flight with an entry of L2. */
  #arrive(flight: Flight, found: FoundEntry): void {
    this.#local.copyToL1(flight.localKey, flight.keyMark, flight.policy, found)
    this.#core.local.failures.lift(flight.localKey)
    flight.resultLabels = found.entry.labels.labels
    flight.resultUntilMs = found.entry.freshUntilMs
    flight.resolve(found.entry.value, HIT.l2, found.entry)
  }

  /** Falls back on an entry that is no longer fresh. Returns whether it is what the callers get, without a load. */
  #servesInstead(flight: Flight, found: FoundEntry): boolean {
    const usable = this.#fallBackOn(flight, found)
    if (flight.mustLoad) return false
    const age = ageFor(flight.request, found.entry, this.#core)
    if (age === 'stale' && !flight.isSettled) this.#serveStale(flight, usable, found)
    if (age === 'fresh' || age === 'expired' || !mustWait(flight.request, this.#core, found)) return false
    flight.resolve(usable.entry.value, STALE_IF_ERROR[usable.tier], usable.entry)
    return true
  }

  /** Notes what L2 has as the value to serve if loading fails: it is at least as new as what L1 had. */
  #fallBackOn(flight: Flight, found: FoundEntry): UsableEntry {
    const age = ageOf(found.entry, this.#core.clock.nowMs())
    const usable: UsableEntry = { entry: found.entry, tier: 'l2', age: age === 'expired' ? 'staleIfError' : age }
    flight.fallBackOn(usable)
    return usable
  }

  /** The entry of L2 is stale: the callers get it now, and the load goes on in the background. */
  #serveStale(flight: Flight, usable: UsableEntry, found: FoundEntry): void {
    this.#local.copyToL1(flight.localKey, flight.keyMark, flight.policy, found)
    flight.resultLabels = found.entry.labels.labels
    flight.resultUntilMs = found.entry.staleUntilMs
    flight.keepAlive()
    flight.resolve(usable.entry.value, STALE[usable.tier], usable.entry)
  }

  /** Another load refreshes an entry that is still usable. Callers that joined meanwhile get that entry. */
  #leave(flight: Flight): void {
    const { usable } = flight
    if (usable !== undefined) flight.resolve(usable.entry.value, HIT[usable.tier], usable.entry)
  }
}
