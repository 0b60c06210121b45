// The recording of one stream in this process: it grows at one end, and each consumer reads it at its own place.
import { type Frame, sizeOf } from './frames.js'

/** A consumer's place in a recording. */
export interface Place {
  /** The index of the next frame that it reads. */
  index: number
  /** Called when there is something new, if it waits. */
  wake: (() => void) | undefined
}

/**
 * Invariants:
 * - Up to `maxBytes` all frames stay, so a consumer that comes late gets the whole past, and a slow one keeps nothing but its index.
 * - Above it the stream is not stored, and nobody new may join. Frames that all consumers have read are dropped, and the source is read no
 *   faster than the slowest consumer reads: the memory stays within twice `maxBytes` and one frame.
 * - After its end nothing is added.
 */
export class Recording {
  #frames: Frame[] = []
  /** The index of the first frame that is kept. */
  #first = 0
  #keptBytes = 0
  #end: { readonly error?: unknown } | undefined
  readonly #places = new Set<Place>()
  #madeRoom: (() => void) | undefined
  /** Whether it became too large to be stored, or contains a part that cannot be encoded. */
  isUnstorable = false
  /** Called when the last consumer has left. */
  emptied: (() => void) | undefined

  constructor(private readonly maxBytes: number) {}

  /** How many parts came. */
  get length(): number {
    return this.#first + this.#frames.length
  }

  /** Set once it has ended; with `error` if it did not end as it should. */
  get end(): { readonly error?: unknown } | undefined {
    return this.#end
  }

  get hasConsumers(): boolean {
    return this.#places.size > 0
  }

  /** All frames, for a recording that can be stored. */
  get frames(): readonly Frame[] {
    return this.#frames
  }

  add(frame: Frame): void {
    if (this.#end !== undefined) return
    this.#frames.push(frame)
    this.#keptBytes += sizeOf(frame)
    if (this.#keptBytes > this.maxBytes || frame.bytes === undefined) this.isUnstorable = true
    if (this.isUnstorable) this.#drop()
    this.#wakeAll()
  }

  finish(): void {
    this.#ended({})
  }

  fail(error: unknown): void {
    this.#ended({ error })
  }

  /** Resolves when there is room for more; `undefined` if there is. */
  room(): Promise<void> | undefined {
    if (!this.isUnstorable || this.#keptBytes <= this.maxBytes) return undefined
    return new Promise((resolve) => {
      this.#madeRoom = resolve
    })
  }

  join(): Place {
    const place = { index: this.#first, wake: undefined }
    this.#places.add(place)
    return place
  }

  leave(place: Place): void {
    if (!this.#places.delete(place)) return
    place.wake?.()
    if (this.isUnstorable) this.#drop()
    if (this.#places.size === 0) this.emptied?.()
  }

  /** The next frame of a consumer, if it is there. */
  take(place: Place): Frame | undefined {
    const frame = this.#frames[place.index - this.#first]
    if (frame === undefined) return undefined
    place.index++
    if (this.isUnstorable) this.#drop()
    return frame
  }

  #ended(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const place of this.#places) place.wake?.()
  }

  /** Drops what all consumers have read. */
  #drop(): void {
    let least = this.length
    for (const { index } of this.#places) least = Math.min(least, index)
    const count = least - this.#first
    if (count <= 0) return
    for (const frame of this.#frames.splice(0, count)) this.#keptBytes -= sizeOf(frame)
    this.#first = least
    if (this.#keptBytes > this.maxBytes) return
    this.#madeRoom?.()
    this.#madeRoom = undefined
  }
}
