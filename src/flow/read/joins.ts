// One flight per key: a read joins the flight of its key, or begins one, and waits for its result.

import type { AtMs } from '../../model/entry.js'
import { asJoined, FAILED, STALE_IF_SLOW } from '../../model/events/read-outcome.js'
import type { Core } from '../core.js'
import type { LocalEntries } from '../entries/local-entries.js'
import { isHeard, JOINS, type JoinTrace, Trace } from '../events/traces.js'
import type { Flight, UsableEntry } from '../flights/flight.js'
import type { Mark } from '../flights/invalidation-log.js'
import type { Waiting } from '../flights/waiting.js'
import type { FlightRunner } from '../load/flight-runner.js'
import { type ReadRequest, report } from '../load/read-end.js'
import { ageFor } from '../load/request.js'
import type { Flights } from './flights.js'

export interface JoinsParts {
  readonly core: Pick<
    Core,
    'name' | 'clock' | 'events' | 'callers' | 'l1' | 'local' | 'touches' | 'background' | 'recorder' | 'running'
  >
  readonly local: LocalEntries
  readonly flights: Flights
  readonly runner: FlightRunner
  /** Serves a request from its beginning: what it waited for was not for it. */
  serve(request: ReadRequest): Promise<unknown>
}

/** When a caller joined a flight that another one had begun. */
interface Joined {
  readonly mark: Mark
  readonly atMs: AtMs
}

export class Joins {
  readonly #parts: JoinsParts
  /** Whether all callers may get the same value. */
  readonly #sharesValues: boolean

  constructor(parts: JoinsParts) {
    this.#parts = parts
    this.#sharesValues = parts.core.l1?.sharesValues ?? true
  }

  /** The value of the flight. `usable` is what L1 has, if a load has to come first. */
  joinOrFly(request: ReadRequest, usable: UsableEntry | undefined): Promise<unknown> {
    const { flights, runner } = this.#parts
    const flying = flights.joinable(request.localKey)
    if (flying === undefined) {
      const flight = flights.prepare(request, usable, usable === undefined ? 'miss' : 'stale')
      if (!this.#isPlain(request)) return this.#wait(request, flight, undefined)
      // Begun only once this caller waits; see `#wait`.
      const result = flight.share(true)
      runner.begin(flight)
      return result
    }
    flights.refuseCycle(flying, request.userKey)
    if (request.tags !== undefined) flying.addTags(request.tags)
    if (this.#isPlain(request) && this.#isPlainFor(request, flying)) {
      const result = flying.share(false)
      this.#startNow(flying)
      return result
    }
    const { clock, local } = this.#parts.core
    return this.#wait(request, flying, { mark: local.labelLog.mark(), atMs: clock.nowMs() })
  }

  /**
   * Whether a caller takes whatever the flight brings, and stays until then: all such callers share one promise. Listeners to reads run in
   * the async context of the caller, so then each caller waits by itself.
   */
  #isPlain({ signal, policy, windows, end }: ReadRequest): boolean {
    const { events, running } = this.#parts.core
    if (signal !== undefined || windows !== undefined || end !== undefined || !this.#sharesValues) return false
    if (events.readsAreHeard || policy.softTimeoutMs !== Number.POSITIVE_INFINITY) return false
    return running.getStore() === undefined
  }

  /**
   * The same for a flight that another caller has begun. Its result is for this caller too: no label was invalidated since it began, no
   * hold has ended. It ends no later than this caller would leave, and nobody traces who joins.
   */
  #isPlainFor({ policy }: ReadRequest, flight: Flight): boolean {
    const { core, flights } = this.#parts
    const { labelLog, holds } = core.local
    if (flight.isReserved || isHeard(JOINS) || flights.limitMsOf(flight, policy) !== Number.POSITIVE_INFINITY)
      return false
    return flight.labelMark === labelLog.mark() && holds.hasNoneSince(flight.beganAtMs)
  }

