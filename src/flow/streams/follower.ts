// Reads along a recording that another process writes to L2.
import { randomBytes } from 'node:crypto'
import { CacheError } from '../../model/errors.js'
import type { LabelSet } from '../../model/labels.js'
import type { Milliseconds } from '../../model/ports.js'
import { UNAVAILABLE } from '../../tiers/operation.js'
import type { TierRecordings } from '../../tiers/remote-recordings.js'
import type { Core } from '../core.js'
import type { Flight } from '../flights/flight.js'
import { type ChunkContext, openChunk } from './chunks.js'
import { unpackFrames } from './frames.js'
import type { Recording } from './recording.js'

/** A follower that dies keeps a source going for so long. */
const INTEREST_MS: Milliseconds = 2_000
const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 20
const PAUSE_GROWTH = 1.3
/** The recording begins right after the lease. Whatever has a lease and no recording for so long is no stream. */
const BEGINS_WITHIN_MS: Milliseconds = 150

type FollowingCore = Pick<Core, 'clock' | 'callers' | 'background' | 'tokenReader'>

/**
 * How reading along ended. `over`: the recording of this process has its end. `again`: nothing came, and another process may have the lease by now.
 * `outdated`: the load with this lease began before a label was invalidated.
 */
export type Following = 'over' | 'again' | 'outdated'

type OpenedChunk = ReturnType<typeof openChunk>

/**
 * What it reads goes into the recording of this process. L2 is asked again and again with short commands of the shared connection: a blocking read
 * would hold up the others.
 *
 * Invariants:
 * - A recording belongs to one lease. Its chunks are taken in order and without a gap, or it is broken: a part is never missing.
 * - It has ended well only if its last chunk says so.
 * - After the first part nothing but the same recording can go on. Before that, the caller may start anew (`'again'`).
 */
export class Follower {
  readonly #core: FollowingCore
  readonly #context: ChunkContext
  readonly #recordings: TierRecordings
  readonly #flight: Flight
  readonly #recording: Recording
  readonly #silenceMs: Milliseconds
  readonly #id = randomBytes(9).toString('base64url')
  #index = 1

  constructor(
    core: FollowingCore,
    context: ChunkContext,
    recordings: TierRecordings,
    flight: Flight,
    recording: Recording,
    /** How long L2 may fail to reply before the recording counts as broken. */
    silenceMs: Milliseconds,
  ) {
    this.#core = core
    this.#context = context
    this.#recordings = recordings
    this.#flight = flight
    this.#recording = recording
    this.#silenceMs = silenceMs
  }

  async run(): Promise<Following> {
    try {
      return await this.#read()
    } finally {
      this.#core.background.run('leave a recording', () => this.#recordings.leave(this.#context.name, this.#id))
    }
  }

  async #read(): Promise<Following> {
    const { callers } = this.#core
    let heardAtMs = callers.nowMs()
    let pauseMs = FIRST_PAUSE_MS
    while (this.#recording.hasConsumers) {
      await this.#recording.room()
      const found = await this.#recordings.follow(this.#context.name, this.#id, this.#index, INTEREST_MS)
      const nowMs = callers.nowMs()
      const chunks = found === UNAVAILABLE || found.kind === 'absent' ? undefined : found.chunks
      if (chunks !== undefined) heardAtMs = nowMs
      const limitMs = found === UNAVAILABLE ? this.#silenceMs : this.#index === 1 ? BEGINS_WITHIN_MS : 0
      if (chunks === undefined && nowMs - heardAtMs >= limitMs) return this.#broken('is gone')
      const opened = (chunks ?? []).map((bytes, i) => openChunk(this.#context, this.#index + i, bytes))
      if (this.#index === 1 && opened[0] !== undefined && !(await this.#isCurrent(opened[0].labels))) return 'outdated'
      const over = this.#takeAll(opened)
      if (over !== undefined) return over
      pauseMs = chunks?.length ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * PAUSE_GROWTH)
      await new Promise<void>((resolve) => callers.after(pauseMs, resolve))
    }
    this.#recording.fail(new DOMException('every consumer of the stream has left', 'AbortError'))
    return 'over'
  }

  /** As for an entry of L2 (G1): what an invalidation of a label has outdated is not for those who come after it. */
  async #isCurrent(labels: LabelSet): Promise<boolean> {
    const judged = await this.#core.tokenReader.judge(labels, this.#flight, this.#core.clock.nowMs())
    return judged?.currency === 'current'
  }

  #takeAll(opened: readonly OpenedChunk[]): 'over' | 'again' | undefined {
    const end = opened.at(-1)?.end
    // A stream that has ended, and is not stored, is not for those who come now.
    if (this.#index === 1 && (end === 'whole' || end === 'failed')) return 'again'
    for (const chunk of opened) {
      const over = this.#take(chunk)
      if (over !== undefined) return over
      this.#index++
    }
    return undefined
  }

  #take(chunk: OpenedChunk): 'over' | 'again' | undefined {
    const frames = chunk && unpackFrames(chunk.frames)
    if (chunk === undefined || frames === undefined) return this.#broken('contains what no cache wrote')
    for (const frame of frames) this.#recording.add(frame)
    if (chunk.end === undefined) return undefined
    if (chunk.end === 'failed') return this.#broken('says that its source failed')
    this.#recording.finish()
    return 'over'
  }

  #broken(why: string): 'over' | 'again' {
    if (this.#recording.length === 0) return 'again'
    const message =
      `expected the rest of a stream that another process reads from its source; its recording ${why} after ` +
      `${this.#recording.length} parts. Nothing of it is stored: ask again for the whole`
    this.#recording.fail(new CacheError('STREAM_BROKEN', message))
    return 'over'
  }
}
