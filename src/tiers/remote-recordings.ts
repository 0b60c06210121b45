// Recordings in L2, with the deadline and the breaker of its other operations.
import type { Bytes, Followed, Milliseconds, RecordingName, RemoteRecordings } from '../model/ports.js'
import type { Unavailable } from './operation.js'

/** Runs one operation of L2. It never rejects. */
export type RunOperation = <T>(name: string, send: () => Promise<T>) => Promise<T | Unavailable>

/** See `RemoteRecordings`. Every call resolves with `UNAVAILABLE` after any failure. */
export class TierRecordings {
  constructor(
    private readonly recordings: RemoteRecordings,
    private readonly run: RunOperation,
  ) {}

  append(
    name: RecordingName,
    index: number,
    chunk: Bytes | undefined,
    keepMs: Milliseconds,
    from: number,
  ): Promise<number | 'gone' | Unavailable> {
    return this.run('append', () => this.recordings.append(name, index, chunk, keepMs, from))
  }

  follow(
    name: RecordingName,
    follower: string,
    index: number,
    interestMs: Milliseconds,
  ): Promise<Followed | Unavailable> {
    return this.run('follow', () => this.recordings.follow(name, follower, index, interestMs))
  }

  leave(name: RecordingName, follower: string): Promise<unknown> {
    return this.run('leave', () => this.recordings.leave(name, follower))
  }
}
