// The options of this subpath, and the key of a request.
import { createHash } from 'node:crypto'
import type { Duration } from '../index.js'
import { encodeArguments } from '../model/keys/arguments.js'
import { checkMethods, checkNames, checkOneOf, invalid } from '../model/option-rules.js'

/** Options of `streamCache`. */
export interface StreamCacheOptions {
  /** How long an answer is replayed. Default: that of the cache. */
  readonly ttl?: Duration | undefined
  /** The most bytes of an answer that is stored. A longer one is passed on. Default 1 MiB. */
  readonly maxBytes?: number | undefined
  /** How long a model may take for its next part. Default '60s'. */
  readonly partTimeout?: Duration | undefined
  /** `'asap'` (the default) replays as fast as it is read, `'recorded'` with the pauses of the original. */
  readonly pace?: 'asap' | 'recorded' | undefined
}

/** Options of `llmCache` and `llmFetch`. */
export interface LlmCacheOptions<Request> extends StreamCacheOptions {
  /** The namespace of the answers in the cache. Default 'llm'. */
  readonly name?: string | undefined
  /**
   * Who may get an answer: `'everybody'`, or a function that names whom it is for, such as a user's id. Requests of others never get it. A request
   * for which it returns `undefined` is not cached.
   */
  readonly scope: 'everybody' | ((request: Request) => string | undefined)
  /** Which requests are cached. Default: those with temperature 0 or a seed (`isDeterministic`). */
  readonly when?: ((request: Request) => boolean) | undefined
  /** Tags of the answers, by which they can be invalidated. */
  readonly tags?: readonly string[] | ((request: Request) => readonly string[]) | undefined
  /** Whether a replay gets ids of its own (the default), so that two answers of one conversation differ. */
  readonly ids?: 'fresh' | 'recorded' | undefined
}

const STREAM_OPTIONS = ['ttl', 'maxBytes', 'partTimeout', 'pace']

/** Throws `INVALID_OPTION`. */
export function checkStreamOptions(options: StreamCacheOptions): StreamCacheOptions {
  return checkNames(options, STREAM_OPTIONS, 'streamCache')
}

/** Throws `INVALID_OPTION`. */
export function checkLlmOptions<R>(options: LlmCacheOptions<R>, what: string): LlmCacheOptions<R> {
  const own = checkNames(options, [...STREAM_OPTIONS, 'name', 'scope', 'when', 'tags', 'ids'], what)
  if (own.scope !== 'everybody' && typeof own.scope !== 'function') {
    throw invalid(
      'scope',
      "'everybody', or a function that returns whom the answer is for, such as a user's id",
      own.scope,
    )
  }
  if (own.when !== undefined) checkMethods(own.when, 'when', ['call'], 'a function of the request')
  checkOneOf(own.ids ?? 'fresh', 'ids', ['fresh', 'recorded'])
  return own
}

/** The options of the stream alone. */
export function streamOptionsOf({ ttl, maxBytes, partTimeout, pace }: StreamCacheOptions): StreamCacheOptions {
  return { ttl, maxBytes, partTimeout, pace }
}

export function tagsOf<R>({ tags }: LlmCacheOptions<R>, request: R): readonly string[] | undefined {
  return typeof tags === 'function' ? tags(request) : tags
}

/** Whose answer it is, as a part of the key; `undefined` if the request is not cached. */
export function scopeOf<R>({ scope, when = isDeterministic }: LlmCacheOptions<R>, request: R): string[] | undefined {
  if (!when(request)) return undefined
  if (scope === 'everybody') return []
  const named = scope(request)
  if (named !== undefined && typeof named !== 'string') throw invalid('what scope returns', 'a string', named)
  return named === undefined ? undefined : [named]
}

/** Whether a request asks for the same answer each time: temperature 0, or a seed. */
export function isDeterministic(request: unknown): boolean {
  const { temperature, seed } = (request ?? {}) as { readonly temperature?: unknown; readonly seed?: unknown }
  return temperature === 0 || (seed !== undefined && seed !== null)
}

/**
 * The key of a request: a hash of everything that the answer depends on. No prompt stands in a key of Redis. The order of properties does not
 * matter; a property that is `undefined` counts as missing.
 */
export function requestKey(...parts: readonly unknown[]): string {
  return createHash('sha256')
    .update(encodeArguments(parts.map(plain)))
    .digest('base64url')
}

/** What arguments cannot contain, such as a URL, as text. */
function plain(value: unknown): unknown {
  if (value instanceof URL) return { url: value.href }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && typeof item !== 'function')
  return Object.fromEntries(entries.map(([name, item]) => [name, plain(item)]))
}
