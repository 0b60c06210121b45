// The options with which the SDK opens a connection itself: those of ioredis 5 and 6, each with the place where it has an effect. An option
// without effect is refused.
import { CacheError } from '../../model/errors.js'
import { checkNames, invalid } from '../../model/option-rules.js'

/** The address of a server. */
export interface RedisAddress {
  readonly host?: string | undefined
  readonly port?: number | undefined
}

// biome-ignore lint/suspicious/noConfusingVoidType: a strategy of ioredis may return nothing
type DelayMs = number | void | null
type Delay = (attempt: number) => DelayMs

interface Script {
  readonly lua: string
  readonly numberOfKeys?: number | undefined
  readonly readOnly?: boolean | undefined
}

/**
 * How the SDK opens a connection itself: with a `url`, with an address, with `sentinels` and the `name` of their master, or with some nodes
 * of a `cluster`. All other names are options of ioredis and documented there. Times are in milliseconds.
 */
export interface RedisServerOptions {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. Instead of `host`, `port` and `path`. */
  readonly url?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly family?: number | undefined
  /** A Unix socket. */
  readonly path?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly tls?: object | undefined

  /** Some nodes of a cluster. The options of a connection apply to every node. */
  readonly cluster?: readonly RedisAddress[] | undefined
  /** The sentinels that know the master. Needs `name`. */
  readonly sentinels?: readonly RedisAddress[] | undefined
  readonly name?: string | undefined

  readonly connectTimeout?: number | undefined
  readonly disconnectTimeout?: number | undefined
  readonly commandTimeout?: number | undefined
  readonly socketTimeout?: number | undefined
  readonly blockingTimeout?: number | undefined
  readonly blockingTimeoutGrace?: number | undefined
  readonly keepAlive?: number | undefined
  readonly noDelay?: boolean | undefined
  readonly connectionName?: string | undefined
  readonly disableClientInfo?: boolean | undefined
  readonly clientInfoTag?: string | undefined
  readonly keyPrefix?: string | undefined
  readonly readOnly?: boolean | undefined
  readonly stringNumbers?: boolean | undefined
  readonly protocol?: 2 | 3 | undefined
  readonly replyMapping?: string | undefined
  readonly retryStrategy?: Delay | null | undefined
  readonly reconnectOnError?: ((error: Error) => boolean | 1 | 2) | null | undefined
  readonly autoResubscribe?: boolean | undefined
  readonly maxRetriesPerRequest?: number | null | undefined
  readonly maxLoadingRetryTime?: number | undefined
  readonly enableAutoPipelining?: boolean | undefined
  readonly autoPipeliningIgnoredCommands?: string[] | undefined
  readonly enableReadyCheck?: boolean | undefined
  readonly lazyConnect?: boolean | undefined
  readonly offlineQueue?: boolean | undefined
  readonly commandQueue?: boolean | undefined
  readonly showFriendlyErrorStack?: boolean | undefined
  readonly scripts?: Readonly<Record<string, Script>> | undefined
  readonly himportFieldsets?: readonly unknown[] | undefined
  readonly Connector?: unknown

  readonly role?: 'master' | 'slave' | undefined
  readonly sentinelUsername?: string | undefined
  readonly sentinelPassword?: string | undefined
  readonly sentinelRetryStrategy?: Delay | undefined
  readonly sentinelReconnectStrategy?: Delay | undefined
  readonly sentinelCommandTimeout?: number | undefined
  readonly sentinelMaxConnections?: number | undefined
  readonly sentinelTLS?: object | undefined
  readonly enableTLSForSentinelMode?: boolean | undefined
  readonly updateSentinels?: boolean | undefined
  readonly failoverDetector?: boolean | undefined
  readonly preferredSlaves?: unknown
  readonly natMap?: unknown

