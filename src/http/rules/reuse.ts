// Whether a stored response may answer a request: its own age, its directives, and those of the request (RFC 9111 §4, §5.2.1).
import { type Directives, secondsOf } from './cache-control.js'
import { forbidsStale } from './freshness.js'

/** What is known of a stored response when a request arrives. All in milliseconds. */
export interface Ages {
  /** current_age of RFC 9111 §4.2.3. */
  readonly ageMs: number
  readonly lifetimeMs: number
}

/**
 * What a stored response is worth to a request.
 *
 * - `fresh`: serve it.
 * - `stale`: serve it, for the request accepts that (`max-stale`).
 * - `validate`: ask the handler first.
 */
export type Worth = 'fresh' | 'stale' | 'validate'

/** What a stored response with these directives is worth to a request with those. */
export function worthOf({ ageMs, lifetimeMs }: Ages, response: Directives, request: Directives): Worth {
  // RFC 9111 §5.2.1.4 and §5.2.2.4.
  if (request.has('no-cache') || response.has('no-cache')) return 'validate'
  // §5.2.1.1.
  const maxAge = secondsOf(request, 'max-age')
  if (maxAge !== undefined && ageMs > maxAge * 1000) return 'validate'
  // §5.2.1.3.
  const minFreshMs = (secondsOf(request, 'min-fresh') ?? 0) * 1000
  if (lifetimeMs - ageMs > 0 && lifetimeMs - ageMs >= minFreshMs) return 'fresh'
  return minFreshMs === 0 && acceptsStale(ageMs - lifetimeMs, response, request) ? 'stale' : 'validate'
}

/** `max-stale` (RFC 9111 §5.2.1.2). Without an argument any staleness is accepted, unless the response forbids it. */
function acceptsStale(staleForMs: number, response: Directives, request: Directives): boolean {
  const value = request.get('max-stale')
  if (value === undefined || forbidsStale(response)) return false
  return value === '' || staleForMs <= (secondsOf(request, 'max-stale') ?? 0) * 1000
}

/** Whether a request accepts a stale response while it is refreshed, or because loading failed. */
export function allowsStale(request: Directives): boolean {
  return !request.has('no-cache') && !request.has('max-age') && !request.has('min-fresh')
}
