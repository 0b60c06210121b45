// The flights that a call may join: at most one per key.
import type { AtMs } from '../../model/entry.js'
import { CacheError, showName } from '../../model/errors.js'
import type { LoadReason } from '../../model/events/events.js'
import { TIMED_OUT } from '../../model/events/read-outcome.js'
import { type Label, tagLabel } from '../../model/labels.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import { Flight, type FlightOwner, type UsableEntry } from '../flights/flight.js'
import type { Mark } from '../flights/invalidation-log.js'
import type { LoadRequest } from '../flights/load-request.js'
import type { Loading } from '../flights/loading.js'
import type { Waiting } from '../flights/waiting.js'
import { RELEASED, releaseSlot } from '../load/released.js'

export class Flights {
  readonly #core: Pick<Core, 'clock' | 'callers' | 'remote' | 'tokens' | 'local' | 'recorder' | 'running'>

  constructor(
    core: Pick<Core, 'clock' | 'callers' | 'remote' | 'tokens' | 'local' | 'recorder' | 'running'>,
    private readonly owner: FlightOwner,
  ) {
    this.#core = core
  }

  /** The flight that a new caller may join, if there is one: not one whose result is past its ttl, or may have been invalidated. */
  joinable(localKey: string): Flight | undefined {
    const { local, clock } = this.#core
    const flight = local.flights.get(localKey)
    if (flight === undefined) return undefined
    const nowMs = clock.nowMs()
    if (flight.isSettled && nowMs >= flight.resultUntilMs) return undefined
    if (this.isFromHold(flight, flight.labels, nowMs)) return undefined
    return this.#mayHaveMissed(flight, nowMs) ? undefined : flight
  }

  /**
   * Whether a hold of the key or of one of these labels lasted when the flight began, and was over at `nowMs`. A caller that came then must
   * not get what was loaded within the hold. During the hold all callers share the flight.
   */
  isFromHold(flight: Flight, labels: readonly Label[], nowMs: AtMs): boolean {
    return this.#core.local.holds.hasEndedSince(flight.beganAtMs, nowMs, flight.localKey, labels)
  }

  /**
   * Whether an invalidation of the flight's value may have been missed for longer than G3 allows. A new flight then asks L2: if the
   * lease of this flight still stands there, the new one waits for it and loads nothing.
   */
  #mayHaveMissed(flight: Flight, nowMs: AtMs): boolean {
    const { remote, tokens } = this.#core
    // When a hold ends of which this process has not heard, only time tells.
    if (flight.isHeldInL2 && nowMs >= flight.beganAtMs + tokens.maxStalenessMs) return true
    if (remote === undefined || (flight.epoch >= tokens.eraEpoch && tokens.isTrusted(nowMs))) return false
    // If L2 cannot be asked, a running load is shared nevertheless (G5). Once it has a result, the bound holds as for any value.
    return nowMs >= flight.beganAtMs + tokens.maxStalenessMs && (flight.isSettled || remote.tier.isAvailable())
  }

  /** A flight that others can join, not yet started. */
  prepare(request: LoadRequest, usable: UsableEntry | undefined, reason: LoadReason): Flight {
    const { local, clock, tokens } = this.#core
    const { scopeLabels } = request.scope.space
    const { tags } = request
    const isTagged = tags !== undefined && typeof tags !== 'function' && tags.length > 0
    const plan = {
      request,
      reason,
      labels: isTagged ? [...scopeLabels, ...new Set(tags.map(tagLabel))] : scopeLabels,
      keyMark: local.keyLog.mark(),
      labelMark: local.labelLog.mark(),
      beganAtMs: clock.nowMs(),
      epoch: tokens.epoch,
    }
    const flight = new Flight(plan, usable, this.owner)
    local.flights.add(flight)
    return flight
  }

  /** The last caller has left: nobody joins the flight any more, and its loader is told to stop. */
  abandon(flight: Flight): void {
    this.#core.local.detachFlight(flight)
    flight.abort(new DOMException('every caller that waited for this load has left', 'AbortError'))
  }

  /** The flight's result for one caller. `joined` is called once the flight counts the caller as waiting. */
  async wait(flight: Flight, waiting: Waiting, joined?: () => void): Promise<unknown> {
    const { running, callers } = this.#core
    const caller = running.getStore()
    caller?.waitsFor.add(flight)
    const result = flight.join(waiting, callers, () => this.abandon(flight))
    joined?.()
    callers.beginWait()
    try {
      return await result
    } finally {
      callers.endWait()
      caller?.waitsFor.delete(flight)
    }
  }

  /**
   * How long a caller waits for a flight that another one began; Infinity if the flight's own limit comes first. The holder of a slot may
   * have forgotten it: half the time is left for a load.
   */
  limitMsOf(flying: Flight, { hardTimeoutMs }: Policy): Milliseconds {
    if (flying.isReserved) return hardTimeoutMs / 2
    const endsBefore = flying.dueAtMs <= this.#core.callers.nowMs() + hardTimeoutMs
    return endsBefore ? Number.POSITIVE_INFINITY : hardTimeoutMs
  }

  /** Whether a wait failed because a slot was not filled: then the caller starts anew. A slot that outlasts the wait of a caller is released. */
  wasNotFilled(flight: Flight, { outcome }: Waiting, error: unknown): boolean {
    if (error === RELEASED) return true
    if (!flight.isReserved || outcome !== TIMED_OUT) return false
    releaseSlot(this.#core.local, flight)
    return true
  }

  /**
   * Whether a label of the result was invalidated after the load began and before this caller came. This caller came after the
   * invalidation, so it loads again. The same if a hold of such a label has ended in between.
   */
  isOutdatedFor(flight: Flight, joinedAt: Mark, joinedAtMs: AtMs): boolean {
    if (flight.resultLabels === undefined) return false
    if (this.isFromHold(flight, flight.resultLabels, joinedAtMs)) return true
    if (flight.labelMark === joinedAt) return false
    return flight.resultLabels.some((label) =>
      this.#core.local.labelLog.brokenBetween(flight.labelMark, joinedAt, label),
    )
  }

  /** Throws `REENTRANT_LOAD` if the calling loader would wait for itself. */
  refuseCycle(flying: Flight, userKey: string): void {
    const caller = this.#core.running.getStore()
    if (caller !== undefined) refuseCycle(caller, flying, userKey, this.#core)
  }
}

function refuseCycle(caller: Loading, flying: Flight, userKey: string, { recorder }: Pick<Core, 'recorder'>): void {
  if (!flying.reaches(caller)) return
  throw new CacheError(
    'REENTRANT_LOAD',
    `the loader of ${showName(recorder.shown(userKey))} asks, directly or through another loader, for a key whose load waits for it: ` +
      'it would wait for ever. Load that part without the cache, or under another key',
  )
}
