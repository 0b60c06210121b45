// A bus between the worker threads of one process, on BroadcastChannel.
import { types } from 'node:util'
import { BroadcastChannel } from 'node:worker_threads'
import { checkNames } from '../model/option-rules.js'
import { type Duration, toMs } from '../model/options/duration.js'
import type { Bus, BusEvents, Bytes, Clock, Milliseconds } from '../model/ports.js'

export interface BroadcastBusOptions {
  /** How often the bus proves that it hears. Keep it well below `l1.maxStaleness`. Default '1s'. */
  readonly beat?: Duration | undefined
}

/** What travels: an announcement, or a beat, which means something to the member that sent it and to nobody else. */
type Posted = { readonly announcement: Bytes } | { readonly beatOf: string; readonly sentAtMs: number }

/**
 * A bus for caches in the worker threads of this process, the main thread included: one call for each cache. It does not reach other
 * processes.
 *
 * A posted message is in the queue of every listening thread before `postMessage` returns, and a queue is read in order. So when
 * its own beat comes back to a member, all that was announced before that beat was sent has been delivered to it.
 */
export function broadcastBus(options: BroadcastBusOptions = {}): Bus {
  const { beat = '1s' } = checkNames(options, ['beat'], 'broadcastBus')
  return new BroadcastBus(toMs(beat, 'beat', 'positive'))
}

class BroadcastBus implements Bus {
  readonly announces = 'publish'
  readonly #id = crypto.randomUUID()
  /** A BroadcastChannel does not hear itself, so one speaks and another listens. */
  #mouth: BroadcastChannel | undefined
  #ear: BroadcastChannel | undefined
  #events: BusEvents | undefined
  #cancelBeat: (() => void) | undefined

  constructor(private readonly beatMs: Milliseconds) {}

  position(): undefined {
    return undefined
  }

  start(channel: string, events: BusEvents, clock: Clock): void {
    this.#events = events
    this.#mouth = unreferenced(`tiercache:${channel}`)
    this.#ear = unreferenced(`tiercache:${channel}`)
    this.#ear.onmessage = ({ data }) => this.#take(data)
    this.#ear.onmessageerror = () => this.#events?.lost('a message could not be deserialized')
    this.#beat(clock)
  }

  async publish(bytes: Bytes): Promise<void> {
    if (this.#mouth === undefined) throw new Error('a bus publishes between start() and close()')
    // A copy of its own: a Buffer is a view of a pool that would be cloned as a whole, with whatever else is in it.
    this.#mouth.postMessage({ announcement: new Uint8Array(bytes) } satisfies Posted)
  }

  async close(): Promise<void> {
    this.#cancelBeat?.()
    this.#mouth?.close()
    this.#ear?.close()
    this.#mouth = undefined
    this.#ear = undefined
    this.#events = undefined
  }

  #beat(clock: Clock): void {
    this.#mouth?.postMessage({ beatOf: this.#id, sentAtMs: clock.nowMs() } satisfies Posted)
    this.#cancelBeat = clock.after(this.beatMs, () => this.#beat(clock))
  }

  /** `posted` is whatever anybody in this process posts under our name: what is not ours is ignored. */
  #take(posted: Partial<Record<string, unknown>> | undefined): void {
    if (types.isUint8Array(posted?.announcement)) this.#events?.message(posted.announcement)
    else if (posted?.beatOf === this.#id) this.#events?.heard(posted.sentAtMs as number)
  }
}

/** A channel that does not keep the process alive. */
function unreferenced(name: string): BroadcastChannel {
  const channel = new BroadcastChannel(name)
  channel.unref()
  return channel
}
