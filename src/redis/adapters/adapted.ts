// Clients of other libraries, recognized by their shape: each gets one face that the store and the bus take for a client of ioredis.
import { CacheError } from '../../model/errors.js'
import type { RedisConnection } from '../client/client.js'
import { GlideNode } from './glide.js'
import type { GlideClient } from './glide-call.js'
import { GlideClusterFace } from './glide-cluster.js'
import { type NodeRedisClient, NodeRedisNode } from './node-redis.js'
import { type NodeRedisCluster, NodeRedisClusterFace } from './node-redis-cluster.js'

/** A client of node-redis 5 or 6: `createClient()` or `createCluster()`. */
export interface NodeRedisConnection {
  readonly isOpen: boolean
  sendCommand(...args: never[]): Promise<unknown>
  duplicate(...args: never[]): unknown
}

/** A client of Valkey GLIDE 2: `GlideClient` or `GlideClusterClient`. */
export interface GlideConnection {
  customCommand(...args: never[]): Promise<unknown>
  close(...args: never[]): void
}

/** Caches on one client share its face: only the client is known to all of them. */
const faces = new WeakMap<object, RedisConnection>()

/** The face of a client of node-redis or of GLIDE; `undefined` for everything else. Throws `INVALID_OPTION` for one that cannot be used. */
export function faceOf(value: unknown): RedisConnection | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // node-redis hands out views of a client (`withTypeMapping`) whose events are those of the client behind them.
  const { _self: behind = value } = value as { readonly _self?: object }
  const known = faces.get(behind)
  if (known !== undefined) return known
  const made = makeFace(behind)
  if (made !== undefined) faces.set(behind, made)
  return made
}

function makeFace(client: object): RedisConnection | undefined {
  if (has(client, 'customCommand', 'close') && has(client.constructor, 'createClient'))
    return glideFace(client as never)
  if (!has(client, 'sendCommand', 'duplicate', 'destroy', 'connect') || !('isOpen' in client)) return undefined
  if (has(client, 'nodeClient')) return clusterFace(client as never)
  return 'isReady' in client && has(client, 'sSubscribe', 'createPool') ? nodeFace(client as never) : undefined
}

function nodeFace(client: NodeRedisClient): RedisConnection {
  refusePrefix(client.options?.keyPrefix)
  return new NodeRedisNode(client, 'lent')
}

function clusterFace(cluster: NodeRedisCluster): RedisConnection {
  const { defaults } = cluster._options ?? {}
  refusePrefix((defaults as { readonly keyPrefix?: unknown } | undefined)?.keyPrefix)
  return new NodeRedisClusterFace(cluster, 'lent')
}

/** node-redis puts its prefix before the keys of its own methods only: other programs would not find the entries. */
function refusePrefix(prefix: unknown): void {
  if (prefix === undefined || prefix === null || prefix === '') return
  throw new CacheError(
    'INVALID_OPTION',
    'redisTier expects a client of node-redis without keyPrefix, which node-redis does not put before the keys of the commands of a cache; got one with it. ' +
      'Pass client.duplicate({ keyPrefix: undefined }) and open it, and give the cache a name of its own: createCache({ name })',
  )
}

function glideFace(client: GlideClient): RedisConnection {
  if (client.config === undefined) {
    throw new CacheError(
      'INVALID_OPTION',
      'redisTier expects a client of GLIDE 2, whose configuration the bus needs for a connection of its own; got one that does not show it. ' +
        'Use @valkey/valkey-glide 2.0 or later',
    )
  }
  const isCluster = 'pubsubShardChannels' in client
  if (isCluster) return new GlideClusterFace(client, client.config)
  return new GlideNode(client, client.config, { origin: 'lent', use: 'commands' })
}

function has(value: object, ...methods: string[]): boolean {
  return methods.every((method) => typeof (value as Readonly<Record<string, unknown>>)[method] === 'function')
}
