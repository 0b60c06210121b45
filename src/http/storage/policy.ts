// The options of an HTTP cache and of a route, and what they resolve to.
import type { Duration } from '../../index.js'
import { checkCount, checkNames, checkNumber, checkOneOf, invalid } from '../../model/option-rules.js'
import { toMs } from '../../model/options/duration.js'
import type { Encoding } from '../rules/encodings.js'
import type { Defaults } from '../rules/freshness.js'

/** A tag, several, or a function of the request that returns them. */
export type HttpTags<Req> = string | readonly string[] | ((request: Req) => string | readonly string[])

/** Options of a route, which replace those of its HTTP cache. */
export interface RouteOptions<Req = object> {
  /** How long a response is fresh that says nothing itself, and is no error. Default: such a response is not stored. */
  readonly ttl?: Duration | undefined
  /** How long after that it is still served while one refresh runs, unless it has a directive of its own (RFC 5861). Default 0. */
  readonly staleWhileRevalidate?: Duration | undefined
  /** How long after that it is still served if the handler fails, unless it has a directive of its own (RFC 5861). Default 0. */
  readonly staleIfError?: Duration | undefined
  /** Tags of the responses, by which they can be invalidated. */
  readonly tags?: HttpTags<Req> | undefined
  /** Whose response it is, such as a user's id: part of the key, so that nobody else gets it. `undefined` for nobody in particular. */
  readonly per?: ((request: Req) => string | number | undefined) | undefined
  /** Requests for which this returns true are passed on. */
  readonly skip?: ((request: Req) => boolean) | undefined
  /** The parameters of the query that are part of the key. Others do not matter. Default: all. */
  readonly query?: readonly string[] | undefined
  /** The hosts, with port, that may be part of the key. Requests for others are passed on. Default: any. */
  readonly hosts?: readonly string[] | undefined
  /** The most bytes of a body that is stored. Larger ones are sent on. Default 1 MiB. */
  readonly maxBody?: number | undefined
  /** The most variants of one resource that this process stores. Default 32. */
  readonly maxVariants?: number | undefined
  /** From which request on a response is stored, counted in this process. Default 1. */
  readonly minUses?: number | undefined
  /** The encodings that the cache makes of a body, once, in the order of its preference. Default `['br', 'gzip']`; `false`: none. */
  readonly compress?: readonly Encoding[] | false | undefined
  /** Whether `Cache-Control` of a request counts, such as the `no-cache` of a browser's reload. Default 'honour'. */
  readonly requestDirectives?: 'honour' | 'ignore' | undefined
  /** The part of the time since `Last-Modified` that a response is fresh that says nothing itself, 0 to 1. Default 0. */
  readonly heuristic?: number | undefined
}

/** A header that says how a response was come by. */
export type StatusHeader = 'Cache-Status' | 'X-Cache-Status'

/** Options of `httpCache`. */
export interface HttpCacheOptions<Req = object> extends RouteOptions<Req> {
  /** The namespace of the responses in the cache. Default 'http'. */
  readonly prefix?: string | undefined
  /** The headers that say how a response was come by; `false`: none. Default 'Cache-Status'. */
  readonly statusHeader?: StatusHeader | readonly StatusHeader[] | false | undefined
  /** The name of this cache in `Cache-Status`. Default 'tiercache'. */
  readonly statusName?: string | undefined
  /** How long after a mutation nothing that it invalidates is stored: for replicas that lag. Default 0. */
  readonly hold?: Duration | undefined
  /** Whether handlers run in a request scope, in which each key of the cache is read once: see `cache.requestScope`. Default false. */
  readonly requestScope?: boolean | undefined
}

/** The options of a route, resolved. */
export interface RoutePolicy<Req = object> {
  readonly defaults: Defaults
  readonly tags: HttpTags<Req> | undefined
  readonly per: RouteOptions<Req>['per']
  readonly skip: RouteOptions<Req>['skip']
  readonly query: ReadonlySet<string> | undefined
  readonly hosts: ReadonlySet<string> | undefined
  readonly maxBodyBytes: number
  readonly maxVariants: number
  readonly minUses: number
  readonly encodings: readonly Encoding[]
  readonly honoursRequest: boolean
  /** Whether the keys are of their own: a middleware for all routes does not know whom this one skips, or whose response it is. */
  readonly isApart: boolean
}

