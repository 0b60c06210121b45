// What takes time is published on channels of `node:diagnostics_channel`, from which tracers make spans: loads, callers that join one,
// waits for L2, and changes. Nothing is published for a hit in L1, and no message is made unless somebody listens.
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { InvalidatedEvent, LoadReason } from '../../model/events/events.js'

/** The message of `tiercache:load`: the loader of one key runs. */
export interface LoadTrace {
  readonly cache: string
  /** The path of the cache or namespace. */
  readonly scope: string
  /** The key as events name it (`eventKeys`). */
  readonly key: string
  readonly reason: LoadReason
  /** What it failed with, once it has failed. */
  error?: unknown
}

/** The message of `tiercache:join`: a caller waits for a load, or a read of L2, that another caller has begun. */
export interface JoinTrace {
  readonly cache: string
  readonly scope: string
  readonly key: string
  /** The message of that load, once it has begun; `undefined` if nothing was loaded. */
  readonly load: LoadTrace | undefined
  error?: unknown
}

/** The message of `tiercache:l2`: a caller waits for L2. */
export interface L2Trace {
  readonly cache: string
  readonly scope: string
  /** Undefined for a read of several keys. */
  readonly key: string | undefined
  /** `'read'`: for what L2 has. `'acquire'`: for the right to load, and perhaps for the load of another process. */
  readonly wait: 'read' | 'acquire'
  error?: unknown
}

/** The message of `tiercache:change`: a write or an invalidation is on its way to L2 and to the other processes. */
export interface ChangeTrace {
  readonly cache: string
  readonly scope: string
  readonly by: InvalidatedEvent['by']
  /** How many keys, or tags and scopes, it concerns. */
  readonly count: number
  error?: unknown
}

export const LOADS = tracingChannel<unknown, LoadTrace>('tiercache:load')
export const JOINS = tracingChannel<unknown, JoinTrace>('tiercache:join')
export const L2_WAITS = tracingChannel<unknown, L2Trace>('tiercache:l2')
export const CHANGES = tracingChannel<unknown, ChangeTrace>('tiercache:change')

interface Message {
  error?: unknown
}

/** Whether somebody listens. Ask before a message is made. */
export function isHeard<M extends Message>({ start, asyncEnd, error }: TracingChannel<unknown, M>): boolean {
  return start.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers
}

/** One piece of work: its beginning is published by `run`, its end by the first call of `ended` or `failed`. */
export class Trace<M extends Message> {
  #isOver = false

  constructor(
    private readonly channel: TracingChannel<unknown, M>,
    readonly message: M,
  ) {}

  /** Runs `work` in the async context that subscribers bind to the channel, such as that of their span. */
  run<T>(work: () => T): T {
    const { start, end } = this.channel
    return start.runStores(this.message, () => {
      const result = work()
      end.publish(this.message)
      return result
    })
  }

  ended(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.channel.asyncStart.publish(this.message)
    this.channel.asyncEnd.publish(this.message)
  }

  failed(error: unknown): void {
    if (this.#isOver) return
    this.message.error = error
    this.channel.error.publish(this.message)
    this.ended()
  }
}

/** Runs `work`, and publishes its beginning and end if somebody listens. */
export function traced<M extends Message, T>(
  channel: TracingChannel<unknown, M>,
  messageOf: () => NoInfer<M>,
  work: () => Promise<T>,
): Promise<T> {
  if (!isHeard(channel)) return work()
  const trace = new Trace<M>(channel, messageOf())
  return trace.run(work).then(
    (result) => {
      trace.ended()
      return result
    },
    (error: unknown) => {
      trace.failed(error)
      throw error
    },
  )
}
