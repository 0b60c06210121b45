// What the SDK needs of a Redis client. ioredis 5 and 6 and iovalkey fit; nothing of theirs is imported, so that none must be installed.

/** An argument of a command. Bytes are always Buffers (`asBuffer`): of any other `Uint8Array` clients would send the numbers as text. */
export type Argument = string | number | Uint8Array

/** A connected client of the application: `new Redis(…)` or `new Cluster(…)` of ioredis or iovalkey. */
export interface RedisConnection {
  readonly status: string
  readonly isCluster?: boolean
  callBuffer(command: string, args: Argument[]): Promise<unknown>
  on(event: string, listener: (...args: unknown[]) => void): unknown
  removeListener(event: string, listener: (...args: unknown[]) => void): unknown
  disconnect(reconnect?: boolean): void
}

/** The socket below a client, where it shows it. */
export interface ClientStream {
  readonly writable: boolean
  readonly bytesRead?: number
  cork(): void
  uncork(): void
  destroy(): unknown
}

interface CommandMaker {
  createBuiltinCommand(command: string): { buffer(this: unknown, args: Argument[]): Promise<unknown> }
}

/** A client of one server: standalone, the master that Sentinel names, or one node of a cluster. */
export interface RedisNode extends RedisConnection, CommandMaker {
  readonly options: {
    readonly host?: string
    readonly port?: number
    readonly db?: number
    readonly keyPrefix?: unknown
    readonly enableAutoPipelining?: unknown
    readonly tls?: unknown
    readonly sentinels?: readonly { readonly host?: string; readonly port?: number }[]
  }
  /** The database on which it is; clients keep it for themselves, so it may be missing. */
  readonly condition?: { readonly select?: number } | undefined
  readonly stream?: ClientStream | undefined
  connect(): Promise<void>
  duplicate(override: Readonly<Record<string, unknown>>): RedisNode
}

/** A client of a cluster. */
export interface RedisCluster extends RedisConnection, CommandMaker {
  readonly options: {
    readonly keyPrefix?: unknown
    readonly scaleReads?: unknown
    readonly redisOptions?: Readonly<Record<string, unknown>>
    readonly enableAutoPipelining?: unknown
  }
  /** `host:port` of the servers of each slot, its master first; empty where nothing is known. */
  /** Where it began to look. Clients keep it for themselves, so it may be missing. */
  readonly startupNodes?: readonly unknown[]
  readonly slots: readonly (readonly string[] | undefined)[]
  nodes(role: 'master' | 'all'): RedisNode[]
  connect(): Promise<void>
  duplicate(startupNodes: readonly unknown[], override: Readonly<Record<string, unknown>>): RedisCluster
  /** Reads the slots anew. Clients keep it for themselves, so it may be missing. */
  refreshSlotsCache?(done?: (error?: unknown) => void): void
}

/**
 * Sends one command, Buffers in and out, also where the client makes pipelines by itself: that would lose the command's name
 * (https://github.com/redis/ioredis/issues/1923), and hold back what is written in one go anyway.
 */
export function send(client: RedisNode | RedisCluster, command: string, args: Argument[]): Promise<unknown> {
  if (client.options.enableAutoPipelining !== true) return client.callBuffer(command, args)
  return client.createBuiltinCommand(command).buffer.call(client, args)
}

export function isClient(value: unknown): value is RedisConnection {
  if (value === null || typeof value !== 'object') return false
  const client = value as Partial<RedisConnection>
  return typeof client.callBuffer === 'function' && typeof client.on === 'function' && typeof client.status === 'string'
}

export function isClusterClient(client: RedisConnection): client is RedisCluster {
  return client.isCluster === true
}

/** What the client puts before every key by itself. */
export function keyPrefixOf(client: RedisConnection): string {
  const prefix = (client as RedisNode | RedisCluster).options?.keyPrefix
  return prefix === undefined || prefix === null ? '' : String(prefix)
}

/** How a cluster client names a node in `slots`. */
export function nodeKeyOf(node: RedisNode): string {
  return `${node.options.host ?? '127.0.0.1'}:${node.options.port ?? 6379}`
}

/** The masters of all slots by their keys, as the client knows them; `undefined` is a master that it has no connection object for. */
export function slotMasters(cluster: RedisCluster): Map<string, RedisNode | undefined> {
  const nodes = new Map(cluster.nodes('master').map((node) => [nodeKeyOf(node), node]))
  const masters = new Map<string, RedisNode | undefined>()
  let last: string | undefined
  for (const keys of cluster.slots) {
    const key = keys?.[0]
    if (key === undefined || key === last) continue
    masters.set(key, nodes.get(key))
    last = key
  }
  return masters
}

/** A call whose outcome is noticed elsewhere (an event, the next check), so that its rejection needs no handling here. */
export function ignoreRejection(promise: Promise<unknown>): void {
  promise.catch(() => undefined)
}
