// A cluster of node-redis 5 and 6 (`createCluster`): the client routes by key and follows MOVED and ASK.
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { Argument, RedisCluster, RedisNode } from '../client/client.js'
import { ClientFace, firstKeyOf, type LinkSettings } from './face.js'
import {
  AS_BYTES,
  asReplied,
  commandOf,
  linkOptions,
  type NodeRedisClient,
  NodeRedisNode,
  neverOpened,
  OPENED_WITHIN_MS,
} from './node-redis.js'

interface ClusterNode {
  readonly host: string
  readonly port: number
  readonly client?: NodeRedisClient | undefined
}

interface RootNode {
  readonly socket?: object | undefined
}

/** A cluster client of node-redis, as far as it is used. It is not imported. */
export interface NodeRedisCluster {
  readonly isOpen: boolean
  readonly slots: readonly ({ readonly master: ClusterNode } | undefined)[]
  readonly masters: readonly ClusterNode[]
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: readonly (string | Buffer)[],
    options?: object,
  ): Promise<unknown>
  nodeClient(node: never): unknown
  duplicate(overrides?: object): NodeRedisCluster
  connect(): Promise<unknown>
  destroy(): void
  on(event: string, listener: (...args: unknown[]) => void): unknown
  removeListener(event: string, listener: (...args: unknown[]) => void): unknown
  /** Internal to the client, so both may be missing. */
  readonly _options?: { readonly defaults?: RootNode; readonly rootNodes?: readonly RootNode[] } | undefined
  readonly _slots?: { rediscover?(startWith: { options: object }): Promise<unknown> } | undefined
}

export class NodeRedisClusterFace extends ClientFace implements RedisCluster {
  readonly isCluster = true
  readonly options = {}
  readonly #cluster: NodeRedisCluster
  readonly #origin: 'lent' | 'ours'
  readonly #faces = new WeakMap<NodeRedisClient, NodeRedisNode>()
  #slotsOf: NodeRedisCluster['slots'] | undefined
  #slots: (readonly string[] | undefined)[] = []
  #wasOpen: boolean
  #retryStrategy: LinkSettings['retryStrategy']
  #isOver = false
  #reminder: ReturnType<typeof setTimeout> | undefined

  constructor(cluster: NodeRedisCluster, origin: 'lent' | 'ours', retryStrategy?: LinkSettings['retryStrategy']) {
    super()
    this.#cluster = cluster
    this.#origin = origin
    this.#wasOpen = cluster.isOpen
    this.#retryStrategy = retryStrategy
  }

  get status(): string {
    if (this.#isOver) return 'end'
    if (this.#cluster.isOpen) return this.#cluster.masters.length > 0 ? 'ready' : 'connecting'
    if (this.#wasOpen) return this.#origin === 'ours' ? 'reconnecting' : 'end'
    return this.#origin === 'ours' ? 'wait' : 'not open'
  }

  /** The client makes a new list whenever it reads the slots. */
  get slots(): readonly (readonly string[] | undefined)[] {
    const { slots } = this.#cluster
    if (this.#slotsOf !== slots) {
      this.#slotsOf = slots
      const names = new Map(this.#cluster.masters.map((master) => [master, [`${master.host}:${master.port}`]]))
      this.#slots = Array.from(slots, (shard) => (shard === undefined ? undefined : names.get(shard.master)))
    }
    return this.#slots
  }

  nodes(): RedisNode[] {
    const faces: RedisNode[] = []
    for (const master of this.#cluster.masters) {
      const { client } = master
      if (client !== undefined) faces.push(this.#faceOf(client, master))
      // With `minimizeConnections` a node has no client before its first command.
      else void Promise.resolve(this.#cluster.nodeClient(master as never)).catch(() => undefined)
    }
    return faces
  }

  #faceOf(client: NodeRedisClient, { host, port }: ClusterNode): NodeRedisNode {
    let face = this.#faces.get(client)
    if (face === undefined) {
      face = new NodeRedisNode(client, 'lent', { host, port })
      this.#faces.set(client, face)
    }
    return face
  }

  async callBuffer(command: string, args: Argument[]): Promise<unknown> {
    try {
      return await this.#cluster.sendCommand(firstKeyOf(command, args), false, commandOf(command, args), AS_BYTES)
    } catch (error) {
      throw asReplied(error)
    }
  }

  createBuiltinCommand(command: string): { buffer(this: unknown, args: Argument[]): Promise<unknown> } {
    const call = (args: Argument[]) => this.callBuffer(command, args)
    return { buffer: (args) => call(args) }
  }

  /** A cluster of node-redis gives up if no node can be reached when it is opened. One of our own tries again. */
  async connect(): Promise<void> {
    if (this.#origin === 'lent') return
    this.#wasOpen = true
    for (let attempt = 1; !this.#isOver; attempt++) {
      try {
        await this.#cluster.connect()
        return
      } catch {
        // The reason was emitted as an error.
        const afterMs = this.#retryStrategy?.(attempt) ?? 1_000
        await new Promise((resolve) => setTimeout(resolve, afterMs).unref())
      }
    }
  }

  disconnect(): void {
    if (this.#origin === 'lent' || this.#isOver) return
    this.#isOver = true
    if (this.#cluster.isOpen) this.#cluster.destroy()
    this.emit('end')
  }

  duplicate(_nodes: readonly unknown[], override: Readonly<Record<string, unknown>>): NodeRedisClusterFace {
    const settings = override.redisOptions as Readonly<Record<string, unknown>>
    const retryStrategy = override.clusterRetryStrategy as LinkSettings['retryStrategy']
    const defaults = this.#cluster._options?.defaults ?? {}
    const made = this.#cluster.duplicate({
      defaults: { ...defaults, ...linkOptions(defaults.socket, { ...settings, retryStrategy }) },
      minimizeConnections: false,
      useReplicas: false,
      commandOptions: undefined,
      clientSideCache: undefined,
    })
    return new NodeRedisClusterFace(made, 'ours', retryStrategy)
  }

  refreshSlotsCache(): void {
    const known = this.#cluster.masters.find(({ client }) => client?.isReady === true)?.client?.options
    const { socket, ...options } = (known ?? this.#cluster._options?.rootNodes?.[0] ?? {}) as RootNode
    // A copy: the client writes into what it is given.
    const refreshing = this.#cluster._slots?.rediscover?.({ options: { ...options, socket: { ...socket } } })
    refreshing?.then(
      () => this.emit('refresh'),
      () => undefined,
    )
  }

  protected attach(): void {
    for (const [event, listener] of this.#events) this.#cluster.on(event, listener)
    if (this.#origin === 'lent' && !this.#cluster.isOpen && !this.#wasOpen) {
      this.#reminder = setTimeout(() => {
        if (!this.#cluster.isOpen && !this.#wasOpen) this.emit('error', neverOpened())
      }, OPENED_WITHIN_MS)
      this.#reminder.unref()
    }
  }

  protected detach(): void {
    clearTimeout(this.#reminder)
    for (const [event, listener] of this.#events) this.#cluster.removeListener(event, listener)
  }

  readonly #events: readonly [string, (...args: unknown[]) => void][] = [
    [
      'connect',
      () => {
        this.#wasOpen = true
        this.emit('ready')
      },
    ],
    ['node-ready', () => this.emit('refresh')],
    ['node-disconnect', () => this.emit('-node')],
    ['node-error', (error) => this.emit('node error', error)],
    ['error', (error) => this.emit('error', error)],
    ['disconnect', () => this.emit('end')],
  ]
}
