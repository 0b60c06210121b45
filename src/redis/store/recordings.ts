// Recordings of streams on Redis: a stream per recording, in the slot of its entry, and a sorted set of the processes that follow it.
import { asBuffer } from '../../model/as-buffer.js'
import { recordingKeyOf } from '../../model/keys/key.js'
import type { Bytes, Followed, Milliseconds, RecordingName, RemoteRecordings } from '../../model/ports.js'
import type { Argument } from '../client/client.js'
import { bytesIn, countIn, malformed } from '../server/replies.js'
import { APPEND_CHUNK, FOLLOW_CHUNKS, LEAVE_RECORDING, type Script } from '../server/scripts.js'

/** A reply with more would delay other commands. */
const MAX_CHUNKS = 64

export interface RecordingContext {
  /** The name of the cache. */
  readonly name: string
  /** The prefix that the client puts before every key. Throws while no connection is ready. */
  keyPrefix(): string
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>
}

export class RedisRecordings implements RemoteRecordings {
  constructor(private readonly context: RecordingContext) {}

  async append(
    name: RecordingName,
    index: number,
    chunk: Bytes | undefined,
    keepMs: Milliseconds,
    from: number,
  ): Promise<number | 'gone'> {
    const args = [index, Math.ceil(keepMs), from, chunk === undefined ? '' : asBuffer(chunk)]
    const reply = await this.context.run(APPEND_CHUNK, this.#keysOf(name), args)
    return reply === null ? 'gone' : countIn(reply, 'a recording')
  }

  async follow(name: RecordingName, follower: string, index: number, interestMs: Milliseconds): Promise<Followed> {
    const args = [follower, index, Math.ceil(interestMs), MAX_CHUNKS]
    const reply = await this.context.run(FOLLOW_CHUNKS, this.#keysOf(name), args)
    if (reply === null) return { kind: 'absent' }
    if (!Array.isArray(reply)) throw malformed('a recording', 'its chunks', reply)
    const [first, ...chunks] = reply as unknown[]
    const begin = countIn(first, 'a recording')
    // It was dropped already.
    if (chunks.length > 0 && begin !== index) return { kind: 'absent' }
    return { kind: 'chunks', chunks: chunks.map((each) => bytesIn(each, 'a recording') ?? Buffer.alloc(0)) }
  }

  async leave(name: RecordingName, follower: string): Promise<void> {
    const [, followers = ''] = this.#keysOf(name)
    await this.context.run(LEAVE_RECORDING, [followers], [follower])
  }

  #keysOf({ key, id }: RecordingName): readonly string[] {
    const stream = recordingKeyOf(key, id, this.context.name, this.context.keyPrefix())
    return [stream, `${stream}:f`]
  }
}
