// Conditional requests (RFC 9110 §13): whether the client already has what would be sent.
import { parseDate } from './dates.js'
import { type Fields, fieldOf, membersOf } from './fields.js'

/** Whether a GET or HEAD with these headers is answered with 304, for a response with those (RFC 9110 §13.2.2). */
export function isNotModified(request: Fields, response: Fields, nowMs: number): boolean {
  const ifNoneMatch = fieldOf(request, 'if-none-match')
  // If-None-Match takes precedence (RFC 9110 §13.1.3).
  if (ifNoneMatch !== undefined) return matchesAny(ifNoneMatch, fieldOf(response, 'etag'))
  const since = parseDate(fieldOf(request, 'if-modified-since'), nowMs)
  if (since === undefined) return false
  // RFC 9111 §4.3.2: without Last-Modified, Date is compared.
  const modifiedAtMs = parseDate(fieldOf(response, 'last-modified') ?? fieldOf(response, 'date'), nowMs)
  return modifiedAtMs !== undefined && modifiedAtMs <= since
}

/** `If-None-Match` compares weakly (RFC 9110 §13.1.2). `*` matches every stored response. */
function matchesAny(ifNoneMatch: string, etag: string | undefined): boolean {
  if (ifNoneMatch.trim() === '*') return true
  return etag !== undefined && membersOf(ifNoneMatch).some((tag) => opaqueTag(tag) === opaqueTag(etag))
}

function opaqueTag(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag
}

/** Whether `Range` applies, as far as `If-Range` decides (RFC 9110 §13.1.5): by strong comparison, or by the exact date. */
export function rangeApplies(request: Fields, response: Fields): boolean {
  const ifRange = fieldOf(request, 'if-range')
  if (ifRange === undefined) return true
  if (ifRange.startsWith('W/')) return false
  return ifRange.startsWith('"')
    ? ifRange === fieldOf(response, 'etag')
    : ifRange === fieldOf(response, 'last-modified')
}

/** The headers of a 304 (RFC 9110 §15.4.5): what a client needs to update what it has. */
export function notModifiedFields(response: Fields): Fields {
  return Object.fromEntries(Object.entries(response).filter(([name]) => !OF_THE_CONTENT.has(name)))
}

const OF_THE_CONTENT: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
])
