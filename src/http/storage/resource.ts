// Which resource a request is for, as a key: whoever gets an answer from this key sent everything that the handler may have looked at.
import { createHash } from 'node:crypto'
import { type Fields, fieldOf } from '../rules/fields.js'
import type { Audience } from '../rules/storable.js'
import type { HttpRequest } from './messages.js'
import type { RoutePolicy } from './policy.js'

/** What a request is for, and who may share the answer. */
export interface Resource {
  readonly key: string
  /** The tag of its path: a mutation of it invalidates every query, variant and user of it. */
  readonly uriTag: string
  readonly audience: Audience
  /** The key of the same resource for requests without credentials, if this one is with, or the other way round. */
  readonly sibling: string | undefined
}

/** Why a request has no key. It is the `detail` of `Cache-Status`. */
export type NoResource = 'host' | 'uri-too-long'

/** Longer targets are not worth a key, and too many parameters are no query of a form. */
const LONGEST_TARGET = 4096
const MOST_PARAMETERS = 100

/** The resource of a request. Throws what the option `per` throws. */
export function resourceOf<Req>(request: HttpRequest, policy: RoutePolicy<Req>): Resource | NoResource {
  const { headers } = request
  const target = pathOf(request.target)
  if (target.length > LONGEST_TARGET) return 'uri-too-long'
  const host = fieldOf(headers, 'host')?.toLowerCase() ?? ''
  const forwarded = forwardedOf(headers)
  if (
    !HOST.test(host) ||
    (policy.hosts !== undefined && !hostsIn(host, headers).every((one) => policy.hosts?.has(one)))
  )
    return 'host'
  const at = target.indexOf('?')
  const path = at < 0 ? target : target.slice(0, at)
  const query = at < 0 ? '' : target.slice(at + 1)
  const parameters = query === '' ? [] : query.split('&')
  if (parameters.length > MOST_PARAMETERS) return 'uri-too-long'
  const user = policy.per?.(request.raw as Req)
  const audience = audienceOf(headers, parameters, policy.query, user !== undefined)
  const keyed = keyedQuery(parameters, policy.query)
  const keyFor = (who: string) =>
    `${policy.isApart ? 'apart ' : ''}${who} ${host}${forwarded} ${path}${keyed === '' ? '' : `?${keyed}`}`
  const [own, other] = audience.hasCredentials
    ? (['credentials', 'anyone'] as const)
    : (['anyone', 'credentials'] as const)
  return {
    key: keyFor(user === undefined ? own : `user:${encodeURIComponent(user)}`),
    uriTag: uriTagOf(path),
    audience,
    sibling: user === undefined ? keyFor(other) : undefined,
  }
}

const HOST = /^[a-z0-9.:[\]_-]{0,255}$/

/** Path and query of a target, which a proxy may send in absolute form (RFC 9112 §3.2.2). */
function pathOf(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '') || '/'
}

/** The tag of a path. */
export function uriTagOf(path: string): string {
  return path.length <= 512 ? `uri:${path}` : `uri#${createHash('sha256').update(path).digest('base64url')}`
}

/**
 * Headers by which proxies change what a handler takes for its own URL. Handlers put them into links and redirects, so they are part of the
 * key: an answer to a forged one is for those who forge it.
 */
const FORWARDED = [
  ...[
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-port',
    'x-forwarded-prefix',
    'x-host',
    'x-forwarded-server',
  ],
  ...['x-original-url', 'x-rewrite-url', 'x-http-method-override', 'x-method-override'],
]

function forwardedOf(headers: Fields): string {
  const parts = FORWARDED.flatMap((name) => {
    const value = fieldOf(headers, name)
    return value === undefined ? [] : [`${name}=${encodeURIComponent(value.toLowerCase())}`]
  })
  // Forwarded (RFC 7239) also has the address of the client, which would make a key of its own for each.
  const own = fieldOf(headers, 'forwarded')
    ?.toLowerCase()
    .match(/(?:host|proto)=[^;,]*/g)
  if (own != null) parts.push(`forwarded=${encodeURIComponent(own.join(';'))}`)
  return parts.length === 0 ? '' : `(${parts.join('&')})`
}

/** Every host that a handler could take for its own. */
function hostsIn(host: string, headers: Fields): string[] {
  const forwarded = [
    fieldOf(headers, 'x-forwarded-host'),
    fieldOf(headers, 'x-host'),
    fieldOf(headers, 'x-forwarded-server'),
  ]
  const inForwarded = fieldOf(headers, 'forwarded')
    ?.match(/host="?[^";,]*/gi)
    ?.map((part) => part.replace(/^host="?/i, ''))
  const named = [...forwarded, ...(inForwarded ?? [])].filter((one) => one !== undefined)
  return [host, ...named.flatMap((one) => one.split(',')).map((one) => one.trim().toLowerCase())]
}

/** The parameters that are part of the key, sorted by name. Those of one name keep their order. */
function keyedQuery(parameters: readonly string[], wanted: ReadonlySet<string> | undefined): string {
  const kept = wanted === undefined ? [...parameters] : parameters.filter((parameter) => wanted.has(nameOf(parameter)))
  return kept.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0)).join('&')
}

function nameOf(parameter: string): string {
  const [name = ''] = parameter.split('=', 1)
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

/** Parameters that carry credentials (RFC 6750 §2.3 and what is usual). Left out of the key, they would share one user's answer with all. */
const TOKEN = /token|secret|passw|auth|jwt|session|signature|credential|^(?:api[_-]?)?key$|^sig$|^sid$|^code$/i

function audienceOf(
  headers: Fields,
  parameters: readonly string[],
  keyed: ReadonlySet<string> | undefined,
  isPerUser: boolean,
): Audience {
  const hasAuthorization = headers.authorization !== undefined || headers['proxy-authorization'] !== undefined
  const hasToken = keyed !== undefined && parameters.map(nameOf).some((name) => !keyed.has(name) && TOKEN.test(name))
  const hasCookie = headers.cookie !== undefined
  return {
    hasAuthorization,
    isPerUser,
    hasCredentials: hasAuthorization || hasCookie || hasToken || hasApiKey(headers),
  }
}

/** Headers by which clients of APIs say who they are. */
function hasApiKey(headers: Fields): boolean {
  return (
    headers['x-api-key'] !== undefined ||
    headers['x-auth-token'] !== undefined ||
    headers['x-access-token'] !== undefined
  )
}