const ROUTE_OPTIONS = [
  ...['ttl', 'staleWhileRevalidate', 'staleIfError', 'tags', 'per', 'skip', 'query', 'hosts', 'maxBody', 'maxVariants'],
  ...['minUses', 'compress', 'requestDirectives', 'heuristic'],
]
const CACHE_OPTIONS = [...ROUTE_OPTIONS, 'prefix', 'statusHeader', 'statusName', 'hold', 'requestScope']
const MAX_BODY_BYTES = 1024 * 1024

/** Checks the options of `httpCache`. Throws `INVALID_OPTION`. */
export function checkCacheOptions<Req>(options: HttpCacheOptions<Req>): HttpCacheOptions<Req> {
  return checkNames(options, CACHE_OPTIONS, 'httpCache')
}

/** Checks the options of a route and puts them over those of the cache. Throws `INVALID_OPTION`. */
export function checkRouteOptions<Req>(base: RouteOptions<Req>, options: RouteOptions<Req>): RouteOptions<Req> {
  const own = checkNames(options, ROUTE_OPTIONS, 'route')
  const given = Object.entries(own).filter(([, value]) => value !== undefined)
  return { ...base, ...Object.fromEntries(given) }
}

/** Resolves options. Throws `INVALID_OPTION`. */
export function routePolicyOf<Req>(options: RouteOptions<Req>): RoutePolicy<Req> {
  const { tags } = options
  if (tags !== undefined && typeof tags !== 'string' && typeof tags !== 'function' && !Array.isArray(tags))
    throw invalid('tags', "a tag, an array of tags or a function that returns them, such as ['items']", tags)
  return {
    defaults: defaultsOf(options),
    tags,
    per: checkFunction(options.per, 'per'),
    skip: checkFunction(options.skip, 'skip'),
    query: checkTexts(options.query, 'query'),
    hosts: checkTexts(options.hosts, 'hosts', (host) => host.toLowerCase()),
    maxBodyBytes: checkCount(options.maxBody ?? MAX_BODY_BYTES, 'maxBody', 0, Number.MAX_SAFE_INTEGER),
    maxVariants: checkCount(options.maxVariants ?? 32, 'maxVariants', 1, 10_000),
    minUses: checkCount(options.minUses ?? 1, 'minUses', 1, 1_000_000),
    encodings: checkEncodings(options.compress),
    honoursRequest:
      checkOneOf(options.requestDirectives ?? 'honour', 'requestDirectives', ['honour', 'ignore']) === 'honour',
    isApart: false,
  }
}

function defaultsOf(options: RouteOptions<never>): Defaults {
  return {
    ttlMs: options.ttl === undefined ? undefined : toMs(options.ttl, 'ttl'),
    staleWhileRevalidateMs: toMs(options.staleWhileRevalidate ?? 0, 'staleWhileRevalidate'),
    staleIfErrorMs: toMs(options.staleIfError ?? 0, 'staleIfError'),
    heuristic: checkNumber(options.heuristic ?? 0, 'heuristic', 0, 1),
  }
}

function checkFunction<F>(value: F, name: string): F {
  if (value === undefined || typeof value === 'function') return value
  throw invalid(name, 'a function of the request', value)
}

function checkTexts(
  value: readonly string[] | undefined,
  name: string,
  normal = (text: string) => text,
): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((text) => typeof text === 'string'))
    throw invalid(name, 'an array of strings', value)
  return new Set(value.map(normal))
}

function checkEncodings(value: readonly Encoding[] | false | undefined): readonly Encoding[] {
  if (value === false) return []
  if (value !== undefined && !Array.isArray(value))
    throw invalid('compress', "an array such as ['br', 'gzip'], or false", value)
  return (value ?? ['br', 'gzip']).map((encoding) => checkOneOf(encoding, 'compress', ['br', 'gzip']))
}

/** The tags that an option names for a request. */
export function tagsFor<Req>(tags: HttpTags<Req> | undefined, request: Req): readonly string[] {
  const named = typeof tags === 'function' ? tags(request) : tags
  if (named === undefined) return []
  return typeof named === 'string' ? [named] : named
}
