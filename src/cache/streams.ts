// `cache.streams`: streams that are recorded while they are passed on, shared by all processes, and replayed.
import type { CallScope } from '../flow/flights/call-scope.js'
import type { StreamJudge } from '../flow/streams/live-stream.js'
import type { StreamLoader } from '../flow/streams/source-reader.js'
import type { StreamRead } from '../flow/streams/stream-read.js'
import type { Streams } from '../flow/streams/streams.js'
import type { Version } from '../model/keys/key.js'
import { checkCount, checkMethods, checkOneOf, checkOptions } from '../model/option-rules.js'
import { type Duration, toMs } from '../model/options/duration.js'
import type { RequestScopes } from './request-scope/request-scope.js'

/** Options of `cache.streams.open`. */
export interface StreamOptions<P = unknown> {
  /** How long a recording is replayed. Default: that of the cache. */
  readonly ttl?: Duration | undefined
  readonly tags?: readonly string[] | undefined
  readonly version?: Version | undefined
  /** Ends the reading of this caller. The stream goes on while others read it. */
  readonly signal?: AbortSignal | undefined
  /** The most bytes of a recording. A longer stream is passed on and not stored. Default 1 MiB. */
  readonly maxBytes?: number | undefined
  /** How long the source may take for the next part. Default '60s'. */
  readonly partTimeout?: Duration | undefined
  /** `'asap'` (the default) replays as fast as it is read, `'recorded'` with the pauses of the original. */
  readonly pace?: 'asap' | 'recorded' | undefined
  /** Makes a judge for a stream that this call starts: it sees the parts, and may decide that the stream is not stored. */
  readonly judge?: (() => StreamJudge<P>) | undefined
}

const OPTIONS = ['ttl', 'tags', 'version', 'signal', 'maxBytes', 'partTimeout', 'pace', 'judge']
const MAX_BYTES = 1024 * 1024

/** Streams of a cache or namespace. Give them a namespace of their own: a recording is an entry under its key. */
export class CacheStreams {
  readonly #streams: Streams
  readonly #requests: RequestScopes
  readonly #scope: CallScope

  /** @internal */
  constructor(streams: Streams, requests: RequestScopes, scope: CallScope) {
    this.#streams = streams
    this.#requests = requests
    this.#scope = scope
  }

  /**
   * Returns the stream of `key`: replays its recording, joins it while it goes on, in this process or another one, or calls `load`, whose parts
   * are passed on and recorded. All callers of all processes share one source, and whoever comes late gets the past at once.
   *
   * A recording is stored when the source has ended well. An invalidation in between lets the present readers finish, and stores nothing. If all
   * readers have left, the signal of `load` aborts. Parts are deeply equal to the original; those of others are copies.
   *
   * Resolves with the first part. Rejects, or throws in the middle, with what the source threw; in other processes, after their first part, and
   * if the process with the source dies, with `STREAM_BROKEN`. If that happens before the first part, the call asks the source itself.
   */
  async open<P>(key: string, load: StreamLoader<P>, options?: StreamOptions<P>): Promise<StreamRead<P>> {
    const own: StreamOptions<P> = checkOptions(options, OPTIONS, 'streams.open') ?? {}
    checkMethods(load, 'the loader of a stream', ['call'], 'a function that returns a stream')
    if (own.judge !== undefined) checkMethods(own.judge, 'judge', ['call'], 'a function that returns a judge')
    const { ttl, tags, version, signal } = own
    const plan = {
      scope: this.#scope,
      userKey: key,
      load: this.#requests.outside(load),
      reserve: { ttl, tags, version, staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 0, refreshAhead: 0 },
      maxBytes: checkCount(own.maxBytes ?? MAX_BYTES, 'maxBytes', 0, Number.MAX_SAFE_INTEGER),
      partTimeoutMs: toMs(own.partTimeout ?? '60s', 'partTimeout', 'positive'),
      judge: own.judge,
    }
    const pace = checkOneOf(own.pace ?? 'asap', 'pace', ['asap', 'recorded'])
    return this.#streams.open<P>(plan, { signal, pace })
  }
}
