// A bus between the worker threads of one process, on BroadcastChannel.
import { types } from 'node:util'
import { BroadcastChannel } from 'node:worker_threads'
import { checkNames } from '../model/option-rules.js'
import { type Duration, toMs } from '../model/options/duration.js'
import type { Bus, BusEvents, Bytes, Clock, Milliseconds } from '../model/ports.js'

/** Options of `broadcastBus`. */
export interface BroadcastBusOptions {
  /** How often the bus proves that its messages arrive. Keep it well below `l1.maxStaleness`. Default '1s'. */
  readonly beat?: Duration | undefined
}

/** A message: an announcement, or a beat, which matters only to the bus that sent it. */
type Posted = { readonly announcement: Bytes } | { readonly beatOf: string; readonly sentAtMs: number }

/**
 * A bus for caches in the worker threads of this process, the main thread included. Call it once for each cache. It does not reach
 * other processes.
 *
 * A posted message is in the queue of every listening thread before `postMessage` returns, and each thread reads its queue in order. So
 * when a bus receives its own beat, it has received everything that was announced before the beat was sent.
 */
export function broadcastBus(options: BroadcastBusOptions = {}): Bus {
  const { beat = '1s' } = checkNames(options, ['beat'], 'broadcastBus')
  return new BroadcastBus(toMs(beat, 'beat', 'positive'))
}

class BroadcastBus implements Bus {
  readonly announces = 'publish'
  readonly #id = crypto.randomUUID()
  /** A BroadcastChannel does not receive its own messages, so one sends and another receives. */
  #sender: BroadcastChannel | undefined
  #receiver: BroadcastChannel | undefined
  #events: BusEvents | undefined
  #cancelBeat: (() => void) | undefined

  constructor(private readonly beatMs: Milliseconds) {}

  position(): undefined {
    return undefined
  }

  start(channel: string, events: BusEvents, clock: Clock): void {
    this.#events = events
    this.#sender = unreferenced(`tiercache:${channel}`)
    this.#receiver = unreferenced(`tiercache:${channel}`)
    this.#receiver.onmessage = ({ data }) => this.#receive(data)
    this.#receiver.onmessageerror = () => this.#events?.lost('a message could not be deserialized')
    this.#beat(clock)
  }

  async publish(bytes: Bytes): Promise<void> {
    if (this.#sender === undefined) throw new Error('a bus publishes only between start() and close()')
    // A copy: a Buffer is a view of a shared pool, which would be cloned as a whole, with the data of others.
    this.#sender.postMessage({ announcement: new Uint8Array(bytes) } satisfies Posted)
  }

  async close(): Promise<void> {
    this.#cancelBeat?.()
    this.#sender?.close()
    this.#receiver?.close()
    this.#sender = undefined
    this.#receiver = undefined
    this.#events = undefined
  }

  #beat(clock: Clock): void {
    this.#sender?.postMessage({ beatOf: this.#id, sentAtMs: clock.nowMs() } satisfies Posted)
    this.#cancelBeat = clock.after(this.beatMs, () => this.#beat(clock))
  }

  /** Any code of this process can post on this channel, so messages of another shape are ignored. */
  #receive(posted: Partial<Record<string, unknown>> | undefined): void {
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
