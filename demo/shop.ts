// One instance of the demo's service.
import { type Cache, createCache } from 'tiercache'
import type { TierDefinition } from 'tiercache/ports'
import type { Database, Product } from './database.js'

/** For `redisTier`. More than the usual 200 ms, so that Redis does not look hung on a busy machine. */
export const PATIENT = { timeout: '5s' } as const

export class Shop {
  readonly cache: Cache

  constructor(
    private readonly db: Database,
    l2: TierDefinition,
  ) {
    this.cache = createCache({ name: 'shop', l2, ttl: '600ms', staleWhileRevalidate: '400ms', staleIfError: '1h' })
  }

  product(id: number): Promise<Product> {
    return this.cache.getOrSet(`product:${id}`, () => this.db.findProduct(id), {
      tags: (product) => [`category:${product.category}`],
    })
  }

  async setPrice(id: number, priceCents: number): Promise<void> {
    await this.db.setPrice(id, priceCents)
    await this.cache.delete(`product:${id}`)
  }
}
