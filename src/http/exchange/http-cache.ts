// The HTTP cache: for each request it decides whether the cache answers, whether the handler runs, and whether that is recorded.
import type { Cache, CacheError } from '../../index.js'
import { checkOneOf, invalid } from '../../model/option-rules.js'
import { type Directives, requestDirectivesOf } from '../rules/cache-control.js'
import type { CacheStatus, Forwarded } from '../rules/cache-status.js'
import { type Fields, fieldOf } from '../rules/fields.js'
import { allowsStale, worthOf } from '../rules/reuse.js'
import { isSafe } from '../rules/status.js'
import { isForEverybody } from '../rules/storable.js'
import type { Found } from './entries.js'
import { Exchanges, isCacheFault } from './exchanges.js'
import { explainRequest, type HttpExplanation } from './explain.js'
import type { HttpRequest, HttpResponse } from './messages.js'
import { type InvalidatesOptions, Mutation } from './mutation.js'
import type { Previous } from './plan.js'
import {
  checkCacheOptions,
  checkRouteOptions,
  type HttpCacheOptions,
  type RouteOptions,
  type RoutePolicy,
  routePolicyOf,
  type StatusHeader,
  tagsFor,
} from './policy.js'
import { Recording } from './recording.js'
import { type Resource, resourceOf } from './resource.js'
import { agesOf, directivesOfStored, isServableOnError } from './stored.js'

/** What an adapter has to do with a request. */
export type Exchange<Req = object> =
  /** Run the handler and send its response with these headers. */
  | { readonly kind: 'pass'; readonly headers: Fields }
  /** Send this. The handler does not run. */
  | { readonly kind: 'serve'; readonly response: HttpResponse }
  /** Run the handler, hold its response back until `mutation.settle` resolves, and send it with these headers. */
  | { readonly kind: 'mutate'; readonly mutation: Mutation<Req>; readonly headers: Fields }
  /**
   * Run the handler and record its response. `conditions` replace headers of the request, `undefined` removes one. With `first`, that is
   * sent at once, and the handler runs for the recording only.
   */
  | {
      readonly kind: 'record'
      readonly recording: Recording
      readonly conditions: Fields
      readonly first: HttpResponse | undefined
    }

/** Headers that make a handler respond with less than the whole, which could not be stored. */
const NO_CONDITIONS: Fields = { 'if-none-match': undefined, 'if-modified-since': undefined }

/** An HTTP cache. Adapters such as `express(http)` connect it with a framework. */
export class HttpCache<Req = object> {
  readonly #cache: Cache
  readonly #options: HttpCacheOptions<Req>
  readonly #exchanges: Exchanges
  /** The options that apply where no route has its own. */
  readonly policy: RoutePolicy<Req>
  readonly #running = new WeakMap<object, Recording | Mutation<Req>>()
  readonly #uses = new Uses()

  /** @internal Made by `httpCache()`. */
  constructor(cache: Cache, options: HttpCacheOptions<Req>) {
    const own = checkCacheOptions(options)
    this.policy = routePolicyOf(own)
    this.#options = own
    this.#cache = cache.namespace(own.prefix ?? 'http')
    const naming = { name: checkName(own.statusName ?? 'tiercache'), headers: statusHeadersOf(own.statusHeader) }
    this.#exchanges = new Exchanges(this.#cache, naming, Date.now)
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
    if (outer instanceof Recording) return this.#beginWithin(outer, request, policy)
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
    return this.#begin(request, resource, policy)
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

  async #begin(request: HttpRequest, resource: Resource, policy: RoutePolicy<Req>): Promise<Exchange<Req>> {
    const asked = policy.honoursRequest ? requestDirectivesOf(request.headers) : NO_DIRECTIVES
    const tags = tagsFor(policy.tags, request.raw as Req)
    try {
      if (asked.has('no-store')) return this.#pass({ fwd: 'request', detail: 'no-store' })
      if (request.method === 'HEAD' || request.headers.range !== undefined || asked.has('only-if-cached'))
        return await this.#lookOnly(request, resource, policy, asked)
      if (policy.minUses > 1 && this.#uses.count(resource.key) < policy.minUses)
        return await this.#lookOnly(request, resource, policy, asked, 'min-uses')
      return await this.#reserve(request, resource, policy, asked, tags)
    } catch (error) {
      if (!isCacheFault(error)) throw error
      return this.#pass({ fwd: 'bypass', detail: (error as CacheError).code.toLowerCase() })
    }
  }

  async #reserve(
    request: HttpRequest,
    resource: Resource,
    policy: RoutePolicy<Req>,
    asked: Directives,
    tags: readonly string[],
  ): Promise<Exchange<Req>> {
    let found = await this.#exchanges.entries.reserve(resource, request, tags)
    for (let attempt = 1; found.slot === undefined; attempt++) {
      const answer = await this.#answer(found, request, policy, asked)
      if (answer !== undefined) return answer
      // What came from the handler a moment ago does not suit this request. To wait for the next one would make requests queue.
      if (found.isShared || attempt > 1 || found.value?.kind === 'pass') return this.#passFor(found, asked)
      found = await this.#exchanges.entries.reserveAnew(found, resource, tags)
    }
    const shared = await this.#fromSibling(found, resource, request, policy, asked)
    return shared ?? this.#record(found, request, resource, policy, asked, tags)
  }

