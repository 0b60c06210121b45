// The streams under way in this process, and what a call gets: a new one, or a place in one that is shared.
import { createMsgpackCodec } from '../../codec/payload/msgpack.js'
import { JOINED } from '../../model/events/read-outcome.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import type { Core } from '../core.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import type { Reader } from '../read/read.js'
import type { Frame } from './frames.js'
import { LiveStream, type StreamPlan } from './live-stream.js'
import { type Reading, StreamRead } from './stream-read.js'

/** How one call reads a stream. */
export interface StreamCall {
  readonly signal: AbortSignal | undefined
  readonly pace: 'asap' | 'recorded'
}

export class Streams {
  readonly #core: Core
  readonly #reader: Reader
  /** By local key. At most one per flight that may be joined, and removed at its end. */
  readonly #live = new Map<string, LiveStream<unknown>>()
  readonly #codec = createMsgpackCodec()

  constructor(core: Core, reader: Reader) {
    this.#core = core
    this.#reader = reader
  }

  /** Resolves once the first part is there. Rejects if the stream fails before it. */
  async open<P>(plan: StreamPlan<P>, { signal, pace }: StreamCall): Promise<StreamRead<P>> {
    this.#core.assertOpen()
    if (signal?.aborted === true) throw signal.reason
    const localKey = localKeyOf(scopeOfCall(plan.scope, plan.reserve).space, plan.userKey)
    const shared = this.#joinable(localKey, plan as StreamPlan<unknown>)
    const live = shared ?? this.#begin(localKey, plan as StreamPlan<unknown>)
    const read = new StreamRead<P>(this.#readingOf(live), signal)
    if (shared === undefined) this.#run(localKey, live)
    else this.#core.recorder.read(plan.scope, plan.userKey, JOINED)
    await read.begun()
    const { origin } = live
    const isWhole = origin === 'l1' || origin === 'l2'
    return read.from(shared === undefined || isWhole ? origin : 'shared', isWhole && pace === 'recorded')
  }

  /** The stream of this key that a new caller may join. See the invariants of `LiveStream`. */
  #joinable(localKey: string, { reserve }: StreamPlan<unknown>): LiveStream<unknown> | undefined {
    const live = this.#live.get(localKey)
    if (live?.isBetweenAttempts === true && live.recording.hasConsumers) return live
    if (live?.flight === undefined || live.recording.isUnstorable) return undefined
    const { end } = live.recording
    if (end !== undefined && 'error' in end) return undefined
    if (this.#reader.flights.joinable(localKey) !== live.flight) return undefined
    if (Array.isArray(reserve.tags)) live.flight.addTags(reserve.tags as readonly string[])
    return live
  }

  #begin(localKey: string, plan: StreamPlan<unknown>): LiveStream<unknown> {
    const live = new LiveStream(this.#core, this.#reader, this.#codec, plan)
    this.#live.set(localKey, live)
    return live
  }

  #run(localKey: string, live: LiveStream<unknown>): void {
    const over = async (): Promise<void> => {
      await live.run()
      // While it is being stored, it may still be joined.
      await live.flight?.over
      if (this.#live.get(localKey) === live) this.#live.delete(localKey)
    }
    void over()
  }

  #readingOf({ recording }: LiveStream<unknown>): Reading {
    const decode = ({ bytes, part }: Frame): unknown => (bytes === undefined ? part : this.#codec.decode(bytes))
    return { recording, callers: this.#core.callers, decode }
  }
}
