// Reads the stream of the user's loader, part by part, with a time limit between parts.

import type { AtMs } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import { invalid } from '../../model/option-rules.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

/** A stream of parts: an async iterable, such as a Node `Readable`, an SDK's stream or a web `ReadableStream`. */
export type PartSource<P> = AsyncIterable<P> | ReadableStream<P>

/** The loader of a stream gets its key and a signal that aborts when nobody reads the stream any more, or when it stalls. */
export interface StreamContext {
  readonly key: string
  readonly signal: AbortSignal
}

/** Starts a stream. */
export type StreamLoader<P> = (context: StreamContext) => PartSource<P> | Promise<PartSource<P>>

export class SourceReader<P> {
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #limitMs: Milliseconds
  #dueAtMs: AtMs
  #parts: AsyncIterator<P> | undefined
  /** Rejects what is awaited of the source. */
  #giveUp: ((error: unknown) => void) | undefined
  #stoppedBy: { readonly error: unknown } | undefined
  #cancelTimer: () => void = () => undefined

  constructor(clock: Clock, limitMs: Milliseconds) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#dueAtMs = clock.nowMs() + limitMs
    this.#watch()
  }

  /** Calls the loader. Rejects with what it throws, or with the reason of `stop`. */
  async open(key: string, load: StreamLoader<P>): Promise<void> {
    const source = await this.#until(async () => {
      const opened = await load({ key, signal: this.#controller.signal })
      if (this.#stoppedBy !== undefined) release((opened as Partial<AsyncIterable<P>>)?.[Symbol.asyncIterator]?.())
      return opened
    })
    if (typeof (source as Partial<AsyncIterable<P>> | undefined)?.[Symbol.asyncIterator] !== 'function') {
      throw invalid('what the loader of a stream returns', 'an async iterable or a ReadableStream', source)
    }
    this.#parts = (source as AsyncIterable<P>)[Symbol.asyncIterator]()
  }

  /** The next part. Rejects with what the source throws, with `LOAD_TIMEOUT`, or with the reason of `stop`. */
  async next(): Promise<IteratorResult<P>> {
    const step = await this.#until(() => (this.#parts as AsyncIterator<P>).next())
    this.#dueAtMs = this.#clock.nowMs() + this.#limitMs
    return step
  }

  /** Nobody waits for the source: it has no time limit until `resume`. */
  pause(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY
  }

  resume(): void {
    this.#dueAtMs = this.#clock.nowMs() + this.#limitMs
  }

  stop(error: unknown): void {
    if (this.#stoppedBy !== undefined) return
    this.#stoppedBy = { error }
    this.#controller.abort(error)
    this.#giveUp?.(error)
  }

  /** Releases the source. It is not awaited: a source that hangs may never confirm it. */
  close(): void {
    this.#cancelTimer()
    release(this.#parts)
  }

  /** A plain race would add a reaction to one long-lived promise for each part. */
  #until<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stoppedBy !== undefined) return Promise.reject(this.#stoppedBy.error)
    return new Promise((resolve, reject) => {
      this.#giveUp = reject
      work().then(resolve, reject)
    })
  }

  /** One timer for all parts, which looks when the present part is due. */
  #watch(): void {
    if (this.#limitMs === Number.POSITIVE_INFINITY) return
    const leftMs = Math.min(this.#limitMs, Math.max(1, this.#dueAtMs - this.#clock.nowMs()))
    this.#cancelTimer = this.#clock.after(leftMs, () => {
      if (this.#clock.nowMs() < this.#dueAtMs) return this.#watch()
      const message = `expected the source of a stream to send its next part within ${this.#limitMs} ms (partTimeout); it did not`
      this.stop(new CacheError('LOAD_TIMEOUT', message))
    })
  }
}

function release(parts: AsyncIterator<unknown> | undefined): void {
  parts?.return?.().then(undefined, () => undefined)
}
