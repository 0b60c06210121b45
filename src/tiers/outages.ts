// When an outage of L2 begins and ends, and which of them are told: one pair of events each, however often the breaker opens in it.

import type { AtMs } from '../model/entry.js'
import { CacheError, isRefusal } from '../model/errors.js'
import type { Clock, Milliseconds } from '../model/ports.js'

/** Who is told. */
export interface OutageEvents {
  degraded(reason: Error): void
  /** The cause of an outage that was told without one. */
  explained(cause: CacheError): void
  recovered(degradedMs: Milliseconds): void
}

/** A refusal of this client does not heal by itself, and is not worth more than one event in this time. */
const REFUSAL_TOLD_EVERY_MS = 60_000

/**
 * An outage lasts from the moment at which the breaker opens until it closes. Where L2 refused an operation (a missing permission),
 * it lasts until that operation works again: a trial asks for less than the cache does, and would end it every time.
 */
export class Outages {
  #sinceMs: AtMs | undefined
  #isTold = false
  /** The operation that L2 refused. */
  #refused: string | undefined
  #refusalToldAtMs: AtMs = Number.NEGATIVE_INFINITY
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
    this.#isTold = !refused || nowMs >= this.#refusalToldAtMs + REFUSAL_TOLD_EVERY_MS
    if (!this.#isTold) return
    if (refused) this.#refusalToldAtMs = nowMs
    this.#isExplained = hasCause(reason)
    this.events.degraded(reason)
  }

  /** What else became known of the outage: once, if nobody knows its cause yet. */
  learned(reason: Error): void {
    if (this.#sinceMs === undefined || !this.#isTold || this.#isExplained || !hasCause(reason)) return
    this.#isExplained = true
    this.events.explained(reason)
  }

  closed(): void {
    this.#isOpen = false
    if (this.#refused === undefined) this.#end()
  }

  /** `operation` was answered. */
  worked(operation: string): void {
    if (this.#refused !== operation) return
    this.#refused = undefined
    if (!this.#isOpen) this.#end()
  }

  #end(): void {
    if (this.#sinceMs === undefined) return
    const degradedMs = this.clock.nowMs() - this.#sinceMs
    this.#sinceMs = undefined
    if (this.#isTold) this.events.recovered(degradedMs)
  }
}

/** A name resolves late and a filtered port times out late: by then the outage was told without its cause. */
function hasCause(reason: Error): reason is CacheError {
  return reason instanceof CacheError && (reason.cause !== undefined || isRefusal(reason))
}
