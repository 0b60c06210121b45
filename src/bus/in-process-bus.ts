// A bus between the caches of one process, each with an L1 of its own.

import type { Bus, BusEvents, Bytes } from '../model/ports.js'
import { foreignReason } from '../model/text/foreign-text.js'
import { queueMicrotask } from '../model/time/real-timers.js'

/** Connects the caches of one process. Create it with `inProcessBus()`. */
export interface InProcessBus {
  /** A bus for one more cache. Caches of the same name receive each other's announcements. */
  connect(): Bus
}

/**
 * A bus for several caches of this process: `const bus = inProcessBus()`, then `createCache({ bus: bus.connect() })` for each.
 *
 * An announcement is delivered before `publish` returns. So no cache of the process is ever behind, nothing can be lost, and the bus
 * needs to report `heard` only once, with `Infinity`.
 */
export function inProcessBus(): InProcessBus {
  const channels = new Map<string, Set<BusEvents>>()
  return { connect: () => new InProcessMember(channels) }
}

class InProcessMember implements Bus {
  readonly announces = 'publish'
  #channel: string | undefined
  #events: BusEvents | undefined

  constructor(private readonly channels: Map<string, Set<BusEvents>>) {}

  position(): undefined {
    return undefined
  }

  start(channel: string, events: BusEvents): void {
    this.#channel = channel
    this.#events = events
    const members = this.channels.get(channel) ?? new Set()
    this.channels.set(channel, members.add(events))
    // Later, because `createCache` has not finished yet. Infinity: every announcement from now on is delivered at once.
    queueMicrotask(() => this.#events?.heard(Number.POSITIVE_INFINITY))
  }

  async publish(bytes: Bytes): Promise<void> {
    const channel = this.#channel
    if (channel === undefined) throw new Error('a bus publishes only between start() and close()')
    for (const member of [...(this.channels.get(channel) ?? [])]) deliver(member, bytes)
  }

  async close(): Promise<void> {
    const channel = this.#channel
    if (channel === undefined || this.#events === undefined) return
    const members = this.channels.get(channel)
    members?.delete(this.#events)
    if (members?.size === 0) this.channels.delete(channel)
    this.#channel = undefined
    this.#events = undefined
  }
}

/** A cache that fails on a message must not keep the others from getting it. It gets `lost` instead. */
function deliver(member: BusEvents, bytes: Bytes): void {
  try {
    member.message(bytes)
  } catch (error) {
    member.lost(`a message could not be processed: ${foreignReason(error)}`)
  }
}
