// What every server of the bench serves, whatever its framework and its cache.
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { Redis } from 'ioredis'
import { type Cache, createCache, httpCache, redisTier } from '../dist.js'
import type { ServerSettings } from '../messages.js'

export const JSON_TYPE = 'application/json; charset=utf-8'
/** About 2 kB and 20 kB of JSON. */
export const CONSTANT = itemsOf(25)
export const BIG = itemsOf(250)
const SLOW_MS = 120
/** The quality that tiercache uses. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }

const compress = promisify(brotliCompress)

export class Site {
  readonly settings: ServerSettings
  /** Of the slow handler. */
  runs = 0
  readonly #redis: Redis | undefined

  constructor(settings: ServerSettings) {
    this.settings = settings
    const { redisPort } = settings
    if (redisPort !== undefined) this.#redis = new Redis(redisPort, '127.0.0.1')
  }

  makeCache(): Cache {
    const l2 = this.#redis && redisTier(this.#redis, { timeout: '5s' })
    return createCache({ name: 'bench', logger: false, ...(l2 && { l2 }) })
  }

  /** Caches everything but what is below `/skipped`. */
  makeHttpCache(cache = this.makeCache()) {
    const skip = (request: { url?: string; req?: { path?: string } }) =>
      (request.url ?? request.req?.path ?? '').startsWith('/skipped')
    return httpCache<never>(cache, { ttl: '1h', skip: skip as never })
  }

  /** Without a cache, each response is compressed. With tiercache, it compresses once. The others store what the handler made. */
  async big(): Promise<{ body: string | Buffer; encoding: string | undefined }> {
    if (this.settings.caching === 'tiercache') return { body: BIG, encoding: undefined }
    return { body: await compress(BIG, BROTLI), encoding: 'br' }
  }

  async slow(): Promise<string> {
    this.runs++
    await sleep(SLOW_MS)
    return CONSTANT
  }
}

function itemsOf(count: number): string {
  return JSON.stringify(
    Array.from({ length: count }, (_, i) => ({
      id: i,
      name: `item number ${i * 7919}`,
      priceCents: (i * 37) % 10_000,
      tea: i % 3 === 0,
    })),
  )
}
