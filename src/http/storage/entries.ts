// Reads of stored responses: from the key of a resource, past its variants, to the entry that a request may get.
import { createHash } from 'node:crypto'
import type { Cache, Duration, Reserved, Slot } from '../../index.js'
import { selectingValues } from '../rules/vary.js'
import type { HttpRequest } from './messages.js'
import type { Resource } from './resource.js'
import type { PassMark, StoredResponse, StoredValue, Varies } from './stored.js'

/** No response is fresh, or kept to be validated, for longer. It bounds the life of its tags in Redis, too. */
export const LONGEST: Duration = '1d'
export const LONGEST_MS = 86_400_000

/** What the cache has for a request. */
export interface Found {
  /** The key of the entry: that of the resource, or of a variant. */
  readonly key: string
  /** What distinguishes the variants of the resource, once that is known. */
  readonly varies: Varies | undefined
  readonly value: StoredResponse | PassMark | undefined
  /** The time since it was stored. */
  readonly residentMs: number
  readonly state: 'fresh' | 'stale' | 'staleIfError'
  /** Whether it came from the handler just now, for another request of this process. */
  readonly isShared: boolean
  readonly tags: readonly string[]
  /** The right, and the duty, to fill this entry. */
  readonly slot: Slot<StoredValue> | undefined
}

export class Entries {
  readonly #cache: Cache

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** Reserves the entry of a request: a hit, or a slot. With one of the two, in every process, once. */
  async reserve(resource: Resource, request: HttpRequest, tags: readonly string[]): Promise<Found> {
    const first = await this.#reserve(resource.key, resource, tags, LONGEST)
    if (!first.hit || first.value.kind !== 'varies') return foundOf(resource.key, undefined, first)
    const varies = first.value
    const key = variantKey(resource.key, varies, request)
    return foundOf(key, varies, await this.#reserve(key, resource, tags, LONGEST))
  }

  /** The same, although there may be a fresh entry, which does not suit the request: it becomes the stale value of the slot. */
  async reserveAnew({ key, varies }: Found, resource: Resource, tags: readonly string[]): Promise<Found> {
    return foundOf(key, varies, await this.#reserve(key, resource, tags, 0))
  }

  #reserve(key: string, { uriTag }: Resource, tags: readonly string[], ttl: Duration): Promise<Reserved<StoredValue>> {
    return this.#cache.reserve<StoredValue>(key, {
      ttl,
      staleWhileRevalidate: LONGEST,
      staleIfError: LONGEST,
      tags: [uriTag, ...tags],
    })
  }

  /** What there is, without the right to fill it. */
  async look({ key: resourceKey }: Resource, request: HttpRequest): Promise<Found> {
    let key = resourceKey
    let varies: Varies | undefined
    let entry = await this.#cache.lookup<StoredValue>(key)
    if (entry.found && entry.value.kind === 'varies') {
      varies = entry.value
      key = variantKey(key, varies, request)
      entry = await this.#cache.lookup<StoredValue>(key)
    }
    const none: Found = {
      key,
      varies,
      value: undefined,
      residentMs: 0,
      state: 'fresh',
      isShared: false,
      tags: [],
      slot: undefined,
    }
    if (!entry.found || entry.value.kind === 'varies') return none
    return { ...none, value: entry.value, residentMs: entry.ageMs, state: entry.state, tags: entry.tags }
  }
}

function foundOf(key: string, varies: Varies | undefined, reserved: Reserved<StoredValue>): Found {
  if (!reserved.hit) {
    return { key, varies, value: undefined, residentMs: 0, state: 'fresh', isShared: false, tags: [], slot: reserved }
  }
  const { ageMs: residentMs, state, tags } = reserved
  // A variant that was replaced by the mark of variants is none.
  const value = reserved.value.kind === 'varies' ? undefined : reserved.value
  const isShared = reserved.shared || reserved.tier === 'loader'
  return { key, varies, value, residentMs, state, isShared, tags, slot: undefined }
}

/** The key of the variant that a request gets. It has the id of its `Varies`: a new one makes all earlier variants unreachable. */
export function variantKey(resourceKey: string, { id, names }: Varies, request: HttpRequest): string {
  const selected = createHash('sha256').update(selectingValues(names, request.headers)).digest('base64url').slice(0, 22)
  return `${resourceKey} ${id}.${selected}`
}
