// Valkey GLIDE on a cluster (`GlideClusterClient`): GLIDE routes by key and follows MOVED and ASK. Which master has which slot is asked here,
// because GLIDE does not show it.
import { asBuffer } from '../../model/as-buffer.js'
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { Argument, RedisCluster, RedisNode } from '../client/client.js'
import { slotOf } from '../connection/slot.js'
import { ClientFace, firstKeyOf, type LinkSettings } from './face.js'
import { GlideNode } from './glide.js'
import { callGlide, duplicateGlide, type GlideClient, isClosed } from './glide-call.js'
import { GlideQueue } from './glide-queue.js'

const SLOTS_EVERY_MS = { known: 2_000, unknown: 150 }

export class GlideClusterFace extends ClientFace implements RedisCluster {
  readonly isCluster = true
  readonly options: RedisCluster['options']
  #slots: (readonly string[] | undefined)[] = []
  readonly #origin: 'lent' | 'ours'
  readonly #config: GlideClient['config']
  readonly #open: (() => Promise<GlideClient>) | undefined
  #client: GlideClient | undefined
  readonly #queue = new GlideQueue()
  #nodes = new Map<string, GlideNode>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(client: GlideClient | undefined, config: GlideClient['config'], open?: () => Promise<GlideClient>) {
    super()
    this.#client = client
    this.#config = config
    this.#open = open
    this.#origin = open === undefined ? 'lent' : 'ours'
    this.options = { scaleReads: config?.readFrom === undefined || config.readFrom === 'primary' ? 'master' : 'all' }
  }

  get status(): string {
    if (this.#isOver) return 'end'
    if (this.#client === undefined) return 'wait'
    return this.#nodes.size > 0 ? 'ready' : 'connecting'
  }

  get slots(): readonly (readonly string[] | undefined)[] {
    return this.#slots
  }

  nodes(): RedisNode[] {
    return [...this.#nodes.values()]
  }

  callBuffer(command: string, args: Argument[]): Promise<unknown> {
    if (this.#client === undefined) return Promise.reject(new Error('the client is not open'))
    const client = this.#client
    return this.#queue.run(slotOf(firstKeyOf(command, args)), command, () => callGlide(client, command, args))
  }

  createBuiltinCommand(command: string): { buffer(this: unknown, args: Argument[]): Promise<unknown> } {
    const call = (args: Argument[]) => this.callBuffer(command, args)
    return { buffer: (args) => call(args) }
  }

  async connect(): Promise<void> {
    if (this.#open === undefined || this.#client !== undefined) return
    const client = await this.#open()
    if (this.#isOver) return client.close()
    this.#client = client
    this.refreshSlotsCache()
  }

  disconnect(): void {
    if (this.#origin === 'lent' || this.#isOver) return
    this.#client?.close()
    this.#end()
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.emit('end')
  }

  duplicate(_nodes: readonly unknown[], override: Readonly<Record<string, unknown>>): GlideClusterFace {
    const { connectionName = 'tiercache' } = { ...(override.redisOptions as LinkSettings) }
    const client = this.#client
    const open = async (): Promise<GlideClient> => {
      if (client === undefined) throw new Error('the client is not open')
      return duplicateGlide(client, connectionName)
    }
    return new GlideClusterFace(undefined, this.#config, open)
  }

  refreshSlotsCache(): void {
    this.#readAfter(0)
  }

  protected attach(): void {
    this.#readAfter(0)
  }

  protected detach(): void {
    clearTimeout(this.#timer)
  }

  #readAfter(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.isHeard || this.#client === undefined || this.#isOver) return
    this.#timer = setTimeout(() => void this.#read(this.#client as GlideClient), ms)
    this.#timer.unref()
  }

  async #read(client: GlideClient): Promise<void> {
    try {
      this.#learn(client, await callGlide(client, 'cluster', ['SLOTS'], 'randomNode'))
      this.#readAfter(SLOTS_EVERY_MS.known)
    } catch (error) {
      if (isClosed(error)) return this.#end()
      this.emit('error', error)
      this.#readAfter(SLOTS_EVERY_MS.unknown)
    }
  }

  /** GLIDE knows a node by the address to which it connects. */
  #resolved(host: string, port: number): readonly [string, number] {
    return this.#config?.addressResolver?.(host, port) ?? [host, port]
  }

  #learn(client: GlideClient, reply: unknown): void {
    const slots: (readonly string[] | undefined)[] = []
    const nodes = new Map<string, GlideNode>()
    for (const [from, to, [address, port]] of reply as [number, number, [Uint8Array, number]][]) {
      const [host, at] = this.#resolved(asBuffer(address).toString(), port)
      const name = `${host}:${at}`
      const node = { host, port: at }
      const how = { origin: 'lent', node, use: 'commands' } as const
      nodes.set(name, nodes.get(name) ?? this.#nodes.get(name) ?? new GlideNode(client, this.#config, how))
      const names = [name]
      for (let slot = from; slot <= to; slot++) slots[slot] = names
    }
    const isFirst = this.#nodes.size === 0
    this.#slots = slots
    this.#nodes = nodes
    this.emit(isFirst ? 'ready' : 'refresh')
  }
}
