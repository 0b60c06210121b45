// One stream under way in this process, and the consumers that share it: from the look-up to the end.
import { stateOf } from '../../codec/envelope/stamp.js'
import { CacheError } from '../../model/errors.js'
import { storeKeyOf } from '../../model/keys/key.js'
import { LONGEST_LEASE_MS } from '../../model/limits.js'
import type { ReserveOptions } from '../../model/options/options.js'
import type { Codec, Milliseconds } from '../../model/ports.js'
import type { Core, Remote } from '../core.js'
import type { CallScope } from '../flights/call-scope.js'
import type { Flight } from '../flights/flight.js'
import type { Reader } from '../read/read.js'
import type { Slot } from '../read/reserve.js'
import type { ChunkContext } from './chunks.js'
import { Follower } from './follower.js'
import { type Frame, packFrames, unpackFrames } from './frames.js'
import { Recorder } from './recorder.js'
import { Recording } from './recording.js'
import { SourceReader, type StreamLoader } from './source-reader.js'
import type { StreamOrigin } from './stream-read.js'

/** Judges one stream while it is recorded. */
export interface StreamJudge<P> {
  /** Gets each part. */
  part?(part: P): void
  /** Called when the stream has ended well. `false`: it is not stored. */
  mayStore(): boolean
}

/** What one stream is, resolved from the options of the call that starts it. */
export interface StreamPlan<P> {
  readonly scope: CallScope
  readonly userKey: string
  readonly load: StreamLoader<P>
  readonly reserve: ReserveOptions
  readonly maxBytes: number
  readonly partTimeoutMs: Milliseconds
  readonly judge: (() => StreamJudge<P>) | undefined
}

type StreamCore = Pick<Core, 'clock' | 'callers' | 'background' | 'remote' | 'tokenReader'>

/** What stands in the cache for a stream. */
interface StoredStream {
  readonly kind: 'stream'
  readonly frames: Uint8Array
}

const PAUSE_MS: Milliseconds = 10
const AUDIENCE_EVERY_MS: Milliseconds = 25

/**
 * A stream is the flight of its key, held open by a slot (`Reserver`), so what holds for loads holds for it:
 *
 * - G1: whoever comes after an invalidation does not join it, since the flight is detached; and its recording becomes the value of the entry
 *   only by the compare-and-set on what was planted before the source was asked.
 * - G5: of all processes the one whose lease stands asks the source. The others read its recording, whose name is that lease: a lease that
 *   an invalidation removed leads nobody there any more, while those who read already go on.
 * - Only a recording that ended well, in its own process, is stored.
 */
export class LiveStream<P> {
  readonly recording: Recording
  readonly #core: StreamCore
  readonly #reader: Pick<Reader, 'reserver'>
  readonly #codec: Codec
  readonly #plan: StreamPlan<P>
  /** The flight of the present slot: a caller may join the stream as long as it may join this. */
  flight: Flight | undefined
  origin: StreamOrigin = 'loader'
  /** Nothing came so far, and it is about to look again: whoever joins now gets what it finds then. */
  isBetweenAttempts = false
  /** A lease that leads to a stream from before an invalidation. */
  #outdatedLease: Uint8Array | undefined

  constructor(core: StreamCore, reader: Pick<Reader, 'reserver'>, codec: Codec, plan: StreamPlan<P>) {
    this.#core = core
    this.#reader = reader
    this.#codec = codec
    this.#plan = plan
    this.recording = new Recording(plan.maxBytes)
  }

