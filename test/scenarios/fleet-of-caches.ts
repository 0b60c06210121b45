// A fleet for the scenarios of invalidation: one Redis server or a cluster, and the caches of as many processes as a test needs.
import { Cluster, Redis } from 'ioredis'
import { type Cache, type CacheOptions, createCache } from 'tiercache'
import { type RedisTierOptions, redisTier } from 'tiercache/redis'
import { PATIENT } from '../support/patient.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { startRedisCluster } from '../support/redis-cluster.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

export const FORMS = ['one server', 'a cluster of three masters'] as const

export type Form = (typeof FORMS)[number]

/** Commands on behalf of callers. The others are of the bus, of the store's clock and of the client itself. */
const OF_CALLERS = new Set(
  ['get', 'mget', 'set', 'del', 'unlink', 'exists', 'getrange', 'setrange', 'pexpire'].concat(
    'eval',
    'evalsha',
    'xadd',
  ),
)

export class Fleet {
  readonly #ends: (() => unknown)[] = []

  private constructor(
    readonly form: Form,
    /** The server, or the masters. */
    readonly nodes: readonly RedisServer[],
    /** The node that has this key. */
    readonly nodeOf: (storeKey: string) => Promise<RedisServer>,
    readonly stopNodes: () => Promise<void>,
  ) {}

  static async start(form: Form): Promise<Fleet> {
    if (form === 'one server') {
      const server = await startRedis()
      return new Fleet(
        form,
        [server],
        async () => server,
        () => server.stop(),
      )
    }
    const cluster = await startRedisCluster()
    return new Fleet(
      form,
      cluster.nodes,
      (key) => cluster.masterOf(key),
      () => cluster.stop(),
    )
  }

  /** The ports to which a separate process connects. */
  get ports(): number[] {
    return this.nodes.map(({ port }) => port)
  }

  /** One process with its own client and cache, whose bus is heard. */
  async open(options: CacheOptions = {}, tier: RedisTierOptions = {}): Promise<Cache> {
    return this.#openOn(this.#connect(this.ports), options, tier)
  }

  async openTwo(options: CacheOptions = {}, tier: RedisTierOptions = {}): Promise<[Cache, Cache]> {
    return Promise.all([this.open(options, tier), this.open(options, tier)])
  }

  /** A process all of whose connections can be cut. */
  async openBehindProxies(options: CacheOptions = {}, tier: RedisTierOptions = {}): Promise<[Cache, TcpProxy[]]> {
    const proxies = await Promise.all(this.ports.map((port) => startProxy(port)))
    const natMap: Record<string, { host: string; port: number }> = {}
    for (const [i, { host, port }] of proxies.entries()) natMap[`127.0.0.1:${this.ports[i]}`] = { host, port }
    const client = this.#connect(
      proxies.map(({ port }) => port),
      natMap,
    )
    const cache = await this.#openOn(client, options, tier)
    this.#ends.push(...proxies.map((proxy) => () => proxy.stop()))
    return [cache, proxies]
  }

  /** The commands on behalf of callers on all nodes, background work in `caches` included. */
  async count(caches: readonly Cache[], run: () => Promise<unknown>): Promise<Record<string, number>> {
    const total: Record<string, number> = {}
    let counted = async (): Promise<void> => {
      await run()
      for (const cache of caches) await cache.drain()
    }
    for (const node of this.nodes) {
      const inner = counted
      counted = async () => {
        for (const [name, calls] of Object.entries(await node.countCommands(inner))) {
          if (OF_CALLERS.has(name)) total[name] = (total[name] ?? 0) + calls
        }
      }
    }
    await counted()
    return total
  }

  /** Ends every process that was opened. */
  async closeAll(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
  }

  async stop(): Promise<void> {
    await this.closeAll()
    await this.stopNodes()
  }

  #connect(ports: readonly number[], natMap?: Record<string, { host: string; port: number }>): Redis | Cluster {
    const addresses = ports.map((port) => ({ host: '127.0.0.1', port }))
    const client =
      this.form === 'one server'
        ? new Redis(ports[0] as number)
        : new Cluster(addresses, natMap === undefined ? {} : { natMap })
    client.on('error', () => undefined)
    return client
  }

  async #openOn(client: Redis | Cluster, options: CacheOptions, tier: RedisTierOptions): Promise<Cache> {
    const cache = createCache({ name: 'shop', ttl: '1h', ...options, l2: redisTier(client, { ...PATIENT, ...tier }) })
    this.#ends.push(async () => {
      await cache.close()
      client.disconnect()
    })
    await waitFor('the bus to be heard', () => cache.stats().bus.trusted)
    return cache
  }
}
