// Runs of a handler in the background. Its client gets a stale response through the context or reply of the framework, so the handler needs
// one of its own: the adapter passes a second request through the application, with the same middleware, and recognises it when it comes.
import type { HttpCache } from '../../exchange/http-cache.js'

interface BackgroundRun {
  readonly http: object
  readonly of: object
  readonly data: unknown
}

const runs = new WeakMap<object, BackgroundRun>()

/**
 * Marks a run in the background. `key` is what the adapter recognises it by, such as its request, `of` the request that the recording began
 * with, and `data` what the adapter needs to go on with.
 */
export function markBackground<Req>(
  http: HttpCache<Req>,
  key: object,
  { of, data }: Omit<BackgroundRun, 'http'>,
): void {
  runs.set(key, { http, of, data })
}

/**
 * The data of a run of this cache that nobody has taken yet, or `undefined`. From now on `request` stands for the one that the recording
 * began with.
 */
export function takeBackground<Req, Data>(http: HttpCache<Req>, key: object, request: object): Data | undefined {
  const run = runs.get(key)
  if (run?.http !== http) return undefined
  runs.delete(key)
  http.follow(request, run.of)
  return run.data as Data
}
