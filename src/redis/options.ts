// What `redisTier` takes, and the check of what only Redis knows; the rest is checked by `createCache`.
import { CacheError, show } from '../model/errors.js'
import type { TierOptions } from '../model/tier-definition.js'
import { isClient, isClusterClient, type RedisConnection } from './client.js'
import type { RedisServerOptions } from './client-source.js'
import { isMockClient } from './mock-client.js'

/** How processes hear of each other's changes. */
export type RedisBus =
  /** A capped stream: nothing is lost over a reconnect. */
  | 'stream'
  /** Key tracking by the server: changes made by other programs are noticed too, at one message per write. */
  | 'tracking'
  /** They do not: L1 of other processes follows within `l1.maxStaleness`. */
  | false

/** Options of `redisTier`. None is needed. */
export interface RedisTierOptions extends TierOptions {
  /** Default 'stream'. */
  readonly bus?: RedisBus | undefined
  /**
   * A connection for the bus alone, which nobody else uses and which is never closed here. By default a duplicate of the given one.
   * Of a cluster client, and for `bus: 'tracking'`, only its settings are used.
   */
  readonly subscriber?: RedisConnection | undefined
}

/** A connected client, a URL such as `redis://host:6379`, or options of a connection. */
export type RedisTarget = RedisConnection | string | RedisServerOptions

const URL_FORM = /^(rediss?:\/\/|\/)/

export function checkTarget(target: unknown): void {
  if (isClient(target) || isMockClient(target)) return
  if (typeof target === 'string' && URL_FORM.test(target)) return
  if (typeof target === 'object' && target !== null && !Array.isArray(target) && isPlain(target)) return
  throw new CacheError(
    'INVALID_OPTION',
    'redisTier expects a client such as new Redis() of ioredis, a URL such as redis://localhost:6379, or connection options such as ' +
      `{ host: 'localhost' }; got ${show(target)}`,
  )
}

export function checkOptions(options: RedisTierOptions, target?: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new CacheError('INVALID_OPTION', `redisTier expects options such as { bus: 'stream' }; got ${show(options)}`)
  }
  const { bus, subscriber } = options
  if (bus !== undefined && bus !== 'stream' && bus !== 'tracking' && bus !== false) {
    throw new CacheError('INVALID_OPTION', `bus must be 'stream' (the default), 'tracking' or false; got ${show(bus)}`)
  }
  if (subscriber !== undefined && !isClient(subscriber) && !isMockClient(subscriber)) {
    const fix = 'Leave it out to let the SDK duplicate your connection'
    throw new CacheError(
      'INVALID_OPTION',
      `subscriber must be a client such as new Redis(); got ${show(subscriber)}. ${fix}`,
    )
  }
  if (subscriber !== undefined && subscriber === target && bus !== 'tracking' && !isClusterClient(subscriber)) {
    throw new CacheError(
      'INVALID_OPTION',
      'subscriber must be a client of its own: it waits for announcements, and commands would wait behind that; got the client itself. ' +
        'Leave it out to let the SDK duplicate your connection, or pass client.duplicate()',
    )
  }
}

/** Another library's client is an instance of something, and would be taken for an empty set of options. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
