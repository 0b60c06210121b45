// Loads although an entry is usable: because a caller requests it, or in the background after a value was served.
import type { LoadReason } from '../../model/events/events.js'
import type { CallOptions, Loader } from '../../model/options/options.js'
import { atEndOfTick } from '../../model/time/tick.js'
import type { Core } from '../core.js'
import type { LocalEntries } from '../entries/local-entries.js'
import type { CallScope } from '../flights/call-scope.js'
import type { Flight, UsableEntry } from '../flights/flight.js'
import type { LoadRequest } from '../flights/load-request.js'
import { waitingFor } from '../flights/waiting.js'
import type { FlightRunner } from '../load/flight-runner.js'
import { requestOf } from '../load/request.js'
import type { Flights } from './flights.js'

export class Refresher {
  readonly #core: Pick<Core, 'local' | 'background' | 'recorder' | 'assertOpen'>
  readonly #local: LocalEntries
  readonly #flights: Flights
  readonly #runner: FlightRunner

  constructor(
    core: Pick<Core, 'local' | 'background' | 'recorder' | 'assertOpen'>,
    local: LocalEntries,
    flights: Flights,
    runner: FlightRunner,
  ) {
    this.#core = core
    this.#local = local
    this.#flights = flights
    this.#runner = runner
  }

  /**
   * Loads although an entry may be usable, and waits for the result. Rejects with the loader's error even if a stale value could be
   * served. It joins no running load, here or in another process, and takes no value of L2: they may be older than this call.
   *
   * Refreshes of one key share a load until its loader is called. Those that come while the loader runs wait for its end and share the
   * next load, so at most one runs and one waits.
   */
  async refresh(
    scope: CallScope,
    userKey: string,
    load: Loader<unknown>,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    return (await this.load(requestOf(this.#core, scope, userKey, load, options))).value
  }

  /** The same for a call whose options are resolved. Returns the flight too. */
  async load(asked: LoadRequest): Promise<{ readonly value: unknown; readonly flight: Flight }> {
    const request: LoadRequest = { ...asked, policy: { ...asked.policy, singleFlight: 'process' } }
    const { local } = this.#core
    for (;;) {
      request.signal?.throwIfAborted()
      const flying = local.flights.get(request.localKey)
      if (flying !== undefined) this.#flights.refuseCycle(flying, request.userKey)
      if (flying?.mustLoad !== true || flying.isSettled) return this.#refreshed(this.#begin(request), request)
      if (!flying.isLoading) {
        if (request.tags !== undefined) flying.addTags(request.tags)
        return this.#refreshed(flying, request)
      }
      try {
        await this.#wait(flying, request)
      } catch (error) {
        // The error belongs to the callers of that load.
        if (!flying.isSettled) throw error
      }
    }
  }

  /** A load that begins at the end of this tick. Refreshes of the same key until then share it. */
  #begin(request: LoadRequest): Flight {
    const { local, background } = this.#core
    const usable = this.#local.usable(request.localKey, request.policy)
    local.detach(request.localKey)
    const flight = this.#flights.prepare(request, usable, 'refresh')
    flight.mustLoad = true
    background.run('load', async () => {
      await new Promise<void>(atEndOfTick)
      if (flight.isAborted) flight.end()
      else await this.#runner.run(flight)
    })
    return flight
  }

  async #refreshed(
    flight: Flight,
    request: LoadRequest,
  ): Promise<{ readonly value: unknown; readonly flight: Flight }> {
    const value = await this.#wait(flight, request)
    if (flight.failure !== undefined) throw flight.failure.error
    return { value: this.#local.handOut(value), flight }
  }

  #wait(flight: Flight, { signal, policy }: LoadRequest): Promise<unknown> {
    const limitMs = flight.isLoading ? policy.hardTimeoutMs : Infinity
    return this.#flights.wait(flight, waitingFor(signal, limitMs))
  }

  /** Starts a refresh in the background, unless a flight of the key exists. At most `background.concurrency` of them run at once. */
  inBackground(request: LoadRequest, reason: LoadReason, usable: UsableEntry): void {
    const { local, background, recorder } = this.#core
    if (local.flights.has(request.localKey)) return
    if (!background.hasRoomForRefresh) {
      // The next read of the stale entry tries again.
      recorder.dropped('refresh', request.scope.space.scope, request.localKey)
      return
    }
    const flight = this.#flights.prepare(request, usable, reason)
    flight.keepAlive()
    flight.start = () => this.#runner.run(flight)
    background.refresh('refresh', async () => flight.start?.())
  }
}
