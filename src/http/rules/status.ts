// What the status codes mean to a cache.

/** Cacheable by default, that is without a lifetime of their own (RFC 9110 §15.1). 206 is left out: parts are not stored. */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])

/** Whether a response with this status may be stored although it states no lifetime. */
export function isHeuristicallyCacheable(status: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(status)
}

/** Statuses that say: the origin is in trouble. `stale-if-error` applies to them (RFC 5861 §4). */
export function isServerError(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504
}

/** Whether a mutation that was answered with this status took place (RFC 9111 §4.4: a non-error status is 2xx or 3xx). */
export function isNonError(status: number): boolean {
  return status >= 200 && status < 400
}

/** Whether a response with this status has no body (RFC 9110 §6.4.1). */
export function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304
}

/** The statuses that this cache knows how to store. `must-understand` requires that (RFC 9111 §5.2.2.3). */
export function isUnderstood(status: number): boolean {
  return UNDERSTOOD.has(status)
}

const UNDERSTOOD: ReadonlySet<number> = new Set([
  ...[200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308],
  ...[400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426],
  ...[500, 501, 502, 503, 504, 505],
])

/** Methods that change nothing (RFC 9110 §9.2.1, RFC 4918, RFC 5323). A method that is not known counts as unsafe (RFC 9111 §4.4). */
const SAFE_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'SEARCH',
  'REPORT',
])

/** Whether a request with this method changes nothing. */
export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method)
}
