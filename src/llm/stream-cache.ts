// `streamCache`: streams of any kind, by a key that the caller names.
import { Readable } from 'node:stream'
import type { Cache, StreamContext, StreamRead } from '../index.js'
import { checkNames, invalid } from '../model/option-rules.js'
import { FinishJudge } from './finish.js'
import { checkStreamOptions, requestKey, type StreamCacheOptions, streamOptionsOf } from './options.js'

/** What a loader may return: an async iterable, a web or Node stream, or a `Response`, whose body is passed on as bytes. */
export type AnswerSource<P> = AsyncIterable<P> | ReadableStream<P> | Readable | Response

/** Starts the stream of a model. */
export type AnswerLoader<P> = (context: StreamContext) => AnswerSource<P> | Promise<AnswerSource<P>>

/** Options of one call. */
export interface StreamGetOptions {
  readonly tags?: readonly string[] | undefined
  /** Ends the reading of this caller. */
  readonly signal?: AbortSignal | undefined
}

/** Streams of models, recorded and replayed: `for await (const part of chat.get(key, load))`. */
export class StreamCache {
  readonly #cache: Cache
  readonly #options: StreamCacheOptions

  /** @internal Made by `streamCache()`. */
  constructor(cache: Cache, name: string, options: StreamCacheOptions) {
    this.#options = streamOptionsOf(checkStreamOptions(options))
    this.#cache = cache.namespace(name)
  }

  /**
   * The stream of `key`: anything that says what the answer depends on, such as the whole request with provider and model. Nothing is asked before
   * the first part is read. See `open`.
   */
  get<P = Uint8Array>(key: unknown, load: AnswerLoader<P>, options?: StreamGetOptions): AsyncIterable<P> {
    const open = () => this.open<P>(key, load, options)
    return {
      async *[Symbol.asyncIterator]() {
        yield* await open()
      },
    }
  }

  /**
   * The same, once its first part is there. Rejects with what the model's client throws. An answer is stored if it ended by itself: not after an
   * error, by the limit of its length or by a content filter. A `Response` that is not `ok` rejects.
   */
  async open<P = Uint8Array>(
    key: unknown,
    load: AnswerLoader<P>,
    options: StreamGetOptions = {},
  ): Promise<StreamRead<P>> {
    const own = checkNames(options, ['tags', 'signal'], 'get')
    return this.#cache.streams.open<P>(this.keyOf(key), async (context) => partsOf(await load(context)), {
      ...this.#options,
      ...own,
      judge: () => new FinishJudge(),
    })
  }

  /** The key in the cache under which the answer to `key` is stored: for `delete`. */
  keyOf(key: unknown): string {
    return requestKey(key)
  }

  /** Removes the answer to `key`. Those who read it go on, and nobody else gets it. */
  delete(key: unknown): Promise<'applied' | 'queued'> {
    return this.#cache.delete(this.keyOf(key))
  }
}

/** Returns a cache of streams in the namespace `name` of `cache`. Throws `INVALID_OPTION` and `INVALID_KEY`. */
export function streamCache(cache: Cache, name: string, options: StreamCacheOptions = {}): StreamCache {
  return new StreamCache(cache, name, options)
}

function partsOf<P>(source: AnswerSource<P>): AsyncIterable<P> {
  if (!(source instanceof Response)) return source as AsyncIterable<P>
  if (!source.ok) throw invalid('the Response of a stream', 'ok', source.status)
  return (source.body ?? Readable.from([])) as unknown as AsyncIterable<P>
}