  /**
   * Requests with credentials have keys of their own, so that nobody gets what was made for another. What says that it is for everybody is
   * taken from the other key before the handler runs.
   */
  async #fromSibling(
    { slot, varies }: Found,
    resource: Resource,
    request: HttpRequest,
    policy: RoutePolicy<Req>,
    asked: Directives,
  ): Promise<Exchange<Req> | undefined> {
    const { sibling, audience } = resource
    if (sibling === undefined || slot === undefined || slot.stale !== undefined || varies !== undefined)
      return undefined
    const other = await this.#exchanges.entries.look({ ...resource, key: sibling }, request)
    if (other.value?.kind !== 'response' || other.varies !== undefined || other.value.isRetained) return undefined
    const asking = audience.hasCredentials ? audience : { ...audience, hasCredentials: true, hasAuthorization: true }
    if (!isForEverybody(directivesOfStored(other.value), asking)) return undefined
    const answer = other.state === 'fresh' ? await this.#answer(other, request, policy, asked) : undefined
    if (answer === undefined) return undefined
    const previous = { response: other.value, residentMs: other.residentMs }
    this.#exchanges.note({ found: other, resource }, () => this.#exchanges.store.copy(slot, previous, other.tags))
    return answer
  }

  /** Serves what is stored, if it suits the request. */
  async #answer(
    { value, residentMs, state, isShared }: Found,
    request: HttpRequest,
    policy: RoutePolicy<Req>,
    asked: Directives,
  ): Promise<Exchange<Req> | undefined> {
    if (value?.kind !== 'response') return undefined
    const previous = { response: value, residentMs }
    const ages = agesOf(value, residentMs)
    const isStale = state === 'stale' || (value.isRetained && isServableOnError(value, residentMs))
    const worth = worthOf(ages, directivesOfStored(value), asked)
    // An entry that was expired is not fresh, whatever its age.
    const isGood = worth === 'stale' || (state !== 'staleIfError' && (isStale ? allowsStale(asked) : worth === 'fresh'))
    if (!isGood) return undefined
    const status: CacheStatus = isShared ? { fwd: 'uri-miss', collapsed: true } : { hit: true }
    const detail = value.isRetained ? 'stale-if-error' : state === 'stale' ? 'stale-while-revalidate' : undefined
    const response = await this.#exchanges.presentHit(previous, request, policy.encodings, { ...status, detail })
    return { kind: 'serve', response }
  }

  #record(
    found: Found,
    request: HttpRequest,
    resource: Resource,
    policy: RoutePolicy<Req>,
    asked: Directives,
    tags: readonly string[],
  ): Exchange<Req> {
    const slot = found.slot!
    const stale = slot.stale
    const previous: Previous | undefined =
      stale?.value.kind === 'response' ? { response: stale.value, residentMs: stale.ageMs } : undefined
    const fwd: Forwarded =
      previous !== undefined
        ? stale?.state === 'fresh'
          ? 'request'
          : 'stale'
        : found.varies
          ? 'vary-miss'
          : 'uri-miss'
    const plan = { request, resource, policy: policy as RoutePolicy<never>, found, slot, tags, previous, fwd }
    const recording = new Recording(this.#exchanges, plan)
    this.#running.set(request.raw, recording)
    const first = previous && this.#firstOf(previous, stale?.state, request, asked)
    return { kind: 'record', recording, conditions: conditionsFor(previous, policy), first }
  }

  /** A stale response that is served at once while the handler runs (RFC 5861 §3), or because the client accepts it (`max-stale`). */
  #firstOf(
    previous: Previous,
    state: Found['state'] | undefined,
    request: HttpRequest,
    asked: Directives,
  ): HttpResponse | undefined {
    const { response, residentMs } = previous
    // What `expireTags` has expired is served only if the handler fails.
    const isWithin = state === 'stale' && allowsStale(asked) && !response.isRetained
    const isAccepted = worthOf(agesOf(response, residentMs), directivesOfStored(response), asked) === 'stale'
    if (!isWithin && !isAccepted) return undefined
    const detail = isWithin ? 'stale-while-revalidate' : 'max-stale'
    return this.#exchanges.presentStale(previous, request, { hit: true, detail })
  }

  /** For requests that fill no entry: HEAD, ranges, `only-if-cached`, and those before `minUses`. */
  async #lookOnly(
    request: HttpRequest,
    resource: Resource,
    policy: RoutePolicy<Req>,
    asked: Directives,
    detail?: string,
  ): Promise<Exchange<Req>> {
    const found = await this.#exchanges.entries.look(resource, request)
    const answer = await this.#answer(found, request, policy, asked)
    if (answer !== undefined) return answer
    // RFC 9111 §5.2.1.7.
    if (asked.has('only-if-cached')) {
      const headers = this.#exchanges.withStatus({ 'content-length': '0' }, { detail: 'only-if-cached' })
      return { kind: 'serve', response: { status: 504, headers, body: new Uint8Array() } }
    }
    return this.#passFor(found, asked, detail)
  }

  #passFor({ value, varies }: Found, asked: Directives, detail?: string): Exchange<Req> {
    if (value?.kind === 'pass') return this.#pass({ fwd: 'miss', detail: detail ?? value.detail })
    const fwd = value === undefined ? (varies ? 'vary-miss' : 'uri-miss') : asked.size > 0 ? 'request' : 'stale'
    return this.#pass({ fwd, detail })
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