  /** A refresh that waits for a free place starts as soon as a caller waits for it. */
  #startNow({ start }: Flight): void {
    if (start !== undefined) this.#parts.core.background.run('load', start)
  }

  /** Waits as one caller, which may leave, or may not accept the result. */
  async #wait(request: ReadRequest, flight: Flight, joined: Joined | undefined): Promise<unknown> {
    const { core, flights, runner } = this.#parts
    const waiting = this.#waitingOf(request, flight, joined)
    // The flight begins only once this caller waits: the loader may run at once and ask for a key that the caller loads, which must be seen
    // as a cycle.
    const start = joined === undefined ? () => runner.begin(flight) : () => this.#startNow(flight)
    const trace = joined === undefined ? undefined : this.#traceJoin(flight, request)
    const wait = () => flights.wait(flight, waiting, start)
    let value: unknown
    try {
      value = await (trace === undefined ? wait() : trace.run(wait))
    } catch (error) {
      trace?.failed(error)
      if (flights.wasNotFilled(flight, waiting, error)) return this.#parts.serve(request)
      report(core.recorder, request, waiting.outcome ?? flight.outcome, undefined)
      throw error
    }
    trace?.ended()
    if (joined !== undefined && flights.isOutdatedFor(flight, joined.mark, joined.atMs)) {
      // No other caller may join it either, while it is still storing.
      core.local.detachFlight(flight)
      return this.joinOrFly(request, undefined)
    }
    if (waiting.outcome === undefined && !this.#isAccepted(request, flight)) return this.#serveAfter(request, flight)
    if (flight.servedEntry !== undefined) core.touches.read(request.localKey, flight.servedEntry)
    const outcome = waiting.outcome ?? (joined === undefined ? flight.outcome : asJoined(flight.outcome))
    const served = waiting.outcome === undefined ? flight.servedEntry : flight.usable?.entry
    report(core.recorder, request, outcome, served, flight)
    return this.#parts.local.handOut(value)
  }

  #waitingOf(request: ReadRequest, flight: Flight, joined: Joined | undefined): Waiting {
    const { core, flights, runner } = this.#parts
    const waiting: Waiting = {
      signal: request.signal,
      // The starter's limit is that of the flight; a joiner may have a shorter one.
      limitMs: joined === undefined ? Number.POSITIVE_INFINITY : flights.limitMsOf(flight, request.policy),
      softMs: request.policy.softTimeoutMs,
      takeStale: () => {
        const { usable } = flight
        if (usable === undefined || !runner.isStillUsable(usable, flight)) return undefined
        if (ageFor(request, usable.entry, core) === 'expired') return undefined
        waiting.outcome = STALE_IF_SLOW[usable.tier]
        core.touches.read(request.localKey, usable.entry)
        return usable.entry
      },
      outcome: undefined,
    }
    return waiting
  }

  /** The message of a caller that joins a flight, if somebody listens. The load of the flight may begin later. */
  #traceJoin(flight: Flight, { scope, userKey }: ReadRequest): Trace<JoinTrace> | undefined {
    if (!isHeard(JOINS)) return undefined
    const { name, recorder } = this.#parts.core
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
  #isAccepted(request: ReadRequest, { servedEntry, outcome }: Flight): boolean {
    if (request.windows === undefined || servedEntry === undefined) return true
    const age = ageFor(request, servedEntry, this.#parts.core)
    if (outcome.result === 'hit') return age === 'fresh'
    return outcome.result === 'stale' ? age === 'fresh' || age === 'stale' : age !== 'expired'
  }

  /** Other callers accept the result, this one does not. It gets the loader's error, or what is there once the flight is over. */
  async #serveAfter(request: ReadRequest, flight: Flight): Promise<unknown> {
    const { core, serve } = this.#parts
    if (flight.failure === undefined) await core.callers.await(flight.over)
    if (flight.failure === undefined) return serve(request)
    report(core.recorder, request, FAILED, undefined)
    throw flight.failure.error
  }
}
