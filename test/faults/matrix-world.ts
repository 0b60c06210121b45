// The environment of a cell of the fault matrix: a Redis, a proxy, the caches of two processes, and the true values behind them.
import { Redis } from 'ioredis'
import { type Cache, type CacheOptions, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis-server.js'

/** What every loader returns: the version of a key at the moment of the load. */
export interface Row {
  readonly key: string
  readonly version: number
}

/** One read as its caller saw it. */
export interface ReadLog {
  readonly tookMs: number
  /** Whether the breaker was already open when the read began, so that L2 may cost it no time. */
  readonly whileOpen: boolean
}

export const MAX_STALENESS_MS = 500

export const KEYS = Array.from({ length: 12 }, (_, i) => `k${i}`)
export const tagOf = (key: string): string => `t${Number(key.slice(1)) % 4}`

/** The events that docs/runbook.md names. */
const LISTENED = [
  'degraded',
  'recovered',
  'queued',
  'replayed',
  'dropped',
  'corrupt',
  'busLost',
  'busRecovered',
  'messageIgnored',
  'loadFailed',
  'servedStale',
  'storeFailed',
  'notice',
] as const

export class World {
  readonly reads: ReadLog[] = []
  /** Reads that rejected, or returned a value older than a change by their own process. There may be none. */
  readonly violations: string[] = []
  readonly writes: { readonly result: string; readonly whileOpen: boolean }[] = []
  readonly events: string[] = []
  /** The names of all events of `a`, and the codes of its outages and notices. */
  readonly heard = new Set<string>()
  readonly #truth = new Map<string, number>()
  readonly #changedByA = new Map<string, number>()
  readonly #ends: (() => unknown)[] = []
  #a: Cache | undefined
  #b: Cache | undefined

  private constructor(
    readonly server: RedisServer,
    readonly proxy: TcpProxy,
    readonly timeoutMs: number,
  ) {}

  static async make(options: RedisOptions, timeoutMs: number): Promise<World> {
    const server = await startRedis(options)
    return new World(server, await startProxy(server.port), timeoutMs)
  }

  /** The process that the fault affects. It has its own connection, through the proxy. */
  get a(): Cache {
    this.#a ??= this.#watched(this.open(this.proxy.url))
    return this.#a
  }

  /** Another process: it uses the application's own client with default settings, without the proxy. */
  get b(): Cache {
    if (this.#b === undefined) {
      const client = new Redis(this.server.port)
      client.on('error', () => undefined)
      this.#ends.push(() => client.disconnect())
      this.#b = this.open(client)
    }
    return this.#b
  }

  /** Connects `a` to `target` instead of the proxy. Call it before the first use of `a`. */
  connectAWith(target: string): void {
    this.#a = this.#watched(this.open(target))
  }

  open(target: string | Redis, options: CacheOptions = {}): Cache {
    const breaker = { openFor: '100ms', maxOpenFor: '400ms' } as const
    const cache = createCache({
      name: 'shop',
      ttl: '1h',
      l1: { maxStaleness: MAX_STALENESS_MS },
      closeTimeout: '2s',
      ...options,
      l2: redisTier(target, { timeout: this.timeoutMs, breaker }),
    })
    this.#ends.unshift(() => cache.close())
    return cache
  }

  #watched(cache: Cache): Cache {
    for (const event of LISTENED) cache.on(event, () => void this.heard.add(event))
    cache.on('degraded', ({ error }) => {
      this.events.push(`degraded ${error.code}`)
      this.heard.add(error.code)
    })
    cache.on('recovered', () => this.events.push('recovered'))
    cache.on('notice', ({ code, detail }) => {
      this.heard.add(code)
      if (code === 'BACKGROUND_FAILED') this.violations.push(`a background promise rejected: ${detail}`)
    })
    return cache
  }

  versionOf(key: string): number {
    return this.#truth.get(key) ?? 0
  }

  readonly load = (key: string) => (): Row => ({ key, version: this.versionOf(key) })

  /** Reads through `a`. The read may neither reject nor return a value older than a change by `a`. */
  async read(key: string): Promise<void> {
    const { a } = this
    const atLeast = this.#changedByA.get(key) ?? 0
    const whileOpen = a.stats().l2.breaker !== 'closed'
    const startMs = performance.now()
    try {
      const row = await a.getOrSet(key, this.load(key), { tags: [tagOf(key)] })
      if (row.key !== key) this.violations.push(`a read of ${key} returned ${row.key}`)
      if (row.version < atLeast) this.violations.push(`${key}: read ${row.version} after this process wrote ${atLeast}`)
    } catch (error) {
      this.violations.push(`a read of ${key} was rejected: ${error}`)
    }
    this.reads.push({ tookMs: performance.now() - startMs, whileOpen })
  }

  /** Changes the true value of some keys, and then calls the cache with the given verb. */
  async change(how: 'delete' | 'tag' | 'set', key: string): Promise<void> {
    const { a } = this
    const touched = how === 'tag' ? KEYS.filter((other) => tagOf(other) === tagOf(key)) : [key]
    for (const each of touched) this.#truth.set(each, this.versionOf(each) + 1)
    const whileOpen = a.stats().l2.breaker !== 'closed'
    const write = this.#tell(how, key)
    for (const each of touched) this.#changedByA.set(each, this.versionOf(each))
    try {
      this.writes.push({ result: await write, whileOpen })
    } catch (error) {
      this.violations.push(`a change of ${key} was rejected: ${error}`)
    }
  }

  #tell(how: 'delete' | 'tag' | 'set', key: string): Promise<string> {
    switch (how) {
      case 'delete':
        return this.a.delete(key)
      case 'tag':
        return this.a.invalidateTags(tagOf(key))
      case 'set':
        return this.a.set(key, this.load(key)(), { tags: [tagOf(key)] })
      default:
        return how satisfies never
    }
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
    await this.proxy.stop()
    await this.server.stop()
  }
}
