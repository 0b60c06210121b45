// The options of the plugin and of a route, checked when they are given.
import { checkNames, checkOneOf, invalid } from '../../../model/option-rules.js'
import type { HttpCache } from '../../exchange/http-cache.js'
import type { InvalidatesOptions } from '../../exchange/mutation.js'
import type { HttpTags, RouteOptions, RoutePolicy } from '../../storage/policy.js'
import type { FastifyRequest } from './messages.js'

/** `config.cache` of a route: the options of its responses, what a mutation invalidates, or `false` for a route that passes the cache by. */
export type FastifyRouteCache<Request> =
  | RouteOptions<Request>
  | ({ readonly invalidates: HttpTags<Request> } & InvalidatesOptions)
  | false

/** Options of the plugin. */
export interface FastifyCacheOptions {
  /** Which routes it is for: all of its scope, or those that have `config.cache`. Default 'all'. */
  readonly routes?: 'all' | 'configured' | undefined
}

/** What the plugin does with a route. */
export type RouteRole<Request> =
  | { readonly kind: 'none' }
  /** `policy`: `undefined` for that of the cache. */
  | { readonly kind: 'serves'; readonly policy: RoutePolicy<Request> | undefined }
  | { readonly kind: 'mutates'; readonly tags: HttpTags<Request>; readonly options: InvalidatesOptions }

/** Returns which routes the plugin is for. Throws `INVALID_OPTION`. */
export function checkPluginOptions({ routes = 'all', ...others }: FastifyCacheOptions): 'all' | 'configured' {
  // Fastify's own options of a plugin come with ours.
  const { prefix: _, logLevel: __, logSerializers: ___, ...own } = others as Record<string, unknown>
  checkNames(own, ['routes'], 'fastify')
  return checkOneOf(routes, 'routes', ['all', 'configured'])
}

/** What `config.cache` of a route says. Throws `INVALID_OPTION`. */
export function roleOf<Request>(
  http: HttpCache<Request>,
  config: FastifyRouteCache<Request> | undefined,
  others: 'all' | 'configured',
): RouteRole<Request> {
  if (config === false) return { kind: 'none' }
  if (config === undefined) return others === 'all' ? { kind: 'serves', policy: undefined } : { kind: 'none' }
  if (typeof config !== 'object' || config === null)
    throw invalid('config.cache', "an object such as { ttl: '1m' }, or false", config)
  if (!('invalidates' in config)) return { kind: 'serves', policy: http.route(config) }
  const { invalidates: tags, ...options } = checkNames(config, ['invalidates', 'hold'], 'config.cache')
  return { kind: 'mutates', tags, options }
}

/** `config.cache` of the route that a request has. */
export function cacheConfigOf<Request>(config: object): FastifyRouteCache<Request> | undefined {
  return (config as { readonly cache?: FastifyRouteCache<Request> }).cache
}

/** The options of the route that a request has; `undefined` for those of the cache. */
export function policyFor<Request extends FastifyRequest>(
  http: HttpCache<Request>,
  { routeOptions }: Request,
): RoutePolicy<Request> | undefined {
  const role = roleOf(http, cacheConfigOf<Request>(routeOptions.config), 'all')
  return role.kind === 'serves' ? role.policy : undefined
}