  readonly clusterRetryStrategy?: ((attempt: number, reason?: Error) => DelayMs) | null | undefined
  readonly clusterNodeRetryStrategy?: Delay | null | undefined
  readonly scaleReads?: unknown
  readonly maxRedirections?: number | undefined
  readonly retryDelayOnFailover?: number | undefined
  readonly retryDelayOnClusterDown?: number | undefined
  readonly retryDelayOnTryAgain?: number | undefined
  readonly retryDelayOnMoved?: number | undefined
  readonly slotsRefreshTimeout?: number | undefined
  readonly slotsRefreshInterval?: number | undefined
  readonly shardedSubscribers?: boolean | undefined
  readonly useSRVRecords?: boolean | undefined
  readonly dnsLookup?: unknown
  readonly resolveSrv?: unknown

  /** The SDK's deadlines, order of commands and replay depend on these: `true` is refused. */
  readonly enableOfflineQueue?: boolean | undefined
  readonly autoResendUnfulfilledCommands?: boolean | undefined
  readonly monitor?: boolean | undefined
}

/** `'address'`: for a standalone server. `'each'`: for every connection. `'fixed'`: cannot be chosen. */
type Place = 'target' | 'address' | 'each' | 'sentinel' | 'cluster' | 'sentinelOrCluster' | 'fixed'

const each = 'each'
const sentinel = 'sentinel'
const cluster = 'cluster'

const PLACES: Readonly<Record<keyof RedisServerOptions, Place>> = {
  ...{ url: 'target', cluster: 'target', sentinels: 'target', host: 'address', port: 'address', path: 'address' },
  ...{
    family: each,
    username: each,
    password: each,
    db: each,
    tls: each,
    connectTimeout: each,
    disconnectTimeout: each,
  },
  ...{ commandTimeout: each, socketTimeout: each, blockingTimeout: each, blockingTimeoutGrace: each, keepAlive: each },
  ...{ noDelay: each, connectionName: each, disableClientInfo: each, clientInfoTag: each, keyPrefix: each },
  ...{ readOnly: each, stringNumbers: each, protocol: each, replyMapping: each, retryStrategy: each },
  ...{ reconnectOnError: each, autoResubscribe: each, maxRetriesPerRequest: each, maxLoadingRetryTime: each },
  ...{ enableAutoPipelining: each, autoPipeliningIgnoredCommands: each, enableReadyCheck: each, lazyConnect: each },
  ...{ offlineQueue: each, commandQueue: each, showFriendlyErrorStack: each, scripts: each, himportFieldsets: each },
  ...{ Connector: each, name: sentinel, role: sentinel, sentinelUsername: sentinel, sentinelPassword: sentinel },
  ...{ sentinelRetryStrategy: sentinel, sentinelReconnectStrategy: sentinel, sentinelCommandTimeout: sentinel },
  ...{ sentinelMaxConnections: sentinel, sentinelTLS: sentinel, enableTLSForSentinelMode: sentinel },
  ...{ updateSentinels: sentinel, failoverDetector: sentinel, preferredSlaves: sentinel, natMap: 'sentinelOrCluster' },
  ...{
    clusterRetryStrategy: cluster,
    clusterNodeRetryStrategy: cluster,
    scaleReads: cluster,
    maxRedirections: cluster,
  },
  ...{ retryDelayOnFailover: cluster, retryDelayOnClusterDown: cluster, retryDelayOnTryAgain: cluster },
  ...{ retryDelayOnMoved: cluster, slotsRefreshTimeout: cluster, slotsRefreshInterval: cluster },
  ...{ shardedSubscribers: cluster, useSRVRecords: cluster, dnsLookup: cluster, resolveSrv: cluster },
  ...{ enableOfflineQueue: 'fixed', autoResendUnfulfilledCommands: 'fixed', monitor: 'fixed' },
}

const NAMES = Object.keys(PLACES) as (keyof RedisServerOptions)[]
const URL_FORM = /^(rediss?:\/\/|\/)/

/** Whether a string is a URL of Redis or the path of a socket. */
export function isRedisUrl(text: string): boolean {
  return URL_FORM.test(text)
}

