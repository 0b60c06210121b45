// The methods that Keyv calls. Its types are not imported: it takes every store that has them.
import { EventEmitter } from 'node:events'
import type { Cache, Duration } from '../index.js'
import { checkNames } from '../model/option-rules.js'
import { toMs } from '../model/options/duration.js'
import { Fills } from './fills.js'

/** Options of `keyvStore`. */
export interface KeyvStoreOptions {
  /** How long after a miss a `set` of the same key counts as what was loaded for it, and loses against an invalidation in between. Default '30s'. */
  readonly fillWithin?: Duration | undefined
}

const DEFAULT_WINDOW: Duration = '30s'

/** A store for Keyv. Values are what Keyv gives it: serialized, unless its `serialize` is switched off. */
export class KeyvStore extends EventEmitter {
  /** Where Keyv keeps what it tells a store of itself. */
  readonly opts: Record<string, unknown> = { dialect: 'tiercache' }
  /** Set by Keyv. It is part of the keys that Keyv passes; `clear` clears it alone. */
  namespace: string | undefined
  readonly #cache: Cache
  readonly #fills: Fills
  readonly #windowMs: number

  /** @internal Made by `keyvStore()`. */
  constructor(cache: Cache, windowMs: number) {
    super()
    this.#cache = cache
    this.#windowMs = windowMs
    this.#fills = new Fills(cache, windowMs)
  }

  /** The value, or `undefined`. Never waits for the `set` of another caller. */
  get(key: string): Promise<unknown> {
    return this.#fills.get(key, { tags: this.#tags(), hardTimeout: this.#windowMs, singleFlight: 'process' })
  }

  getMany(keys: readonly string[]): Promise<unknown[]> {
    return Promise.all(keys.map((key) => this.get(key)))
  }

  /** Stores a value for `ttl` ms; without one, for as long as the cache says. Returns `false` if an invalidation since its miss has won. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const options = { tags: this.#tags(), ...(ttl !== undefined && { ttl }) }
    const isStored = await this.#fills.fill(key, value, options)
    if (isStored !== undefined) return isStored
    await this.#cache.set(key, value, options)
    return true
  }

  async setMany(entries: readonly { readonly key: string; readonly value: unknown; readonly ttl?: number }[]) {
    return Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)))
  }

  /** Deletes a key in every process. Returns whether there was a value. */
  async delete(key: string): Promise<boolean> {
    const was = await this.has(key)
    await this.#cache.delete(key)
    return was
  }

  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const deleted = await Promise.all(keys.map((key) => this.delete(key)))
    return deleted.includes(true)
  }

  /** Clears the namespace of Keyv, or without one the cache, in one command. */
  async clear(): Promise<void> {
    const tags = this.#tags()
    if (tags.length === 0) await this.#cache.clear()
    else await this.#cache.invalidateTags(tags)
  }

  async has(key: string): Promise<boolean> {
    return (await this.#cache.lookup(key)).found
  }

  hasMany(keys: readonly string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.has(key)))
  }

  /** The cache is the application's, which closes it. Resolves when everything is stored. */
  disconnect(): Promise<void> {
    this.#fills.release()
    return this.#cache.drain()
  }

  #tags(): readonly string[] {
    return this.namespace === undefined ? [] : [`keyv:${this.namespace}`]
  }
}

/**
 * Returns a store for Keyv over `cache`: `new Keyv({ store: keyvStore(cache.namespace('keyv')) })`. Give it a namespace that nobody else uses.
 * Throws `INVALID_OPTION`.
 */
export function keyvStore(cache: Cache, options: KeyvStoreOptions = {}): KeyvStore {
  const { fillWithin } = checkNames(options, ['fillWithin'], 'keyvStore')
  return new KeyvStore(cache, toMs(fillWithin ?? DEFAULT_WINDOW, 'fillWithin', 'positive'))
}