const NO_DIRECTIVES: Directives = new Map()

/** Requests that a stored response cannot answer: with a body, for another protocol, or with a precondition (RFC 9110 §13.1.1, §13.1.4). */
function isSpecial(headers: Fields): boolean {
  return (
    headers.upgrade !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  )
}

/** What the handler is asked: whether the stored response is still good (RFC 9111 §4.3.1), and for a body that is not encoded. */
function conditionsFor(previous: Previous | undefined, { encodings }: Pick<RoutePolicy, 'encodings'>): Fields {
  const plain = encodings.length === 0 ? {} : { 'accept-encoding': undefined }
  if (previous === undefined) return { ...NO_CONDITIONS, ...plain }
  const { headers, isOwnEtag } = previous.response
  return {
    ...plain,
    'if-none-match': isOwnEtag ? undefined : fieldOf(headers, 'etag'),
    'if-modified-since': fieldOf(headers, 'last-modified'),
  }
}

/** How often each key was requested, among the last that were. */
class Uses {
  readonly #counts = new Map<string, number>()

  count(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.delete(key)
    this.#counts.set(key, count)
    if (this.#counts.size > MOST_COUNTED) for (const oldest of this.#counts.keys()) return this.#forget(oldest, count)
    return count
  }

  #forget(key: string, count: number): number {
    this.#counts.delete(key)
    return count
  }
}

const MOST_COUNTED = 10_000

function statusHeadersOf(option: HttpCacheOptions['statusHeader']): readonly StatusHeader[] {
  if (option === false) return []
  const names = option === undefined ? ['Cache-Status' as const] : typeof option === 'string' ? [option] : option
  return names.map((name) => checkOneOf(name, 'statusHeader', ['Cache-Status', 'X-Cache-Status']))
}

function checkName(name: string): string {
  if (/^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/.test(name)) return name
  throw invalid('statusName', "a token, such as 'shop-cache'", name)
}
