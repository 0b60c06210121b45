// The arguments of `redisTier` and the check of those that only Redis knows. `createCache` checks the others.
import { CacheError, show } from '../model/errors.js'
import { checkNames } from '../model/option-rules.js'
import type { TierOptions } from '../model/options/tier-definition.js'
import { TIER_OPTIONS } from '../model/options/tier-policy.js'
import { ownOptions } from '../model/own-options.js'
import { faceOf, type GlideConnection, type NodeRedisConnection } from './adapters/adapted.js'
import { ClientFace } from './adapters/face.js'
import { isClient, isClusterClient, type RedisConnection } from './client/client.js'
import { kindOf } from './client/foreign-clients.js'
import { checkServerOptions, isRedisUrl, type RedisServerOptions } from './client/server-options.js'
import { isMockClient } from './mock/mock-client.js'

/** How processes learn of each other's changes. */
export type RedisBus =
  /** A capped stream: nothing is lost over a reconnect. */
  | 'stream'
  /** Key tracking by the server: changes by other programs are noticed, too. It costs one message per write. Needs ioredis or iovalkey. */
  | 'tracking'
  /** They do not learn of them: L1 of other processes follows within `l1.maxStaleness`. */
  | false

/** Options of `redisTier`. None is needed. */
export interface RedisTierOptions extends TierOptions {
  /** Default 'stream'. */
  readonly bus?: RedisBus | undefined
  /**
   * A connection for the bus alone. Nothing else may use it, and the cache never closes it. By default the bus duplicates the given
   * client. Of a cluster client, of a client of node-redis or GLIDE, and with `bus: 'tracking'`, only the settings are used.
   */
  readonly subscriber?: RedisClient | undefined
}

/** A client of the application: of ioredis or iovalkey, of node-redis 5 or 6, or of Valkey GLIDE 2. For one server or for a cluster. */
export type RedisClient = RedisConnection | NodeRedisConnection | GlideConnection

/** A client, a URL such as `redis://host:6379`, or options of a connection. */
export type RedisTarget = RedisClient | string | RedisServerOptions

/** The target as the tier uses it: every client has the methods of one of ioredis. */
export type CheckedTarget = RedisConnection | string | RedisServerOptions
/** The options as the tier uses them. */
export type CheckedOptions = Omit<RedisTierOptions, 'subscriber'> & {
  readonly subscriber?: RedisConnection | undefined
}

const KNOWN = [...TIER_OPTIONS, 'bus', 'subscriber']

/** Returns the target, options as `ownOptions` returns them. No error shows a URL, options or a client: they may hold a password. */
export function checkTarget(target: RedisTarget): CheckedTarget {
  if (isClient(target)) return target
  if (isMockClient(target)) return target as unknown as RedisConnection
  const face = faceOf(target)
  if (face !== undefined) return face
  if (typeof target === 'string' && isRedisUrl(target)) return target
  if (typeof target === 'object' && target !== null && isPlain(target)) {
    const own = ownOptions(target as RedisServerOptions)
    checkServerOptions(own)
    return own
  }
  throw new CacheError(
    'INVALID_OPTION',
    'redisTier expects a client such as new Redis() of ioredis 5 or 6 or of iovalkey, createClient() of node-redis 5 or 6, or a client of ' +
      `GLIDE, a URL such as redis://localhost:6379, or connection options such as { host: 'localhost' }; got ${kindOf(target)}. If you use another library, pass the URL: redisTier opens a connection of its own`,
  )
}

export function checkOptions(given: RedisTierOptions, target?: unknown): CheckedOptions {
  const own = checkNames(given, KNOWN, 'redisTier')
  const subscriber = (faceOf(own.subscriber) ?? own.subscriber) as RedisConnection | undefined
  // Without a prototype, as `own` is.
  const options: CheckedOptions = Object.assign(Object.create(null), own, { subscriber })
  const { bus } = options
  if (bus !== undefined && bus !== 'stream' && bus !== 'tracking' && bus !== false) {
    throw new CacheError('INVALID_OPTION', `bus must be 'stream' (the default), 'tracking' or false; got ${show(bus)}`)
  }
  if (bus === 'tracking' && [target, subscriber].some((client) => client instanceof ClientFace)) {
    throw new CacheError(
      'INVALID_OPTION',
      "bus: 'tracking' needs a client of ioredis or iovalkey; got one of node-redis or GLIDE. Leave bus out: 'stream' works with every " +
        'client. Or pass a URL, so that redisTier opens the connection with ioredis',
    )
  }
  if (subscriber !== undefined && bus === false) {
    throw new CacheError('INVALID_OPTION', 'subscriber has no effect with bus: false. Leave out one of them')
  }
  if (subscriber !== undefined && !isClient(subscriber) && !isMockClient(subscriber)) {
    const fix = 'Leave it out to let the SDK duplicate your connection'
    throw new CacheError(
      'INVALID_OPTION',
      `subscriber must be a client such as new Redis(); got ${kindOf(subscriber)}. ${fix}`,
    )
  }
  if (subscriber !== undefined && subscriber === target && bus !== 'tracking' && !isClusterClient(subscriber)) {
    throw new CacheError(
      'INVALID_OPTION',
      'subscriber must be a client of its own, because it waits for announcements and would delay every command; got the client itself. ' +
        'Leave it out to let the SDK duplicate your connection, or pass client.duplicate()',
    )
  }
  return options
}

/** A client of another library is an instance of a class or has methods. It must not be taken for options. */
function isPlain(value: object): boolean {
  if (Array.isArray(value) || ['then', 'get', 'sendCommand'].some((method) => method in ownOptions(value))) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
