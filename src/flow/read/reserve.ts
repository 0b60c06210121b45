// `reserve`: look-up and fill apart, with the guarantees of `getOrSet`. A slot is a flight whose loader is the caller of `reserve`.
import { CacheError } from '../../model/errors.js'
import {
  ABORTED,
  ABSENT,
  asJoined,
  FAILED,
  HIT,
  type ReadOutcome,
  STALE,
  TIMED_OUT,
} from '../../model/events/read-outcome.js'
import type { StoreOutcome } from '../../model/events/store-outcome.js'
import { LONGEST_LEASE_MS } from '../../model/limits.js'
import { checkOptions } from '../../model/option-rules.js'
import { toMs } from '../../model/options/duration.js'
import type { FillOptions, LoadContext, ReserveOptions, StaleValue } from '../../model/options/options.js'
import { POLICY_OPTIONS } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import type { LocalEntries } from '../entries/local-entries.js'
import { checkTagList } from '../entries/tags.js'
import type { CallScope } from '../flights/call-scope.js'
import type { Flight, UsableEntry } from '../flights/flight.js'
import type { LoadRequest } from '../flights/load-request.js'
import { loadTimeout, waitingFor } from '../flights/waiting.js'
import type { FlightRunner } from '../load/flight-runner.js'
import { ReadEnd } from '../load/read-end.js'
import { RELEASED, releaseSlot } from '../load/released.js'
import { ageFor, requestOf } from '../load/request.js'
import type { Flights } from './flights.js'
import { type ServedEntry, servedEntry, servedFrom } from './served-entry.js'

/** What `reserve` found: a value, or a slot that its caller is expected to fill. */
export type Reserved<V> = ({ readonly hit: true } & ServedEntry<V>) | Slot<V>

/**
 * The right to fill one key. Until it is filled or released, other callers of the key wait for it, in this process and in the others, but
 * no longer than its `hardTimeout`.
 */
export interface Slot<V> {
  readonly hit: false
  /** The value that the fill replaces, if there is a usable one. */
  readonly stale: StaleValue<V> | undefined
  /**
   * Stores `value`, and gives it to everybody who waits. Resolves once storing is over, with the tiers that have the value or the reason
   * why none has: `'overtaken'` if the key or a tag was invalidated since `reserve`, `'tooLate'` if the time limit had passed or the slot
   * was released. Rejects with `SCHEMA_MISMATCH`, and with `INVALID_OPTION` or `INVALID_KEY` for wrong options; the slot stays open then.
   */
  fill(value: V, options?: FillOptions): Promise<StoreOutcome | 'tooLate'>
  /** Stores nothing: whoever waits looks again and may load. Does nothing once the slot is filled or over. */
  release(): void
  /** The same as `release`, for `using slot = await cache.reserve(key)`. */
  [Symbol.dispose](): void
}

/** Of the options of a call, these have no effect on a slot. */
const WITHOUT_EFFECT: readonly string[] = ['softTimeout', 'lateResult']
const RESERVE_OPTIONS = [
  ...POLICY_OPTIONS.filter((name) => !WITHOUT_EFFECT.includes(name)),
  'tags',
  'version',
  'signal',
]

type ReservingCore = Pick<
  Core,
  'clock' | 'callers' | 'local' | 'touches' | 'background' | 'recorder' | 'running' | 'assertOpen'
>

export class Reserver {
  readonly #core: ReservingCore
  readonly #local: LocalEntries
  readonly #flights: Flights
  readonly #runner: FlightRunner

  constructor(core: ReservingCore, local: LocalEntries, flights: Flights, runner: FlightRunner) {
    this.#core = core
    this.#local = local
    this.#flights = flights
    this.#runner = runner
  }

