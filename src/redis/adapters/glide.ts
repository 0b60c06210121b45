// Valkey GLIDE: one server (`GlideClient`), or one node of a cluster. GLIDE reconnects by itself and has no events, so it is asked regularly.
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { Argument, RedisNode } from '../client/client.js'
import { ClientFace, type LinkSettings } from './face.js'
import { callGlide, duplicateGlide, type GlideClient, isClosed, isDown } from './glide-call.js'
import { GlideQueue } from './glide-queue.js'

/** How often a link is asked whether it is still the same, and how soon again while it is down. */
const LOOK_EVERY_MS = { up: 1_000, down: 150 }

export interface GlideAddress {
  readonly host: string
  readonly port: number
}

interface GlideNodeOptions {
  readonly origin: 'lent' | 'ours'
  /** Makes the client of one that is not open yet. */
  readonly open?: () => Promise<GlideClient>
  /** Of a node of a cluster: commands are routed to it. */
  readonly node?: GlideAddress | undefined
  /** `'listens'`: it waits in blocking commands, so nothing else may be asked on it. */
  readonly use: 'commands' | 'listens'
}

export class GlideNode extends ClientFace implements RedisNode {
  readonly options: RedisNode['options']
  readonly #how: GlideNodeOptions
  readonly #queue = new GlideQueue()
  readonly #config: GlideClient['config']
  #client: GlideClient | undefined
  #state: 'wait' | 'ready' | 'reconnecting' | 'end'
  /** The server and the number of its link, as they were last. */
  #peer: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(client: GlideClient | undefined, config: GlideClient['config'], how: GlideNodeOptions) {
    super()
    this.#client = client
    this.#config = config
    this.#how = how
    this.#state = client === undefined ? 'wait' : 'ready'
    const { host = 'localhost', port = 6379 } = how.node ?? config?.addresses[0] ?? {}
    this.options = { host, port, db: config?.databaseId ?? 0, tls: config?.useTLS }
  }

  get status(): string {
    return this.#state
  }

  async callBuffer(command: string, args: Argument[]): Promise<unknown> {
    try {
      return await this.#queue.run(0, command, () => this.#call(command, args))
    } catch (error) {
      if (isDown(error)) this.#lookSoon()
      throw error
    }
  }

  #call(command: string, args: Argument[]): Promise<unknown> {
    if (this.#client === undefined) return Promise.reject(new Error('the client is not open'))
    const { node } = this.#how
    return callGlide(this.#client, command, args, node === undefined ? undefined : { type: 'routeByAddress', ...node })
  }

  createBuiltinCommand(command: string): { buffer(this: unknown, args: Argument[]): Promise<unknown> } {
    const call = (args: Argument[]) => this.callBuffer(command, args)
    return { buffer: (args) => call(args) }
  }

  async connect(): Promise<void> {
    const { open } = this.#how
    if (open === undefined || this.#client !== undefined) return
    const client = await open()
    if (this.#state === 'end') return client.close()
    this.#client = client
    this.#up()
  }

  /** Only a client of our own is ever closed. */
  disconnect(): void {
    if (this.#how.origin === 'lent' || this.#state === 'end') return
    this.#client?.close()
    this.#end()
  }

  #end(): void {
    this.#state = 'end'
    clearTimeout(this.#timer)
    this.emit('close')
    this.emit('end')
  }

  /** A duplicate listens if it is not meant to reconnect. */
  duplicate(override: Readonly<Record<string, unknown>>): GlideNode {
    const { connectionName = 'tiercache', retryStrategy } = override as LinkSettings
    const client = this.#client
    const open = async (): Promise<GlideClient> => {
      if (client === undefined) throw new Error('the client is not open')
      return duplicateGlide(client, connectionName)
    }
    const use = retryStrategy === null ? 'listens' : 'commands'
    return new GlideNode(undefined, this.#config, { origin: 'ours', open, node: this.#how.node, use })
  }

  protected attach(): void {
    this.#lookAfter(LOOK_EVERY_MS.up)
  }

  protected detach(): void {
    clearTimeout(this.#timer)
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.isHeard || this.#how.use === 'listens' || this.#client === undefined || this.#state === 'end') return
    this.#timer = setTimeout(() => void this.#look(), ms)
    this.#timer.unref()
  }

  #lookSoon(): void {
    if (this.#how.use === 'listens') this.#down()
    else if (this.#state === 'ready') this.#lookAfter(0)
  }

  /** Another number: GLIDE has reconnected, and commands or announcements may be lost. */
  async #look(): Promise<void> {
    try {
      const [info, id] = await Promise.all([this.#mayFail('info', ['server']), this.#mayFail('client', ['ID'])])
      const peer = `${/run_id:\w+/.exec(String(info))?.[0] ?? ''} ${String(id)}`
      const isOther = this.#peer !== undefined && this.#peer !== peer
      this.#peer = peer
      if (isOther) this.#down()
      this.#up()
      this.#lookAfter(LOOK_EVERY_MS.up)
    } catch (error) {
      if (isClosed(error)) return this.#end()
      this.emit('error', error)
      this.#down()
      this.#lookAfter(LOOK_EVERY_MS.down)
    }
  }

  /** A reply that says no is a reply: the user may lack the right to ask. */
  async #mayFail(command: string, args: Argument[]): Promise<unknown> {
    try {
      return await this.#call(command, args)
    } catch (error) {
      if (isDown(error)) throw error
      return undefined
    }
  }

  #down(): void {
    if (this.#state !== 'ready') return
    this.#state = 'reconnecting'
    this.emit('close')
  }

  #up(): void {
    if (this.#state === 'ready' || this.#state === 'end') return
    this.#state = 'ready'
    this.emit('ready')
  }
}
