// What the SDK needs of a Redis client. ioredis 5 and 6 and iovalkey fit. Neither is imported, so neither has to be installed.

/** An argument of a command. Bytes are always Buffers (`asBuffer`): clients send any other `Uint8Array` as the text of its numbers. */
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

/** The socket of a client, if the client exposes it. */
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
  /** The selected database. It is internal to clients, so it may be missing. */
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
  /** The nodes that the client was given. They are internal to clients, so they may be missing. */
  readonly startupNodes?: readonly unknown[]
  /** `host:port` of the servers of each slot, its master first; empty where nothing is known. */
  readonly slots: readonly (readonly string[] | undefined)[]
  nodes(role: 'master' | 'all'): RedisNode[]
  connect(): Promise<void>
  duplicate(startupNodes: readonly unknown[], override: Readonly<Record<string, unknown>>): RedisCluster
  /** Reads the slots again. It is internal to clients, so it may be missing. */
  refreshSlotsCache?(done?: (error?: unknown) => void): void
}

/**
 * Sends one command, Buffers in and out. It bypasses automatic pipelining, which would lose the command's name
 * (https://github.com/redis/ioredis/issues/1923) and delay commands that leave in one write anyway.
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

/** The prefix that the client puts before every key. */
export function keyPrefixOf(client: RedisConnection): string {
  const prefix = (client as RedisNode | RedisCluster).options?.keyPrefix
  return prefix === undefined || prefix === null ? '' : String(prefix)
}

/** The name of a node in the `slots` of a cluster client. */
export function nodeKeyOf(node: RedisNode): string {
  return `${node.options.host ?? '127.0.0.1'}:${node.options.port ?? 6379}`
}

/** The masters of all slots by name, as the client knows them. `undefined`: the client has no connection object for this master. */
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

/** For a call whose outcome is noticed in another way (an event, the next check). */
export function ignoreRejection(promise: Promise<unknown>): void {
  promise.catch(() => undefined)
}
