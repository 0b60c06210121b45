// What L2 reports of its operations and outages.
import { CacheError } from '../../model/errors.js'
import type { Events } from '../../model/events/events.js'
import type { Milliseconds } from '../../model/ports.js'
import { foreignReason } from '../../model/text/foreign-text.js'
import type { RemoteTierOwner } from '../../tiers/remote-tier.js'
import { OperationCounters, type SharedCounters } from './counters.js'
import { Histogram } from './histogram.js'
import type { History } from './history.js'
import type { Notices } from './notices.js'

export class L2Recorder {
  readonly latency = new Histogram()
  /** By the name of the operation. The tier has a fixed number of them. */
  readonly operations = new Map<string, OperationCounters>()

  constructor(
    private readonly events: Events,
    private readonly counters: SharedCounters,
    private readonly history: History,
    private readonly notices: Notices,
  ) {}

  /** The owner to which L2 reports. `comeBack` runs before L2 is used again after an outage. */
  owner(comeBack: () => Promise<boolean>): RemoteTierOwner {
    const { events, counters } = this
    return {
      comeBack,
      breakerOpened: () => {
        counters.breakerOpenings++
      },
      degraded: (reason) => this.#degraded(asCacheError(reason)),
      connected: (tookMs) => {
        if (events.has('connected')) events.emit('connected', { tookMs })
      },
      explained: (cause) => this.#explained(cause),
      recovered: (degradedMs) => this.#recovered(degradedMs),
      failed: (operation) => this.#failed(operation),
      answered: (operation, tookMs) => this.#replied(operation, tookMs),
    }
  }

  /** L2 is not used from now on. */
  #degraded(error: CacheError): void {
    this.history.outage = error
    if (this.events.has('degraded')) this.events.emit('degraded', { error })
  }

  /** The cause of an outage became known after `degraded`. */
  #explained(cause: CacheError): void {
    this.history.outage = cause
    this.notices.report(cause.code, `L2 is not used: ${cause.message}`, cause)
  }

  #recovered(degradedMs: Milliseconds): void {
    this.history.outage = undefined
    if (this.events.has('recovered')) this.events.emit('recovered', { degradedMs })
  }

  #replied(name: string, tookMs: Milliseconds): void {
    this.counters.l2Operations++
    this.latency.add(tookMs)
    const operation = this.#operation(name)
    operation.answered++
    operation.sumMs += tookMs
  }

  #failed(name: string): void {
    this.counters.l2Operations++
    this.counters.l2Failures++
    this.#operation(name).failed++
  }

  #operation(name: string): OperationCounters {
    const known = this.operations.get(name)
    if (known !== undefined) return known
    const counters = new OperationCounters()
    this.operations.set(name, counters)
    return counters
  }
}

function asCacheError(reason: Error): CacheError {
  if (reason instanceof CacheError) return reason
  const message = `expected L2 to work; got: ${foreignReason(reason)}. The cache goes on without it`
  return new CacheError('L2_UNAVAILABLE', message, { cause: reason })
}
