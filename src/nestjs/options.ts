// The options of the module, and their checks.
import { type HttpCache, type HttpCacheOptions, httpCache } from '../http/index.js'
import { type Cache, type CacheOptions, createCache } from '../index.js'
import { checkBoolean, checkNames, checkOneOf } from '../model/option-rules.js'
import type { CacheParts } from './parts.js'
import type { NestRequest } from './request.js'

/** Options of `TiercacheModule`. */
export interface TiercacheModuleOptions<Req extends object = NestRequest> {
  /** Options of a cache that the module makes and closes, or a cache of the application, which the application closes. Default: memory only. */
  readonly cache?: CacheOptions | Cache | undefined
  /** Options of the cached responses, which `@CacheRoute` may override, or an HTTP cache that the application has. */
  readonly http?: HttpCacheOptions<Req> | HttpCache<Req> | undefined
  /** Which GET routes are cached: those with `@CacheRoute`, or all but those with `@CacheRoute(false)`. Default 'decorated'. */
  readonly routes?: 'decorated' | 'all' | undefined
  /** Whether each key is read once for the length of a request: see `cache.requestScope`. Default false. */
  readonly requestScope?: boolean | undefined
}

const NAMES = ['cache', 'http', 'routes', 'requestScope']

/** Makes what the options describe. Throws `INVALID_OPTION`. */
export function partsOf(options: TiercacheModuleOptions): CacheParts {
  const own = checkNames(options, NAMES, 'TiercacheModule')
  const routes = checkOneOf(own.routes ?? 'decorated', 'routes', ['decorated', 'all'])
  const requestScope = checkBoolean(own.requestScope ?? false, 'requestScope')
  const { cache: given, http: givenHttp } = own
  const isLent = isMade<Cache>(given, 'getOrSet')
  const cache = isLent ? given : createCache(given)
  const http = isMade<HttpCache<NestRequest>>(givenHttp, 'begin') ? givenHttp : httpCache(cache, givenHttp)
  return { cache, http, isLent, routes, requestScope }
}

/** Whether it is a thing and not its options. By a method of it: the ESM and the CommonJS build have a class each. */
function isMade<T extends object>(given: object | undefined, method: keyof T & string): given is T {
  return typeof (given as Partial<Record<string, unknown>> | undefined)?.[method] === 'function'
}
