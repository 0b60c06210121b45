// How old a response is, how long it is fresh (RFC 9111 §4.2), and how long it may be served stale (RFC 5861).
import { type Directives, deltaSeconds, directivesOf, secondsOf } from './cache-control.js'
import { parseDate } from './dates.js'
import { type Fields, fieldOf } from './fields.js'
import { isHeuristicallyCacheable } from './status.js'

/** What applies to responses that say nothing themselves. */
export interface Defaults {
  /** `undefined`: what says nothing is not stored. */
  readonly ttlMs: number | undefined
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  /** The part of the time since `Last-Modified` that a response is fresh, 0 to 1 (RFC 9111 §4.2.2). 0: no heuristic. */
  readonly heuristic: number
}

/** The life of a response, in milliseconds. */
export interface Life {
  /** How old it was when it was received. */
  readonly initialAgeMs: number
  /** How long it is fresh, counted from age 0. `undefined`: nothing says so. */
  readonly lifetimeMs: number | undefined
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
}

/** The life of a response that was received at `nowMs`. */
export function lifeOf(status: number, fields: Fields, defaults: Defaults, nowMs: number): Life {
  const directives = directivesOf(fields)
  const mayBeStale = !forbidsStale(directives)
  const windowMs = (name: string, otherwiseMs: number) => {
    const seconds = secondsOf(directives, name)
    return mayBeStale ? (seconds === undefined ? otherwiseMs : seconds * 1000) : 0
  }
  return {
    initialAgeMs: initialAgeMs(fields, nowMs),
    lifetimeMs: explicitMs(directives, fields, nowMs) ?? defaultMs(status, fields, defaults, nowMs),
    // RFC 5861 §3 and §4.
    staleWhileRevalidateMs: windowMs('stale-while-revalidate', defaults.staleWhileRevalidateMs),
    staleIfErrorMs: windowMs('stale-if-error', defaults.staleIfErrorMs),
  }
}

/** The lifetime that a response states: s-maxage before max-age before Expires (RFC 9111 §4.2.1). */
export function explicitMs(directives: Directives, fields: Fields, nowMs: number): number | undefined {
  // A response that must be validated before each use needs no lifetime (RFC 9111 §5.2.2.4).
  if (directives.has('no-cache')) return 0
  const seconds = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age')
  if (seconds !== undefined) return seconds * 1000
  const expires = fieldOf(fields, 'expires')
  if (expires === undefined) return undefined
  // An Expires that is no date is in the past (RFC 9111 §5.3). A Date that is none counts as the time of receipt (RFC 9110 §6.6.1).
  const expiresAtMs = parseDate(expires, nowMs)
  const dateMs = parseDate(fieldOf(fields, 'date'), nowMs) ?? nowMs
  return expiresAtMs === undefined ? 0 : Math.max(0, expiresAtMs - dateMs)
}

/** The lifetime of a response that states none: that of the options, else a heuristic (RFC 9111 §4.2.2). */
function defaultMs(status: number, fields: Fields, defaults: Defaults, nowMs: number): number | undefined {
  // RFC 9111 §4.2.2: `public` makes any status cacheable by default.
  if (!isHeuristicallyCacheable(status) && !directivesOf(fields).has('public')) return undefined
  // An error keeps no default life: it may be gone at the next request.
  if (defaults.ttlMs !== undefined && status < 400) return defaults.ttlMs
  if (defaults.heuristic === 0) return undefined
  const modifiedAtMs = parseDate(fieldOf(fields, 'last-modified'), nowMs)
  const dateMs = parseDate(fieldOf(fields, 'date'), nowMs) ?? nowMs
  return modifiedAtMs === undefined ? undefined : Math.max(0, (dateMs - modifiedAtMs) * defaults.heuristic)
}

/** corrected_initial_age of RFC 9111 §4.2.3. The handler runs in this process, so there is no delay to add. */
function initialAgeMs(fields: Fields, nowMs: number): number {
  const dateMs = parseDate(fieldOf(fields, 'date'), nowMs) ?? nowMs
  // Date has whole seconds: it may be up to 999 ms later than it says.
  return Math.max(0, nowMs - dateMs - 999, ageValueMs(fields))
}

/** The age of a response whose `Age` is no number: it counts as stale. */
const TOO_OLD_MS = 2 ** 31 * 1000

/**
 * `Age` (RFC 9111 §5.1). RFC 9111 advises to ignore a value that is no number, and to take the first of several. A cache that does may serve what
 * is too old; one that counts both as stale only asks once more.
 */
function ageValueMs(fields: Fields): number {
  const age = fieldOf(fields, 'age')
  if (age === undefined) return 0
  const seconds = deltaSeconds(age.trim())
  return seconds === undefined ? TOO_OLD_MS : seconds * 1000
}

/** Whether a response says that it must not be served stale (RFC 9111 §4.2.4). `s-maxage` implies it for a shared cache (§5.2.2.10). */
export function forbidsStale(directives: Directives): boolean {
  return ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage'].some((name) => directives.has(name))
}
