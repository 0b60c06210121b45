// Whether a response may be stored in a cache that several users share (RFC 9111 §3).
import { type Directives, directivesOf } from './cache-control.js'
import { type Fields, fieldOf, tokensOf } from './fields.js'
import { isUnderstood } from './status.js'

/** Why a response is not stored. It is the `detail` of `Cache-Status`. */
export type NotStored =
  /** The request or the response says `no-store`. */
  | 'no-store'
  /** `private`, and the key is not that of one user. */
  | 'private'
  /** The response sets a cookie, which belongs to one client. */
  | 'set-cookie'
  /** The request carries credentials, and the response does not say that it is for everybody. */
  | 'credentials'
  /** `Vary` names `*`, `Cookie`, `Authorization` or `User-Agent`: no two requests are alike. */
  | 'vary'
  /** `Access-Control-Allow-Origin` repeats the origin of the request, and `Vary` does not say so. */
  | 'origin'
  /** Neither the response nor the options give it a lifetime, or the lifetime is 0. */
  | 'no-lifetime'
  /** A status that is not stored: 1xx, 206, 304, or one that `must-understand` requires to know. */
  | 'status'
  /** A stream of events, which has no end. */
  | 'event-stream'
  /** The body broke off, or its length is not its `Content-Length`. */
  | 'incomplete'
  /** The body is larger than `maxBody`. */
  | 'too-large'
  /** The bytes of the body are not encoded as `Content-Encoding` says. */
  | 'encoding'
  /** The resource has as many variants as `maxVariants` allows. */
  | 'variants'
  /** It was requested less often than `minUses`. */
  | 'min-uses'
  /** Its handler did not know what `Vary` had named before: the next response is stored. */
  | 'vary-changed'
  /** A route with options of its own took the response over. */
  | 'route'

/** What a request says about who it is from. */
export interface Audience {
  /** Whether it carries cookies, `Authorization`, or a parameter that looks like a token. */
  readonly hasCredentials: boolean
  readonly hasAuthorization: boolean
  /** Whether the key is that of one user (the option `per`). */
  readonly isPerUser: boolean
}

/** Headers that differ for nearly every client. */
const UNSTORABLE_VARY: readonly string[] = ['*', 'cookie', 'authorization', 'user-agent']

/** Why a response with this head may not be stored; `undefined` if it may. Its lifetime and its body are judged elsewhere. */
export function refusalOf(status: number, fields: Fields, request: Fields, audience: Audience): NotStored | undefined {
  const directives = directivesOf(fields)
  // RFC 9111 §5.2.2.3: with must-understand, no-store is ignored for a status that is understood.
  const mustUnderstand = directives.has('must-understand')
  if (status < 200 || status === 206 || status === 304 || (mustUnderstand && !isUnderstood(status))) return 'status'
  if (directives.has('no-store') && !mustUnderstand) return 'no-store'
  if (directives.has('private') && !audience.isPerUser) return 'private'
  if (fields['set-cookie'] !== undefined) return 'set-cookie'
  if (!isForEverybody(directives, audience)) return 'credentials'
  const vary = tokensOf(fieldOf(fields, 'vary'))
  if (vary.some((name) => UNSTORABLE_VARY.includes(name))) return 'vary'
  if (reflectsOrigin(fields, request) && !vary.includes('origin')) return 'origin'
  if (fieldOf(fields, 'content-type')?.trim().toLowerCase().startsWith('text/event-stream') === true)
    return 'event-stream'
  return undefined
}

/**
 * Whether a response may be shared that was made for, or is asked for with, credentials. RFC 9111 §3.5, and the same for cookies, which it
 * leaves open: what concerns credentials is for one user unless it says otherwise.
 */
export function isForEverybody(
  directives: Directives,
  { hasCredentials, hasAuthorization, isPerUser }: Audience,
): boolean {
  if (!hasCredentials || isPerUser || directives.has('public') || directives.has('s-maxage')) return true
  return hasAuthorization && directives.has('must-revalidate')
}

function reflectsOrigin(fields: Fields, request: Fields): boolean {
  const allowed = fieldOf(fields, 'access-control-allow-origin')
  return allowed !== undefined && allowed !== '*' && allowed === fieldOf(request, 'origin')
}
