// The HTTP cache: what becomes of each request, and the options of routes.
import type { Cache, OpenRequestScope } from '../../index.js'
import { checkBoolean, checkOneOf, invalid } from '../../model/option-rules.js'
import type { CacheStatus } from '../rules/cache-status.js'
import { isSafe } from '../rules/status.js'
import type { HttpRequest } from '../storage/messages.js'
import {
  checkCacheOptions,
  checkRouteOptions,
  type HttpCacheOptions,
  type RouteOptions,
  type RoutePolicy,
  routePolicyOf,
  type StatusHeader,
  tagsFor,
} from '../storage/policy.js'
import { resourceOf } from '../storage/resource.js'
import { Answers } from './answers.js'
import { isSpecial } from './conditions.js'
import type { Exchange } from './exchange.js'
import { Exchanges } from './exchanges.js'
import { explainRequest, type HttpExplanation } from './explain.js'
import { type InvalidatesOptions, Mutation } from './mutation.js'
import { Recording } from './recording.js'

/** An HTTP cache. Adapters such as `express(http)` connect it with a framework. */
export class HttpCache<Req = object> {
  readonly #cache: Cache
  readonly #options: HttpCacheOptions<Req>
  readonly #exchanges: Exchanges
  /** The options that apply where no route has its own. */
  readonly policy: RoutePolicy<Req>
  readonly #running = new WeakMap<object, Recording | Mutation<Req>>()
  readonly #answers: Answers<Req>
  readonly #hasScopes: boolean

  /** @internal Made by `httpCache()`. */
  constructor(cache: Cache, options: HttpCacheOptions<Req>) {
    const own = checkCacheOptions(options)
    this.policy = routePolicyOf(own)
    this.#options = own
    this.#cache = cache.namespace(own.prefix ?? 'http')
    const naming = { name: checkName(own.statusName ?? 'tiercache'), headers: statusHeadersOf(own.statusHeader) }
    this.#exchanges = new Exchanges(this.#cache, naming, Date.now)
    this.#hasScopes = checkBoolean(own.requestScope ?? false, 'requestScope')
    this.#answers = new Answers(this.#exchanges, (raw, recording) => this.#running.set(raw, recording))
  }

