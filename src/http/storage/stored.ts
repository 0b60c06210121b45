// What the cache keeps under the key of a resource.
import { createHash } from 'node:crypto'
import { type Directives, directivesOf } from '../rules/cache-control.js'
import type { Fields } from '../rules/fields.js'
import type { Ages } from '../rules/reuse.js'
import type { NotStored } from '../rules/storable.js'

/** A whole response. */
export interface StoredResponse {
  readonly kind: 'response'
  readonly status: number
  readonly headers: Fields
  /** The body as the handler wrote it. Compressed forms of it are entries of their own. */
  readonly body: Uint8Array
  /** A hash of the body: the name of its compressed forms, and its ETag if the handler gave none. */
  readonly hash: string
  /** Whether its `ETag` was made here. Then the handler knows nothing of it. */
  readonly isOwnEtag: boolean
  /** `Cache-Control` as the client saw it: surrounding middleware may have set it. */
  readonly cacheControl: string | undefined
  readonly initialAgeMs: number
  readonly lifetimeMs: number
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  /** The handler failed at the last attempt, so this is served stale until the next one. */
  readonly isRetained: boolean
}

/** The responses of this resource differ by these request headers. Each is an entry of its own, whose key has `id` in it. */
export interface Varies {
  readonly kind: 'varies'
  readonly id: string
  readonly names: readonly string[]
}

/** The last response could not be stored: for a short time, requests do not wait for each other. */
export interface PassMark {
  readonly kind: 'pass'
  readonly detail: NotStored
}

/** A value under the key of a resource. */
export type StoredValue = StoredResponse | Varies | PassMark

/** How old a stored response is, `residentMs` after it was stored. */
export function agesOf(stored: StoredResponse, residentMs: number): Ages {
  return { ageMs: stored.initialAgeMs + residentMs, lifetimeMs: stored.lifetimeMs }
}

/** Whether it may still be served because loading failed (RFC 5861 §4). */
export function isServableOnError(stored: StoredResponse, residentMs: number): boolean {
  const { ageMs, lifetimeMs } = agesOf(stored, residentMs)
  return ageMs < lifetimeMs + stored.staleIfErrorMs
}

const parsed = new WeakMap<StoredResponse, Directives>()

/** The directives of a stored response, parsed once per copy in memory. */
export function directivesOfStored(stored: StoredResponse): Directives {
  let directives = parsed.get(stored)
  if (directives === undefined) {
    directives = directivesOf({ 'cache-control': stored.cacheControl })
    parsed.set(stored, directives)
  }
  return directives
}

/** A hash of a body, short enough for an ETag and long enough to be unique. */
export function hashOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url').slice(0, 27)
}
