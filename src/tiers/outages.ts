// When an outage of L2 begins and ends, and whether it is reported: one pair of events, however often the breaker opens during it.

import type { AtMs } from '../model/entry.js'
import { CacheError, isRefusal } from '../model/errors.js'
import type { Clock, Milliseconds } from '../model/ports.js'

export interface OutageEvents {
  degraded(reason: Error): void
  /** The cause of an outage that was reported without one. */
  explained(cause: CacheError): void
  recovered(degradedMs: Milliseconds): void
}

/** A refusal of this client does not heal by itself, and one event in this time is enough. */
const REFUSAL_REPORTED_EVERY_MS = 60_000

/**
 * An outage lasts from the moment at which the breaker opens until it closes. If L2 refused an operation (a missing permission), it
 * lasts until that operation works again: a trial needs fewer permissions than the cache does, and would end the outage each time.
 */
export class Outages {
  #sinceMs: AtMs | undefined
  #isReported = false
  /** The operation that L2 refused. */
  #refused: string | undefined
  #refusalReportedAtMs: AtMs = Number.NEGATIVE_INFINITY
  #isOpen = false
  #isExplained = false

  constructor(
    private readonly clock: Clock,
    private readonly events: OutageEvents,
  ) {}

  /** L2 refuses `operation`; the breaker is about to open. */
  refused(operation: string): void {
    this.#refused = operation
  }

  opened(reason: Error): void {
    this.#isOpen = true
    if (this.#sinceMs !== undefined) return
    const nowMs = this.clock.nowMs()
    const refused = isRefusal(reason)
    this.#sinceMs = nowMs
    this.#isReported = !refused || nowMs >= this.#refusalReportedAtMs + REFUSAL_REPORTED_EVERY_MS
    if (!this.#isReported) return
    if (refused) this.#refusalReportedAtMs = nowMs
    this.#isExplained = hasCause(reason)
    this.events.degraded(reason)
  }

  /** A reason that came later. It is reported once, if the outage was reported without its cause. */
  learned(reason: Error): void {
    if (this.#sinceMs === undefined || !this.#isReported || this.#isExplained || !hasCause(reason)) return
    this.#isExplained = true
    this.events.explained(reason)
  }

  closed(): void {
    this.#isOpen = false
    if (this.#refused === undefined) this.#end()
  }

  /** L2 executed `operation`. */
  worked(operation: string): void {
    if (this.#refused !== operation) return
    this.#refused = undefined
    if (!this.#isOpen) this.#end()
  }

  #end(): void {
    if (this.#sinceMs === undefined) return
    const degradedMs = this.clock.nowMs() - this.#sinceMs
    this.#sinceMs = undefined
    if (this.#isReported) this.events.recovered(degradedMs)
  }
}

/** An unknown host or a filtered port is noticed late: by then the outage was reported without its cause. */
function hasCause(reason: Error): reason is CacheError {
  return reason instanceof CacheError && (reason.cause !== undefined || isRefusal(reason))
}