  /**
   * Returns a fresh value, or a stale one while another caller refreshes it; else a slot. It joins a running load of the key, and makes
   * an attempt of its own if that load fails or its slot is not filled. `begun` gets each flight of its own before it starts.
   */
  async reserve(
    scope: CallScope,
    userKey: string,
    options: ReserveOptions | undefined,
    begun?: (flight: Flight) => void,
  ): Promise<Reserved<unknown>> {
    const own = checkOptions(options, RESERVE_OPTIONS, 'reserve')
    const slot = new OpenSlot(this.#core)
    const request = withLimit(requestOf(this.#core, scope, userKey, (context) => slot.open(context), own))
    for (;;) {
      if (request.signal?.aborted === true) {
        this.#report(request, ABORTED)
        throw request.signal.reason
      }
      const usable = this.#local.read(request.localKey, request.policy, request.windows)
      const age = usable && ageFor(request, usable.entry, this.#core)
      if (usable !== undefined && age === 'fresh') return this.#found(request, HIT.l1, usable)
      const flying = this.#flights.joinable(request.localKey)
      if (flying === undefined) return this.#fly(request, usable, slot, begun)
      if (usable !== undefined && age === 'stale') return this.#found(request, STALE.l1, usable)
      const joined = await this.#join(flying, request)
      if (joined !== undefined) return joined
    }
  }

  /** Waits for the load of another caller. `undefined` if it brought nothing fresh. */
  async #join(flying: Flight, request: LoadRequest): Promise<Reserved<unknown> | undefined> {
    const { local, clock } = this.#core
    this.#flights.refuseCycle(flying, request.userKey)
    if (request.tags !== undefined) flying.addTags(request.tags)
    const joinedAt = local.labelLog.mark()
    const joinedAtMs = clock.nowMs()
    const { start } = flying
    const waiting = waitingFor(request.signal, this.#flights.limitMsOf(flying, request.policy))
    try {
      const value = await this.#flights.wait(flying, waiting, start && (() => this.#core.background.run('load', start)))
      if (this.#flights.isOutdatedFor(flying, joinedAt, joinedAtMs)) local.detachFlight(flying)
      else if (isFresh(flying.outcome)) return this.#served(request, asJoined(flying.outcome), value, flying)
    } catch (error) {
      // The load of the other caller failed or was not filled: this one makes its own attempt. Its own limit and signal end it.
      if (!this.#flights.wasNotFilled(flying, waiting, error) && waiting.outcome !== undefined) {
        this.#report(request, waiting.outcome)
        throw error
      }
    }
    // A flight that was not fresh may go on storing for a moment. It must not be joined again.
    local.detachFlight(flying)
    return undefined
  }

  /** Begins a flight. Its loader opens the slot; if L2 or another process has the value, the slot stays closed. */
  async #fly(
    request: LoadRequest,
    usable: UsableEntry | undefined,
    slot: OpenSlot,
    begun: ((flight: Flight) => void) | undefined,
  ): Promise<Reserved<unknown>> {
    const flight = this.#flights.prepare(request, usable, usable === undefined ? 'miss' : 'stale')
    flight.isReserved = true
    begun?.(flight)
    slot.flight = flight
    try {
      await this.#openedOrOver(flight, slot)
    } catch (error) {
      const isTimeout = error === RELEASED
      this.#report(request, isTimeout ? TIMED_OUT : request.signal?.aborted === true ? ABORTED : FAILED)
      // The limit passed before the slot was open.
      throw isTimeout ? loadTimeout(request.policy.hardTimeoutMs) : error
    }
    if (slot.isOpen) {
      this.#report(request, ABSENT)
      return slot
    }
    return this.#served(request, flight.outcome, await flight.result, flight)
  }

  /** Resolves when the slot is open or the flight is over. A slot that is open keeps no process alive: its holder may have forgotten it. */
  async #openedOrOver(flight: Flight, slot: OpenSlot): Promise<void> {
    const { callers, running, background } = this.#core
    const caller = running.getStore()
    caller?.waitsFor.add(flight)
    const result = flight.join(waitingFor(flight.request.signal, Infinity), callers, () =>
      this.#flights.abandon(flight),
    )
    // An open slot is no background work: `drain()` does not wait for a holder that may have forgotten it.
    background.run('load', () => Promise.race([this.#runner.run(flight), slot.opened]))
    callers.beginWait()
    try {
      await Promise.race([slot.opened, result.then(() => flight.over)])
    } finally {
      callers.endWait()
      caller?.waitsFor.delete(flight)
    }
  }

  #found(request: LoadRequest, outcome: ReadOutcome, usable: UsableEntry): Reserved<unknown> {
    this.#report(request, outcome, usable)
    this.#core.touches.read(request.localKey, usable.entry)
    return { hit: true, ...servedFrom(this.#core, usable, this.#local.release(usable.entry.value)) }
  }

  #served(request: LoadRequest, outcome: ReadOutcome, value: unknown, flight: Flight): Reserved<unknown> {
    const end = new ReadEnd()
    end.outcome = outcome
    end.entry = flight.servedEntry
    end.flight = flight
    this.#report(request, outcome, flight.usable)
    if (flight.servedEntry !== undefined) this.#core.touches.read(request.localKey, flight.servedEntry)
    return { hit: true, ...servedEntry(this.#core, this.#local.handOut(value), end) }
  }

  #report({ scope, userKey }: LoadRequest, outcome: ReadOutcome, usable?: UsableEntry): void {
    this.#core.recorder.read(scope, userKey, outcome, usable?.entry.createdAtMs)
  }
}

/** The slot of one call of `reserve`. Its `open` is the loader of the flight: what the holder fills in is what the loader returns. */
class OpenSlot implements Slot<unknown> {
  readonly hit = false
  readonly opened: Promise<void>
  flight: Flight | undefined
  isOpen = false
  stale: StaleValue | undefined
  #context: LoadContext | undefined
  #isUsed = false
  #markOpened!: () => void
  #fill!: (value: unknown) => void

  constructor(private readonly core: Pick<Core, 'callers' | 'local' | 'background'>) {
    this.opened = new Promise((resolve) => {
      this.#markOpened = resolve
    })
    // Holders pass these on as functions.
    this.fill = this.fill.bind(this)
    this.release = this.release.bind(this)
  }

  open(context: LoadContext): Promise<unknown> {
    this.#context = context
    this.stale = context.stale
    this.isOpen = true
    // The holder waits for nothing any more, so its leaving must not end the flight.
    this.flight?.keepAlive()
    this.#markOpened()
    return new Promise((resolve) => {
      this.#fill = resolve
    })
  }

  fill(value: unknown, options?: FillOptions): Promise<StoreOutcome | 'tooLate'> {
    const filled = this.#fillIn(value, options)
    // A holder that does not await its fill must not crash the process.
    filled.catch(() => undefined)
    return filled
  }

  async #fillIn(value: unknown, options: FillOptions | undefined): Promise<StoreOutcome | 'tooLate'> {
    const own = checkOptions(options, ['ttl', 'staleWhileRevalidate', 'staleIfError', 'tags'], 'fill')
    const ttlMs = windowOf(own, 'ttl')
    const staleWhileRevalidateMs = windowOf(own, 'staleWhileRevalidate')
    const staleIfErrorMs = windowOf(own, 'staleIfError')
    const tags = own?.tags === undefined ? [] : checkTagList(own.tags, 'tags of fill')
    const { flight } = this
    if (this.#isUsed) {
      throw new CacheError('INVALID_OPTION', 'expected a slot to be filled once; it was filled or released before')
    }
    this.#isUsed = true
    if (flight === undefined || flight.isAborted) return 'tooLate'
    if (ttlMs !== undefined) this.#context?.ttl(ttlMs)
    if (staleWhileRevalidateMs !== undefined) this.#context?.staleWhileRevalidate(staleWhileRevalidateMs)
    if (staleIfErrorMs !== undefined) this.#context?.staleIfError(staleIfErrorMs)
    if (tags.length > 0) this.#context?.tags(tags)
    this.#fill(value)
    await this.core.callers.await(this.core.background.track(flight.over))
    if (flight.failure !== undefined) throw flight.failure.error
    return flight.stored ?? 'tooLate'
  }

  release(): void {
    if (this.#isUsed) return
    this.#isUsed = true
    if (this.flight !== undefined) releaseSlot(this.core.local, this.flight)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** A slot has a time limit even if loads have none: its holder may have forgotten it. */
function withLimit(request: LoadRequest): LoadRequest {
  const { policy } = request
  if (policy.hardTimeoutMs <= LONGEST_LEASE_MS) return request
  return { ...request, policy: { ...policy, hardTimeoutMs: LONGEST_LEASE_MS } }
}

/** A window among the options of `fill`. Throws `INVALID_OPTION`. */
function windowOf(
  options: FillOptions | undefined,
  name: 'ttl' | 'staleWhileRevalidate' | 'staleIfError',
): Milliseconds | undefined {
  const given = options?.[name]
  return given === undefined ? undefined : toMs(given, `${name} of fill`)
}

function isFresh({ result }: ReadOutcome): boolean {
  return result === 'loaded' || result === 'hit' || result === 'stale'
}