  /** The options of a route, over those of this cache. Adapters take them with `begin`. Throws `INVALID_OPTION`. */
  route(options: RouteOptions<Req>): RoutePolicy<Req> {
    const policy = routePolicyOf(checkRouteOptions(this.#options as RouteOptions<Req>, options))
    return { ...policy, isApart: policy.skip !== this.policy.skip || policy.per !== this.policy.per }
  }

  /** Adds tags to the response that the handler of `request` is making. Without effect if it is not recorded. */
  tag(request: object, tags: string | readonly string[]): void {
    const running = this.#running.get(request)
    if (running instanceof Recording) running.tag(typeof tags === 'string' ? [tags] : tags)
  }

  /**
   * Lets `request` stand for `other`: `tag` and routes of `request` mean the response that the handler of `other` is making. For frameworks that
   * run a handler in the background with a request of its own.
   */
  follow(request: object, other: object): void {
    const running = this.#running.get(other)
    if (running !== undefined) this.#running.set(request, running)
  }

  /**
   * Opens the request scope in which a handler is to run, and that its adapter ends when the response is over. `undefined` unless the option
   * `requestScope` is set. Inside a scope of the application it is part of that one.
   */
  openScope(): OpenRequestScope | undefined {
    if (!this.#hasScopes) return undefined
    try {
      return this.#cache.openRequestScope()
    } catch {
      // The cache is closed: requests go on without it.
      return undefined
    }
  }

  /** Resolves when what was recorded is stored. */
  drain(): Promise<void> {
    return this.#cache.drain()
  }

  /**
   * Decides what happens to a request. Rejects with what `skip`, `per` and `tags` throw, never because of the cache: a request that it cannot
   * serve is passed on. Returns without a promise if nothing has to be looked up.
   */
  begin(request: HttpRequest, policy: RoutePolicy<Req> = this.policy): Exchange<Req> | Promise<Exchange<Req>> {
    const outer = this.#running.get(request.raw)
    if (outer instanceof Recording && !outer.isOver) return this.#beginWithin(outer, request, policy)
    return this.#beginAlone(request, policy)
  }

  /** A route with options of its own, behind a middleware that records already. */
  #beginWithin(
    outer: Recording,
    request: HttpRequest,
    policy: RoutePolicy<Req>,
  ): Exchange<Req> | Promise<Exchange<Req>> {
    const resource = resourceOf(request, policy)
    if (typeof resource !== 'string' && outer.key === resource.key && policy.skip?.(request.raw as Req) !== true) {
      outer.adopt(policy as RoutePolicy<never>, tagsFor(policy.tags, request.raw as Req))
      return { kind: 'pass', headers: {} }
    }
    // Its key is another one: only the route knows which.
    outer.refuse('route')
    this.#running.delete(request.raw)
    return this.#beginAlone(request, policy)
  }

  #beginAlone(request: HttpRequest, policy: RoutePolicy<Req>): Exchange<Req> | Promise<Exchange<Req>> {
    if (!isSafe(request.method)) return this.#mutate(request)
    if (request.method !== 'GET' && request.method !== 'HEAD') return this.#pass({ fwd: 'method' })
    if (policy.skip?.(request.raw as Req) === true || isSpecial(request.headers)) return this.#pass({ fwd: 'bypass' })
    const resource = resourceOf(request, policy)
    if (typeof resource === 'string') return this.#pass({ fwd: 'bypass', detail: resource })
    return this.#answers.begin(request, resource, policy)
  }

  /** The mutation that `invalidates` is part of: the one that a middleware before it began, or a new one. */
  mutation(request: HttpRequest): { readonly mutation: Mutation<Req>; readonly isNew: boolean } {
    const running = this.#running.get(request.raw)
    if (running instanceof Mutation) return { mutation: running, isNew: false }
    if (running instanceof Recording) running.refuse('route')
    const mutation = new Mutation<Req>(this.#cache, request, this.#options.hold)
    this.#running.set(request.raw, mutation)
    return { mutation, isNew: true }
  }

  /** Invalidates tags, as `cache.invalidateTags` does: for changes that come by other ways than HTTP. */
  invalidateTags(tags: string | readonly string[], options: InvalidatesOptions = {}): Promise<'applied' | 'queued'> {
    return this.#cache.invalidateTags(tags, { hold: options.hold ?? this.#options.hold })
  }

  /** Explains what happens to a request: its key, what is stored for it, and why its last response was or was not. Changes nothing. */
  explain(request: HttpRequest, policy: RoutePolicy<Req> = this.policy): Promise<HttpExplanation> {
    return explainRequest(this.#cache, this.#exchanges, request, policy)
  }

  #pass(status: CacheStatus): Exchange<Req> {
    return { kind: 'pass', headers: this.#exchanges.withStatus({}, status) }
  }

  #mutate(request: HttpRequest): Exchange<Req> {
    const { mutation, isNew } = this.mutation(request)
    const headers = this.#exchanges.withStatus({}, { fwd: 'method' })
    return isNew ? { kind: 'mutate', mutation, headers } : { kind: 'pass', headers }
  }
}

/** Returns a cache of HTTP responses over `cache`, for the adapters. Throws `INVALID_OPTION`. */
export function httpCache<Req = object>(cache: Cache, options: HttpCacheOptions<Req> = {}): HttpCache<Req> {
  return new HttpCache<Req>(cache, options)
}

function statusHeadersOf(option: HttpCacheOptions['statusHeader']): readonly StatusHeader[] {
  if (option === false) return []
  const names = option === undefined ? ['Cache-Status' as const] : typeof option === 'string' ? [option] : option
  return names.map((name) => checkOneOf(name, 'statusHeader', ['Cache-Status', 'X-Cache-Status']))
}

function checkName(name: string): string {
  if (/^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/.test(name)) return name
  throw invalid('statusName', "a token, such as 'shop-cache'", name)
}