/** Throws `INVALID_OPTION` for names that ioredis does not know, and for options that would have no effect. No message shows a value. */
export function checkServerOptions(options: RedisServerOptions): void {
  if ('redisOptions' in options) {
    throw unfit('redisOptions', 'has no effect', 'Give its members beside cluster: they apply to every node')
  }
  checkNames(options, NAMES, 'the connection of redisTier')
  const isGiven = (name: keyof RedisServerOptions): boolean => options[name] !== undefined && options[name] !== null
  if (isGiven('url') && !(typeof options.url === 'string' && isRedisUrl(options.url))) {
    throw unfit('url', 'must begin with redis:// or rediss://', 'Write redis://localhost:6379')
  }
  checkList(options, 'cluster')
  checkList(options, 'sentinels')
  const kinds = (['url', 'cluster', 'sentinels'] as const).filter(isGiven)
  if (kinds.length > 1) throw unfit(kinds[1] as string, `cannot be combined with ${kinds[0]}`, 'Give one of them')
  const [kind = 'host'] = kinds
  if (kind === 'sentinels' && !isGiven('name')) {
    throw unfit('sentinels', 'needs the name of the master', "Give name: 'mymaster'")
  }
  for (const name of NAMES) {
    const place = PLACES[name]
    if (!isGiven(name)) continue
    if (place === 'fixed' && options[name] !== false) {
      throw unfit(name, 'can only be false', 'Leave it out, or pass a client of your own that has it')
    }
    if (place === 'address' && kind !== 'host') throw unfit(name, `has no effect beside ${kind}`, 'Leave it out')
    const needsSentinels = place === 'sentinel' && kind !== 'sentinels'
    const needsCluster = place === 'cluster' && kind !== 'cluster'
    if (needsSentinels || (place === 'sentinelOrCluster' && kind !== 'sentinels' && kind !== 'cluster')) {
      throw unfit(name, 'has no effect without sentinels', 'Give sentinels: [{ host, port }] as well')
    }
    if (needsCluster) throw unfit(name, 'has no effect without cluster', 'Give cluster: [{ host, port }] as well')
  }
  for (const [name, instead] of Object.entries(INSTEAD)) {
    if (kind === 'cluster' && isGiven(name as keyof RedisServerOptions)) {
      throw unfit(name, 'has no effect beside cluster', `Give ${instead}`)
    }
  }
  if (kind === 'cluster' && isGiven('db') && options.db !== 0) {
    throw unfit(
      'db',
      'must be 0 beside cluster: a cluster has only database 0',
      'Leave it out, and give the cache a name of its own',
    )
  }
}

/** The option of a cluster client to use in place of a node's. */
const INSTEAD = { retryStrategy: 'clusterRetryStrategy', readOnly: "scaleReads: 'slave'" }

/** Splits options into those of a cluster client and those of its connections to nodes. */
export function splitOptions(options: Readonly<Record<string, unknown>>) {
  const ofCluster: Record<string, unknown> = {}
  const ofNodes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    const place = PLACES[name as keyof RedisServerOptions]
    const isOfCluster = place === 'cluster' || place === 'sentinelOrCluster' || OF_BOTH.has(name)
    ;(isOfCluster ? ofCluster : ofNodes)[name] = value
  }
  return { ofCluster, ofNodes }
}

/** Options that a cluster client takes itself and passes to its nodes. */
const OF_BOTH: ReadonlySet<string> = new Set([
  ...['keyPrefix', 'showFriendlyErrorStack', 'lazyConnect', 'enableReadyCheck', 'scripts', 'himportFieldsets'],
  ...['enableAutoPipelining', 'autoPipeliningIgnoredCommands'],
])

function checkList(options: RedisServerOptions, name: 'cluster' | 'sentinels'): void {
  const list: unknown = options[name]
  if (list === undefined || list === null) return
  if (!Array.isArray(list) || list.length === 0)
    throw invalid(name, 'an array of { host, port }, at least one', Array.isArray(list) ? list : typeof list)
  for (const address of list) {
    if (typeof address !== 'object' || address === null)
      throw invalid(`each of ${name}`, 'an address such as { host, port }', typeof address)
  }
}

function unfit(name: string, what: string, fix: string): CacheError {
  return new CacheError('INVALID_OPTION', `the option ${name} of a connection ${what}. ${fix}`)
}
