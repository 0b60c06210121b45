// What a GET or HEAD gets: a stored response, a run of the handler that fills the entry, or one that does not.
import { LRUCache } from 'lru-cache'
import type { CacheError } from '../../index.js'
import { type Directives, requestDirectivesOf } from '../rules/cache-control.js'
import type { CacheStatus, Forwarded } from '../rules/cache-status.js'
import { allowsStale, worthOf } from '../rules/reuse.js'
import { isForEverybody } from '../rules/storable.js'
import type { Found } from '../storage/entries.js'
import type { HttpRequest, HttpResponse } from '../storage/messages.js'
import type { Previous } from '../storage/plan.js'
import { type RoutePolicy, tagsFor } from '../storage/policy.js'
import type { Resource } from '../storage/resource.js'
import { agesOf, directivesOfStored, isServableOnError } from '../storage/stored.js'
import { conditionsFor } from './conditions.js'
import type { Exchange } from './exchange.js'
import { type Exchanges, isCacheFault } from './exchanges.js'
import { Recording } from './recording.js'

/** The keys whose uses are counted. */
const MOST_COUNTED = 10_000

const NO_DIRECTIVES: Directives = new Map()

export class Answers<Req> {
  readonly #exchanges: Exchanges
  /** Called with each recording, so that a handler can give it tags. */
  readonly #remember: (raw: object, recording: Recording) => void
  /** How often each key was requested, for `minUses`. */
  readonly #uses = new LRUCache<string, number>({ max: MOST_COUNTED })

  constructor(exchanges: Exchanges, remember: (raw: object, recording: Recording) => void) {
    this.#exchanges = exchanges
    this.#remember = remember
  }

  /** Rejects with what `tags` throws, never because of the cache. */
  async begin(request: HttpRequest, resource: Resource, policy: RoutePolicy<Req>): Promise<Exchange<Req>> {
    const asked = policy.honoursRequest ? requestDirectivesOf(request.headers) : NO_DIRECTIVES
    const tags = tagsFor(policy.tags, request.raw as Req)
    try {
      if (asked.has('no-store')) return this.#pass({ fwd: 'request', detail: 'no-store' })
      if (request.method === 'HEAD' || request.headers.range !== undefined || asked.has('only-if-cached'))
        return await this.#lookOnly(request, resource, policy, asked)
      if (policy.minUses > 1 && this.#count(resource.key) < policy.minUses)
        return await this.#lookOnly(request, resource, policy, asked, 'min-uses')
      return await this.#reserve(request, resource, policy, asked, tags)
    } catch (error) {
      if (!isCacheFault(error)) throw error
      return this.#pass({ fwd: 'bypass', detail: (error as CacheError).code.toLowerCase() })
    }
  }

  #count(key: string): number {
    const uses = (this.#uses.get(key) ?? 0) + 1
    this.#uses.set(key, uses)
    return uses
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
    try {
      const shared = await this.#fromSibling(found, resource, request, policy, asked)
      return shared ?? this.#record(found, request, resource, policy, asked, tags)
    } catch (error) {
      // Nobody will fill it.
      found.slot.release()
      throw error
    }
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
    const missed: Forwarded = found.varies === undefined ? 'uri-miss' : 'vary-miss'
    const fwd: Forwarded = previous === undefined ? missed : stale?.state === 'fresh' ? 'request' : 'stale'
    const plan = { request, resource, policy: policy as RoutePolicy<never>, found, slot, tags, previous, fwd }
    const recording = new Recording(this.#exchanges, plan)
    this.#remember(request.raw, recording)
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
}
