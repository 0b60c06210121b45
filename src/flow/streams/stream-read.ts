// What one consumer of a stream holds.
import type { Milliseconds } from '../../model/ports.js'
import type { WaitingCallers } from '../runtime/waiting-callers.js'
import type { Frame } from './frames.js'
import type { Place, Recording } from './recording.js'

/**
 * Where a stream comes from: a tier that has the whole, the `loader` that this call started, or a stream under way that another caller
 * started (`shared`), in this process or in another one.
 */
export type StreamOrigin = 'l1' | 'l2' | 'loader' | 'shared'

/** What a consumer needs of its stream. */
export interface Reading {
  readonly recording: Recording
  readonly callers: WaitingCallers
  decode(frame: Frame): unknown
}

/**
 * The parts of one stream, for one consumer, in order: iterate over them once. Leaving the loop leaves the stream; the others go on. The
 * iteration throws what the loader's stream threw, `LOAD_TIMEOUT` if it stalled, or `STREAM_BROKEN`.
 */
export class StreamRead<P> implements AsyncIterableIterator<P> {
  readonly #reading: Reading
  readonly #place: Place
  readonly #signal: AbortSignal | undefined
  #origin: StreamOrigin = 'loader'
  /** When the first part of a replay was handed out; `undefined` if parts come as soon as they are there. */
  #beganAtMs: Milliseconds | undefined
  #isPaced = false
  #hasLeft = false

  /** @internal Made by `cache.streams.open()`. */
  constructor(reading: Reading, signal: AbortSignal | undefined) {
    this.#reading = reading
    this.#place = reading.recording.join()
    this.#signal = signal
    signal?.addEventListener('abort', this.#leave, { once: true })
  }

  /** Where its parts come from. */
  get origin(): StreamOrigin {
    return this.#origin
  }

  /** @internal Resolves once the first part is there, or the end. Rejects if the stream failed before its first part. */
  async begun(): Promise<this> {
    const { recording, callers } = this.#reading
    while (recording.length === 0 && recording.end === undefined && !this.#hasLeft) await callers.await(this.#news())
    if (this.#signal?.aborted === true) throw this.#signal.reason
    const { end } = recording
    if (recording.length > 0 || end === undefined || !('error' in end)) return this
    this.#leave()
    throw end.error
  }

  /** @internal Its parts come from `origin`; paced: with the pauses of the original. */
  from(origin: StreamOrigin, isPaced: boolean): this {
    this.#origin = origin
    this.#isPaced = isPaced
    return this
  }

  async next(): Promise<IteratorResult<P>> {
    const { recording, callers } = this.#reading
    for (;;) {
      if (this.#signal?.aborted === true) throw this.#signal.reason
      if (this.#hasLeft) return { done: true, value: undefined }
      const frame = recording.take(this.#place)
      if (frame !== undefined) {
        if (this.#isPaced) await this.#pace(frame)
        return { done: false, value: this.#reading.decode(frame) as P }
      }
      const { end } = recording
      if (end === undefined) {
        await callers.await(this.#news())
        continue
      }
      this.#leave()
      if ('error' in end) throw end.error
      return { done: true, value: undefined }
    }
  }

  /** Leaves the stream. If nobody else reads it, its source is aborted. */
  async return(): Promise<IteratorResult<P>> {
    this.#leave()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  readonly #leave = (): void => {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#signal?.removeEventListener('abort', this.#leave)
    this.#reading.recording.leave(this.#place)
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#place.wake = () => {
        this.#place.wake = undefined
        resolve()
      }
    })
  }

  async #pace({ atMs }: Frame): Promise<void> {
    const { callers } = this.#reading
    this.#beganAtMs ??= callers.nowMs() - atMs
    const pauseMs = this.#beganAtMs + atMs - callers.nowMs()
    if (pauseMs <= 0) return
    const pause = new Promise<void>((resolve) => {
      const cancel = callers.after(pauseMs, resolve)
      this.#place.wake = () => {
        cancel()
        resolve()
      }
    })
    await callers.await(pause)
    this.#place.wake = undefined
  }
}
