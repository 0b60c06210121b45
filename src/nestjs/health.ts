// The health of the cache in the form of `@nestjs/terminus`, which is not imported.
import type { Cache, CacheHealth } from '../index.js'

/** The health of a cache, as a health indicator of `@nestjs/terminus` returns it. */
export interface CacheIndicatorResult extends Pick<CacheHealth['detail'], 'l2' | 'bus' | 'waiting'> {
  /** `'down'` only once the cache is closed: without Redis it serves from memory and the handlers. */
  readonly status: 'up' | 'down'
  /** `'degraded'`: it serves, but without Redis or without hearing the other processes. */
  readonly cache: CacheHealth['status']
  /** Why Redis is not used, if that is known. */
  readonly outage?: string
}

/** A health indicator: `health.check([() => indicator.isHealthy('cache')])`. */
export class CacheHealthIndicator {
  readonly #cache: Cache

  /** @internal Made by the module. */
  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** The health of the cache under `key`. Never rejects. */
  async isHealthy<Key extends string = 'cache'>(key: Key = 'cache' as Key): Promise<Record<Key, CacheIndicatorResult>> {
    const { ready, status, detail } = this.#cache.health()
    const { l2, bus, waiting, outage } = detail
    const result = {
      status: ready ? 'up' : 'down',
      cache: status,
      l2,
      bus,
      waiting,
      ...(outage && { outage }),
    } as const
    return { [key]: result } as Record<Key, CacheIndicatorResult>
  }
}
