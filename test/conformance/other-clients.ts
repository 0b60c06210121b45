// The clients that are not of ioredis's family, each with the way in which a test opens one for a server and for a cluster.
import { GlideClient, GlideClusterClient, Logger } from '@valkey/valkey-glide'
import * as nodeRedis5 from 'redis'
import * as nodeRedis6 from 'redis6'
import { faceOf } from '../../src/redis/adapters/adapted.js'
import type { RedisConnection } from '../../src/redis/index.js'
import type { Open } from './redis-bench.js'

// GLIDE writes every error of a server to the console by default.
Logger.setLoggerConfig('off')

/** The cases run all at once, so the default of 250 ms is short. */
const REQUEST_TIMEOUT_MS = 5_000

export interface OtherClient {
  readonly onServer: Open
  /** `ports` are those of the nodes, in the order of the proxies. */
  onCluster(ports: readonly number[]): Open
}

/** The constructors of both versions are the same, with slightly different types. */
const nodeRedis = ({ createClient, createCluster }: typeof nodeRedis5): OtherClient => ({
  onServer: async ([proxy]) => {
    const client = createClient({ socket: { host: '127.0.0.1', port: proxy?.port ?? 0 } })
    client.on('error', () => undefined)
    await client.connect()
    return { client: presented(client), close: () => client.destroy() }
  },
  onCluster: (ports) => async (proxies) => {
    const at = (i: number) => ({ host: '127.0.0.1', port: proxies[i]?.port ?? 0 })
    const nodeAddressMap = Object.fromEntries(ports.map((port, i) => [`127.0.0.1:${port}`, at(i)]))
    // The longest pause of the default, 2 s, is longer than the cases wait for all masters.
    const defaults = { socket: { reconnectStrategy: 50 } }
    const cluster = createCluster({ rootNodes: proxies.map((_, i) => ({ socket: at(i) })), nodeAddressMap, defaults })
    cluster.on('error', () => undefined)
    await cluster.connect()
    return { client: presented(cluster), close: () => cluster.destroy() }
  },
})

const glide: OtherClient = {
  onServer: async ([proxy]) => {
    const client = await GlideClient.createClient({
      addresses: [{ host: '127.0.0.1', port: proxy?.port ?? 0 }],
      requestTimeout: REQUEST_TIMEOUT_MS,
    })
    return { client: presented(client), close: () => client.close() }
  },
  // It connects to the addresses that the nodes name, so no proxy can be cut.
  onCluster: (ports) => async () => {
    const addresses = ports.map((port) => ({ host: '127.0.0.1', port }))
    const client = await GlideClusterClient.createClient({ addresses, requestTimeout: REQUEST_TIMEOUT_MS })
    return { client: presented(client), close: () => client.close() }
  },
}

function presented(client: unknown): RedisConnection {
  const face = faceOf(client)
  if (face === undefined) throw new Error('the client was not recognized')
  return face
}

/** All of them. On a cluster one version of node-redis is enough. */
export const otherClients: readonly (readonly [string, OtherClient])[] = [
  ['node-redis 5', nodeRedis(nodeRedis5)],
  ['node-redis 6', nodeRedis(nodeRedis6 as unknown as typeof nodeRedis5)],
  ['GLIDE 2', glide],
]
