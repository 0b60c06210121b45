// Writes a recording to L2 while it grows, so that other processes read along.
import type { LabelSet } from '../../model/labels.js'
import type { Milliseconds } from '../../model/ports.js'
import { UNAVAILABLE } from '../../tiers/operation.js'
import type { TierRecordings } from '../../tiers/remote-recordings.js'
import type { Core } from '../core.js'
import { type ChunkContext, type RecordedEnd, sealChunk } from './chunks.js'
import { type Frame, packFrames, sizeOf } from './frames.js'

/** How long a recording outlives its end: its entry is stored within that time, and whoever reads along has read the rest. */
const KEEP_AFTER_END_MS: Milliseconds = 5_000
/** When a chunk is sent again that L2 did not confirm. */
const RETRY_AFTER_MS: Milliseconds = 20
/** One chunk takes no more frames than this, unless one frame alone is larger. */
const CHUNK_BYTES = 256 * 1024

/**
 * Invariants:
 * - One chunk is on its way at a time. What comes meanwhile waits and leaves together, so a fast stream costs few commands, and the first part
 *   leaves at once.
 * - A recording lives for two leases after its last command, and is renewed three times per lease: if this process dies, it is gone
 *   soon after the lease. It always has an expiry.
 * - Nothing is left out: a chunk is sent until L2 has it. If that takes longer than the recording lives, nothing is written any more, and those
 *   who read along find the recording gone.
 */
export class Recorder {
  readonly #core: Pick<Core, 'clock' | 'background'>
  readonly #context: ChunkContext
  readonly #labels: LabelSet
  readonly #recordings: TierRecordings
  readonly #windowBytes: number
  readonly #keepMs: Milliseconds
  #waiting: Frame[] = []
  #end: RecordedEnd | undefined
  #index = 0
  #sending: Promise<void> | undefined
  #isOver = false
  #followers = 0
  #cancelRenewal: () => void = () => undefined
  /** Sizes of the chunks that are kept, oldest first. */
  readonly #sizes: number[] = []
  #keptBytes = 0
  #from = 1

  constructor(
    core: Pick<Core, 'clock' | 'background'>,
    context: ChunkContext,
    recordings: TierRecordings,
    labels: LabelSet,
    windowBytes: number,
  ) {
    this.#core = core
    this.#context = context
    this.#labels = labels
    this.#recordings = recordings
    this.#windowBytes = windowBytes
    this.#keepMs = context.remote.leaseMs * 2
    this.#send()
    this.#planRenewal()
  }

  add(frame: Frame): void {
    if (this.#isOver) return
    // A part that cannot be encoded: whoever reads along learns at once that there is no more.
    if (frame.bytes === undefined) this.#end = 'failed'
    else if (this.#end === undefined) this.#waiting.push(frame)
    this.#send()
  }

  end(end: RecordedEnd): void {
    if (this.#isOver) return
    this.#end ??= end
    this.#send()
  }

  /** How many processes read along now. 0 if L2 cannot say. */
  async followers(): Promise<number> {
    // The reply to a chunk that was sent before does not count who came meanwhile.
    await this.#sending
    if (this.#isOver) return 0
    await this.#renew()
    return this.#followers
  }

  /** Sends what waits. The first call creates the recording, with an empty chunk. */
  #send(): void {
    if (this.#sending !== undefined || this.#isOver) return
    this.#sending = this.#core.background.guard('record a stream', () => this.#sendAll(), undefined)
  }

  async #sendAll(): Promise<void> {
    do await this.#sendChunk()
    while (!this.#isOver && (this.#waiting.length > 0 || this.#end !== undefined))
    this.#sending = undefined
  }

  async #sendChunk(): Promise<void> {
    const frames = this.#takeFrames()
    const end = this.#waiting.length === 0 ? this.#end : undefined
    const index = ++this.#index
    let chunk: Uint8Array
    try {
      chunk = sealChunk(this.#context, index, { frames: packFrames(frames), end }, this.#labels)
    } catch {
      // Larger than L2 may keep. The value of the entry would be refused as well.
      this.#giveUp()
      return
    }
    this.#noteSize(chunk.length)
    const keepMs = end === undefined ? this.#keepMs : Math.max(this.#keepMs, KEEP_AFTER_END_MS)
    await this.#append(index, chunk, keepMs)
    if (end !== undefined) this.#giveUp()
  }

  /** A chunk that L2 did not confirm is sent again: one that is there already is not appended twice. */
  async #append(index: number, chunk: Uint8Array, keepMs: Milliseconds): Promise<void> {
    const { clock } = this.#core
    const untilMs = clock.nowMs() + this.#keepMs
    for (;;) {
      const reply = await this.#recordings.append(this.#context.name, index, chunk, keepMs, this.#from)
      if (reply !== UNAVAILABLE || this.#isOver) return this.#learn(reply)
      if (clock.nowMs() >= untilMs) return this.#giveUp()
      await new Promise<void>((resolve) => clock.after(RETRY_AFTER_MS, resolve))
    }
  }

  #takeFrames(): Frame[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length) {
      bytes += sizeOf(this.#waiting[count] as Frame)
      if (count > 0 && bytes > CHUNK_BYTES) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** A stream too large to be stored keeps a window: who reads along is not far behind. */
  #noteSize(bytes: number): void {
    this.#sizes.push(bytes)
    this.#keptBytes += bytes
    while (this.#keptBytes > this.#windowBytes && this.#sizes.length > 1) {
      this.#keptBytes -= this.#sizes.shift() as number
      this.#from++
    }
  }

  #learn(reply: number | 'gone' | typeof UNAVAILABLE): void {
    if (typeof reply === 'number') this.#followers = reply
    else if (reply === 'gone') this.#giveUp()
  }

  #giveUp(): void {
    this.#isOver = true
    this.#followers = 0
    this.#waiting = []
    this.#cancelRenewal()
  }

  #planRenewal(): void {
    this.#cancelRenewal = this.#core.clock.after(this.#context.remote.leaseMs / 3, () => {
      if (this.#isOver) return
      this.#core.background.run('renew a recording', () => this.#renew())
      this.#planRenewal()
    })
  }

  async #renew(): Promise<void> {
    if (this.#sending !== undefined) return
    const reply = await this.#recordings.append(this.#context.name, this.#index, undefined, this.#keepMs, this.#from)
    // The life after the end is longer, and must not be cut.
    if (!this.#isOver) this.#learn(reply)
  }
}
