// Stores what a recording has: fills the slot with the response, with the mark of its variants, or with a mark that lets waiters pass.
import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Cache, Slot, StoreOutcome } from '../../index.js'
import { isEncodedAsClaimed } from '../rules/encodings.js'
import type { NotStored } from '../rules/storable.js'
import { type Entries, type Found, LONGEST, LONGEST_MS, variantKey } from './entries.js'
import type { HttpRequest } from './messages.js'
import type { Previous } from './plan.js'
import type { Resource } from './resource.js'
import { directivesOfStored, type StoredResponse, type StoredValue, type Varies } from './stored.js'

/** How long requests do not wait for each other after a response that could not be stored. */
export const PASS_MS = 1000
/** How long a response is kept to be validated after it has become stale: its handler may still confirm it with 304. */
const KEEP_MS = 3_600_000
/** Resources whose variants this process counts. */
const MOST_COUNTED = 10_000

/** A response on its way into the cache. */
export interface Storing {
  readonly found: Found
  readonly slot: Slot<StoredValue>
  readonly resource: Resource
  readonly request: HttpRequest
  readonly response: StoredResponse
  /** The names in `Vary` that select a variant. */
  readonly names: readonly string[]
  readonly tags: readonly string[]
  readonly maxVariants: number
}

/** What became of it: the tiers that have it, or why none has. */
export type StoringOutcome = StoreOutcome | 'tooLate' | NotStored

export class Store {
  readonly #cache: Cache
  readonly #entries: Entries
  /** By the id of a `Varies`. The bound on variants holds per process: to count them for the fleet would cost a write for each. */
  readonly #variants = new LRUCache<string, Set<string>>({ max: MOST_COUNTED })

  constructor(cache: Cache, entries: Entries) {
    this.#cache = cache
    this.#entries = entries
  }

  /** Never rejects because of what is stored. */
  async store(storing: Storing): Promise<StoringOutcome> {
    const { found, slot, response, names, tags } = storing
    if (!(await isEncodedAsClaimed(response.headers, response.body))) return this.pass(slot, 'encoding')
    const { varies } = found
    if (varies === undefined && names.length > 0) return this.#storeFirstVariant(storing)
    if (varies !== undefined) {
      if (names.some((name) => !varies.names.includes(name))) return this.#varyMore(storing, varies)
      if (!this.#isWithinBound(varies, found.key, storing.maxVariants)) return this.pass(slot, 'variants')
    }
    return slot.fill(response, { ...windowsOf(response), tags })
  }

  /** Stores under another key what is stored already. */
  copy(slot: Slot<StoredValue>, { response, residentMs }: Previous, tags: readonly string[]): Promise<StoringOutcome> {
    const copied = { ...response, initialAgeMs: response.initialAgeMs + residentMs }
    return slot.fill(copied, { ...windowsOf(copied), tags })
  }

  /** Frees those who wait for a slot, without a response. */
  async pass(slot: Slot<StoredValue>, detail: NotStored): Promise<NotStored> {
    await slot.fill({ kind: 'pass', detail }, { ttl: PASS_MS, staleWhileRevalidate: 0, staleIfError: 0 })
    return detail
  }

  /** The handler failed: what there was is served a little longer, before it is asked again. */
  retain(slot: Slot<StoredValue>, response: StoredResponse, residentMs: number): Promise<StoringOutcome> {
    const retained = { ...response, initialAgeMs: response.initialAgeMs + residentMs, isRetained: true }
    return slot.fill(retained, { ...windowsOf(retained), ttl: PASS_MS, staleWhileRevalidate: 0 })
  }

  /**
   * The first response that varies. Its slot is that of the resource, so the response becomes an entry of its own, and the slot gets the
   * mark that leads there. The order matters: the mark is filled last, and only if nothing was invalidated since before the handler ran.
   * Nobody else knows its id, so a variant whose mark is not stored is never found.
   */
  async #storeFirstVariant({
    slot,
    resource,
    request,
    response,
    names,
    tags,
    maxVariants,
  }: Storing): Promise<StoringOutcome> {
    const varies: Varies = { kind: 'varies', id: newId(), names }
    const key = variantKey(resource.key, varies, request)
    this.#isWithinBound(varies, key, maxVariants)
    const { slot: own } = await this.#entries.reserveAnew({ key, varies } as Found, resource, tags)
    const outcome = await own?.fill(response, windowsOf(response))
    const marked = await slot.fill(varies, { ttl: LONGEST, staleWhileRevalidate: 0, staleIfError: 0, tags })
    return isKept(marked) ? (outcome ?? marked) : marked
  }

  /** A response varies by more than was known. The new mark has no variants yet, so it cannot lead to anything outdated. */
  async #varyMore({ slot, resource, names }: Storing, known: Varies): Promise<StoringOutcome> {
    const all = [...new Set([...known.names, ...names])].sort()
    const varies: Varies = { kind: 'varies', id: newId(), names: all }
    await this.#cache.set<StoredValue>(resource.key, varies, { ttl: LONGEST, tags: [resource.uriTag] })
    return this.pass(slot, 'vary-changed')
  }

  #isWithinBound({ id }: Varies, key: string, maxVariants: number): boolean {
    const known = this.#variants.get(id) ?? new Set()
    if (known.has(key)) return true
    if (known.size >= maxVariants) return false
    this.#variants.set(id, known.add(key))
    return true
  }
}

function newId(): string {
  return randomBytes(9).toString('base64url')
}

function isKept(outcome: StoreOutcome | 'tooLate'): boolean {
  return outcome === 'all' || outcome === 'l1' || outcome === 'l2'
}

/** How long the cache keeps a response, fresh and stale. */
function windowsOf(response: StoredResponse) {
  const { initialAgeMs, lifetimeMs, staleWhileRevalidateMs, staleIfErrorMs, headers } = response
  const isFresh = lifetimeMs > initialAgeMs && !directivesOfStored(response).has('no-cache')
  const keepMs = headers.etag !== undefined || headers['last-modified'] !== undefined ? KEEP_MS : 0
  return {
    // What is only kept to be validated is stale at once. 0 would mean that it is not kept.
    ttl: isFresh ? Math.min(LONGEST_MS, Math.ceil(lifetimeMs - initialAgeMs)) : 1,
    staleWhileRevalidate: Math.min(LONGEST_MS, staleWhileRevalidateMs),
    staleIfError: Math.min(LONGEST_MS, Math.max(staleIfErrorMs, keepMs)),
  }
}
