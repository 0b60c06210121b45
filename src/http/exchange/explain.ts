// Why a request gets what it gets: its key, what is stored for it, and what became of the last response.
import type { Cache, Explanation } from '../../index.js'
import type { HttpRequest } from '../storage/messages.js'
import type { RoutePolicy } from '../storage/policy.js'
import { resourceOf } from '../storage/resource.js'
import type { StoringOutcome } from '../storage/store.js'
import { agesOf } from '../storage/stored.js'
import type { Exchanges } from './exchanges.js'

/** What `explain` says of a request. */
export interface HttpExplanation {
  /** The key of the resource; `undefined` if such a request is never answered from the cache. */
  readonly key: string | undefined
  /** The key of the variant that the request gets, and the request headers that select it. */
  readonly variant: { readonly key: string; readonly names: readonly string[] } | undefined
  /** The response that is stored for it. */
  readonly stored: { readonly status: number; readonly ageMs: number; readonly lifetimeMs: number } | undefined
  /** What became of the last response that this process recorded for this resource: the tiers that have it, or why none has. */
  readonly last: StoringOutcome | 'failed' | undefined
  /** The same as sentences. */
  readonly why: readonly string[]
  /** What the cache says of the entry: its tiers, its tags, and what is left of each window. */
  readonly entry: Explanation | undefined
}

/** Explains a request. Changes nothing. */
export async function explainRequest<Req>(
  cache: Cache,
  exchanges: Exchanges,
  request: HttpRequest,
  policy: RoutePolicy<Req>,
): Promise<HttpExplanation> {
  const nothing = { key: undefined, variant: undefined, stored: undefined, last: undefined, entry: undefined }
  if (policy.skip?.(request.raw as Req) === true)
    return { ...nothing, why: ['The option skip passes this request on.'] }
  const resource = resourceOf(request, policy)
  if (typeof resource === 'string') return { ...nothing, why: [NO_KEY[resource]] }
  const found = await exchanges.entries.look(resource, request)
  const entry = await cache.explain(found.key)
  const last = exchanges.decisions.get(resource.key)?.outcome
  const variant = found.varies && { key: found.key, names: found.varies.names }
  const { value, residentMs } = found
  const stored = value?.kind === 'response' ? { status: value.status, ...agesOf(value, residentMs) } : undefined
  const why: string[] = []
  if (resource.audience.isPerUser) why.push('The key is that of one user (per).')
  else if (resource.audience.hasCredentials)
    why.push('The request carries credentials: only what says that it is for everybody is stored.')
  if (variant !== undefined) why.push(`The variant is selected by ${variant.names.join(', ')}.`)
  if (value?.kind === 'pass')
    why.push(`The last response was not stored: ${value.detail}. ${WHY[value.detail] ?? ''}`.trim())
  else if (stored === undefined) why.push('Nothing is stored.')
  if (stored === undefined && last !== undefined && value?.kind !== 'pass')
    why.push(`The last response: ${last}. ${WHY[last] ?? ''}`.trim())
  return { key: resource.key, variant, stored, last, why, entry }
}

const NO_KEY = {
  host: 'Its host is not one of the option hosts, or not a host at all.',
  'uri-too-long': 'Its target is longer than 4096 characters, or has more than 100 parameters.',
} as const

/** The rule behind each reason. */
const WHY: Readonly<Partial<Record<string, string>>> = {
  'no-store': 'The request or the response says no-store (RFC 9111 §5.2).',
  private: 'A response that is private is stored only with the option per (RFC 9111 §5.2.2.7).',
  'set-cookie': 'The response sets a cookie, which belongs to one client.',
  credentials:
    'The request has credentials, and the response says neither public nor s-maxage (RFC 9111 §3.5). The option per keeps one for each user.',
  vary: 'Vary names *, Cookie, Authorization or User-Agent: no two requests are alike (RFC 9111 §4.1).',
  origin: 'Access-Control-Allow-Origin repeats the origin of the request, and Vary does not name Origin.',
  'no-lifetime': 'Nothing says how long it is fresh: set the option ttl, or Cache-Control (RFC 9111 §4.2).',
  status: 'Responses with this status are not stored (RFC 9111 §3).',
  'event-stream': 'A stream of events has no end.',
  incomplete: 'The body broke off, or its length was not its Content-Length.',
  'too-large': 'The body is larger than maxBody.',
  encoding: 'The body is not encoded as Content-Encoding says.',
  variants: 'The resource has as many variants as maxVariants allows.',
  'vary-changed': 'Vary named more than before: the next response is stored.',
  route: 'A route with options of its own took the response over.',
  overtaken: 'It was invalidated while the handler ran.',
  tooLate: 'The handler took longer than hardTimeout.',
}