  /** Runs it to its end. Never rejects: consumers learn from the recording what happened. */
  async run(): Promise<void> {
    try {
      while ((await this.#attempt()) === 'again') {
        this.isBetweenAttempts = true
        await new Promise<void>((resolve) => this.#core.callers.after(PAUSE_MS, resolve))
        if (!this.recording.hasConsumers) return
      }
    } catch (error) {
      this.recording.fail(error)
    }
  }

  async #attempt(): Promise<'over' | 'again'> {
    this.isBetweenAttempts = false
    const { scope, userKey, reserve } = this.#plan
    const options = { ...reserve, hardTimeout: LONGEST_LEASE_MS }
    const reserved = await this.#reader.reserver.reserve(scope, userKey, options, (flight) => {
      this.flight = flight
      flight.outdatedLease = this.#outdatedLease
      flight.followsLeases = this.#core.remote?.tier.recordings !== undefined
    })
    if (!reserved.hit) return this.#withSlot(reserved)
    const frames = framesOf(reserved.value)
    // Something else was stored under this key: the stream is passed on, and stays out of the cache.
    if (frames === undefined) return this.#lead(undefined, undefined)
    if (reserved.tier !== 'loader') this.origin = reserved.tier
    for (const frame of frames) this.recording.add(frame)
    this.recording.finish()
    return 'over'
  }

  async #withSlot(slot: Slot<unknown>): Promise<'over' | 'again'> {
    const { remote } = this.#core
    const fence = this.flight?.fence
    const flight = this.flight
    const recordings = remote?.tier.recordings
    if (recordings === undefined || flight === undefined || fence === undefined || stateOf(fence) !== 'lease')
      return this.#lead(slot, undefined)
    const context = this.#contextOf(remote as Remote, flight, fence)
    if (flight.lease !== undefined) {
      const recorder = new Recorder(this.#core, context, recordings, flight.carried, this.#plan.maxBytes)
      return this.#lead(slot, recorder)
    }
    this.origin = 'shared'
    const { partTimeoutMs } = this.#plan
    const following = await new Follower(this.#core, context, recordings, flight, this.recording, partTimeoutMs).run()
    if (following === 'outdated') this.#outdatedLease = fence
    this.isBetweenAttempts = following !== 'over'
    slot.release()
    return following === 'over' ? 'over' : 'again'
  }

  #contextOf(remote: Remote, { localKey, space }: Flight, lease: Uint8Array): ChunkContext {
    const key = storeKeyOf(localKey, space.rootName)
    return { remote, name: { key, id: Buffer.from(lease).toString('hex') }, scopeLabels: space.scopeLabels }
  }

  // ── The process that has the lease ──────────────────────────────────────────────────────────────────────────────────────────

  async #lead(slot: Slot<unknown> | undefined, recorder: Recorder | undefined): Promise<'over'> {
    const { userKey, load, partTimeoutMs, judge: judgeOf } = this.#plan
    const { recording } = this
    this.origin = 'loader'
    const source = new SourceReader<P>(this.#core.callers, partTimeoutMs)
    recording.emptied = () =>
      this.#core.background.run('abort a stream', () => this.#abortUnlessFollowed(source, recorder))
    if (!recording.hasConsumers) recording.emptied()
    try {
      const judge = judgeOf?.()
      await source.open(userKey, load)
      const beganAtMs = this.#core.clock.nowMs()
      for (let step = await source.next(); step.done !== true; step = await source.next()) {
        judge?.part?.(step.value)
        const frame = this.#frameOf(step.value, this.#core.clock.nowMs() - beganAtMs)
        recording.add(frame)
        recorder?.add(frame)
        if (recording.isUnstorable) await this.#passOn(source, slot)
      }
      const isStored = slot !== undefined && !recording.isUnstorable && judge?.mayStore() !== false
      recorder?.end(isStored ? 'stored' : 'whole')
      if (isStored) this.#store(slot)
      else slot?.release()
      recording.finish()
    } catch (error) {
      recorder?.end('failed')
      slot?.release()
      recording.fail(error)
    } finally {
      recording.emptied = undefined
      source.close()
    }
    return 'over'
  }

  /** Nobody else may wait for a stream that will not be stored, and the source is read as fast as the slowest consumer reads. */
  async #passOn(source: SourceReader<P>, slot: Slot<unknown> | undefined): Promise<void> {
    slot?.release()
    const room = this.recording.room()
    if (room === undefined) return
    source.pause()
    await room
    source.resume()
  }

  #store(slot: Slot<unknown>): void {
    const stored: StoredStream = { kind: 'stream', frames: packFrames(this.recording.frames) }
    // `fill` counts as background work, reports what became of it, and fails only for a schema, which streams have none of.
    this.#core.background.run('store a stream', () => slot.fill(stored))
  }

  /** The last consumer of this process has left. Consumers in other processes keep the source going. */
  async #abortUnlessFollowed(source: SourceReader<P>, recorder: Recorder | undefined): Promise<void> {
    const { recording } = this
    while (!recording.hasConsumers && recording.end === undefined) {
      const followers = await (recorder?.followers() ?? 0)
      if (recording.hasConsumers) return
      if (followers === 0) {
        source.stop(new DOMException('every consumer of the stream has left', 'AbortError'))
        return
      }
      await new Promise<void>((resolve) => this.#core.clock.after(AUDIENCE_EVERY_MS, resolve))
    }
  }

  // ── Parts and frames ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #frameOf(part: P, atMs: Milliseconds): Frame {
    try {
      return { bytes: this.#codec.encode(part), part: undefined, atMs }
    } catch (error) {
      // Such as an instance of an error class: it reaches the consumers, and its stream is not stored.
      if (error instanceof CacheError && error.code === 'UNSUPPORTED_VALUE') return { bytes: undefined, part, atMs }
      throw error
    }
  }
}

/** The frames of a stored stream; `undefined` if `value` is something else. */
function framesOf(value: unknown): readonly Frame[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { kind, frames } = value as Partial<StoredStream>
  return kind === 'stream' && frames instanceof Uint8Array ? unpackFrames(frames) : undefined
}
