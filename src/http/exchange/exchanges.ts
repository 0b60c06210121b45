// What all exchanges of one HTTP cache share: its store, its clock, how it names itself, and what became of the last responses.
import { LRUCache } from 'lru-cache'
import { type Cache, CacheError } from '../../index.js'
import { type CacheStatus, formatCacheStatus, formatXCacheStatus } from '../rules/cache-status.js'
import { type Encoding, encode, isCompressible, preferredEncoding } from '../rules/encodings.js'
import { type Fields, fieldOf } from '../rules/fields.js'
import type { NotStored } from '../rules/storable.js'
import { Entries, LONGEST } from '../storage/entries.js'
import type { HttpRequest, HttpResponse } from '../storage/messages.js'
import type { Previous, RecordingPlan } from '../storage/plan.js'
import type { StatusHeader } from '../storage/policy.js'
import { encoded, present } from '../storage/present.js'
import { Store, type StoringOutcome } from '../storage/store.js'
import { agesOf, type StoredResponse } from '../storage/stored.js'

/** What became of the last response of a key. */
export interface Decision {
  /** The tiers that have it, or why none has. */
  readonly outcome: StoringOutcome | 'failed'
  readonly key: string
  readonly atMs: number
}

/** The keys whose last decision is remembered. */
const MOST_DECISIONS = 1000

export class Exchanges {
  readonly entries: Entries
  readonly store: Store
  readonly decisions = new LRUCache<string, Decision>({ max: MOST_DECISIONS })
  readonly #encodings: Cache
  readonly #statusName: string
  readonly #statusHeaders: readonly StatusHeader[]
  readonly nowMs: () => number

  constructor(cache: Cache, naming: { name: string; headers: readonly StatusHeader[] }, nowMs: () => number) {
    this.entries = new Entries(cache)
    this.store = new Store(cache, this.entries)
    this.#encodings = cache.namespace('encoded')
    this.#statusName = naming.name
    this.#statusHeaders = naming.headers
    this.nowMs = nowMs
  }

  /** Stores in the background, and remembers what became of it. */
  note({ found, resource }: Pick<RecordingPlan, 'found' | 'resource'>, storing: () => Promise<StoringOutcome>): void {
    const remember = (outcome: Decision['outcome']) => {
      this.decisions.set(resource.key, { outcome, key: found.key, atMs: this.nowMs() })
    }
    // A response is not stored when the cache is closed. Its client has it all the same.
    storing().then(remember, () => remember('failed'))
  }

  /** Lets those pass who wait for a response that is not stored. */
  pass(plan: RecordingPlan, detail: NotStored): void {
    this.note(plan, () => this.store.pass(plan.slot, detail))
  }

  /** A stored response for a client, in the encoding that it prefers. */
  async presentHit(
    { response, residentMs }: Previous,
    request: HttpRequest,
    encodings: readonly Encoding[],
    status: CacheStatus,
  ): Promise<HttpResponse> {
    const whole = { ...response, headers: this.#aged(response, residentMs, status) }
    const wanted =
      encodings.length === 0 || request.headers.range !== undefined
        ? undefined
        : this.#wanted(response, request, encodings)
    if (wanted === undefined) return present(whole, request, this.nowMs())
    const { hash, body } = response
    const made = await this.#encodings.getOrSet(`${hash}.${wanted}`, () => encode(body, wanted), { ttl: LONGEST })
    return present(encoded(whole, wanted, made), request, this.nowMs())
  }

  #wanted({ headers, body, status }: StoredResponse, request: HttpRequest, encodings: readonly Encoding[]) {
    return status === 200 && isCompressible(headers, body.length)
      ? preferredEncoding(request.headers, encodings)
      : undefined
  }

  /** A stored response that is served because something failed: as it is, at once. */
  presentStale({ response, residentMs }: Previous, request: HttpRequest, status: CacheStatus): HttpResponse {
    return present({ ...response, headers: this.#aged(response, residentMs, status) }, request, this.nowMs())
  }

  /** `Age` (RFC 9111 §5.1) and what is left of the freshness. */
  #aged(response: StoredResponse, residentMs: number, status: CacheStatus): Fields {
    const { ageMs, lifetimeMs } = agesOf(response, residentMs)
    const age = String(Math.floor(ageMs / 1000))
    const ttlSeconds = Math.floor((lifetimeMs - ageMs) / 1000)
    return this.withStatus({ ...response.headers, age }, { ...status, ttlSeconds })
  }

  /** Headers with those that say how the response was come by. `Cache-Status` of a cache behind this one stays before its own. */
  withStatus(headers: Fields, status: CacheStatus): Fields {
    if (this.#statusHeaders.length === 0) return headers
    const more: Record<string, string> = {}
    for (const name of this.#statusHeaders) {
      if (name === 'X-Cache-Status') more['x-cache-status'] = formatXCacheStatus(status)
      else {
        const behind = fieldOf(headers, 'cache-status')
        const own = formatCacheStatus(this.#statusName, status)
        more['cache-status'] = behind === undefined ? own : `${behind}, ${own}`
      }
    }
    return { ...headers, ...more }
  }
}

/** Whether an error is one of the cache itself that must not become one of the request: then the handler runs without it. */
export function isCacheFault(error: unknown): boolean {
  return error instanceof CacheError && error.code !== 'INVALID_OPTION'
}
