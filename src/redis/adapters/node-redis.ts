// node-redis 5 and 6 (`createClient`): it is spoken to with `sendCommand`, which takes and returns bytes if it is asked to.
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { Argument, RedisNode } from '../client/client.js'
import { ClientFace, type LinkSettings, replyError } from './face.js'

/** A client of node-redis, as far as it is used. It is not imported. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  readonly isReady: boolean
  readonly options?: NodeRedisOptions | undefined
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>
  duplicate(overrides?: object): NodeRedisClient
  connect(): Promise<unknown>
  destroy(): void
  on(event: string, listener: (...args: unknown[]) => void): unknown
  removeListener(event: string, listener: (...args: unknown[]) => void): unknown
}

export interface NodeRedisOptions {
  readonly socket?: { readonly host?: string; readonly port?: number; readonly tls?: boolean } | undefined
  readonly database?: number | undefined
  readonly keyPrefix?: unknown
}

/** Bytes for every kind of string (`RESP_TYPES` of node-redis): simple, bulk and verbatim. */
export const AS_BYTES = { typeMapping: { 43: Buffer, 36: Buffer, 61: Buffer } }
/** How long a lent client may stay unopened before that is said. The application may open it after the cache was created. */
export const OPENED_WITHIN_MS = 1_000

export class NodeRedisNode extends ClientFace implements RedisNode {
  readonly options: RedisNode['options']
  readonly #client: NodeRedisClient
  readonly #origin: 'lent' | 'ours'
  #wasReady = false
  #wasOpen: boolean
  #reminder: ReturnType<typeof setTimeout> | undefined

  /** `address`: the name of a node in its cluster, which may differ from where the client connects. */
  constructor(client: NodeRedisClient, origin: 'lent' | 'ours', address?: { host: string; port: number }) {
    super()
    this.#client = client
    this.#origin = origin
    this.#wasOpen = client.isOpen
    const { socket, database = 0 } = client.options ?? {}
    const { host = 'localhost', port = 6379, tls } = { ...socket, ...address }
    this.options = { host, port, db: database, tls }
  }

  get status(): string {
    if (this.#client.isReady) return 'ready'
    if (this.#client.isOpen) return 'connecting'
    if (this.#wasOpen) return 'end'
    return this.#origin === 'ours' ? 'wait' : 'not open'
  }

  async callBuffer(command: string, args: Argument[]): Promise<unknown> {
    try {
      return await this.#client.sendCommand(commandOf(command, args), AS_BYTES)
    } catch (error) {
      throw asReplied(error)
    }
  }

  createBuiltinCommand(command: string): { buffer(this: unknown, args: Argument[]): Promise<unknown> } {
    const call = (args: Argument[]) => this.callBuffer(command, args)
    return { buffer: (args) => call(args) }
  }

  async connect(): Promise<void> {
    if (this.#origin === 'lent') return // The application opens it: node-redis refuses to be opened twice.
    this.#wasOpen = true
    await this.#client.connect()
  }

  /** Only a client of our own is ever closed. */
  disconnect(): void {
    if (this.#origin === 'ours' && this.#client.isOpen) this.#client.destroy()
  }

  duplicate(override: Readonly<Record<string, unknown>>): NodeRedisNode {
    const { socket } = this.#client.options ?? {}
    const { host, port } = this.options
    const made = this.#client.duplicate(linkOptions(socket, override))
    return new NodeRedisNode(made, 'ours', { host: host as string, port: port as number })
  }

  protected attach(): void {
    this.#wasReady = this.#client.isReady
    for (const [event, listener] of this.#events) this.#client.on(event, listener)
    if (this.#origin === 'lent' && !this.#client.isOpen && !this.#wasOpen) {
      this.#reminder = setTimeout(this.#remind, OPENED_WITHIN_MS)
      this.#reminder.unref()
    }
  }

  protected detach(): void {
    clearTimeout(this.#reminder)
    for (const [event, listener] of this.#events) this.#client.removeListener(event, listener)
  }

  readonly #remind = (): void => {
    if (!this.#client.isOpen && !this.#wasOpen) this.emit('error', neverOpened())
  }

  /** node-redis has no event for a link that dropped: it reports an error, that it reconnects, or its end. */
  readonly #dropped = (): void => {
    if (!this.#wasReady || this.#client.isReady) return
    this.#wasReady = false
    this.emit('close')
  }

  readonly #events: readonly [string, (...args: unknown[]) => void][] = [
    [
      'ready',
      () => {
        this.#wasReady = true
        this.#wasOpen = true
        this.emit('ready')
      },
    ],
    ['reconnecting', this.#dropped],
    [
      'error',
      (error) => {
        this.emit('error', error)
        this.#dropped()
      },
    ],
    [
      'end',
      () => {
        this.#dropped()
        this.emit('end')
      },
    ],
  ]
}

export function neverOpened(): Error {
  return new Error('the client of node-redis was never opened: await client.connect()')
}

/** Arguments are strings or Buffers. */
export function commandOf(command: string, args: readonly Argument[]): (string | Buffer)[] {
  return [command.toUpperCase(), ...args.map((arg) => (Buffer.isBuffer(arg) ? arg : String(arg)))]
}

export function asReplied(error: unknown): unknown {
  // The codes of Redis are words of capitals; node-redis's own errors begin as sentences.
  const isReply = error instanceof Error && /^[A-Z][A-Z0-9]+ /.test(error.message)
  return isReply ? replyError(error.message, undefined) : error
}

/** The options of a duplicate: nothing is queued, nothing is mapped, nothing is cached. */
export function linkOptions(socket: object | undefined, override: Readonly<Record<string, unknown>>): object {
  const { connectionName, connectTimeout, socketTimeout, retryStrategy } = override as LinkSettings
  return {
    socket: {
      ...socket,
      connectTimeout: connectTimeout ?? 2_000,
      socketTimeout,
      reconnectStrategy: typeof retryStrategy === 'function' ? (retries: number) => retryStrategy(retries + 1) : false,
    },
    name: connectionName ?? 'tiercache',
    disableOfflineQueue: true,
    commandOptions: undefined,
    commandsQueueMaxLength: undefined,
    pingInterval: undefined,
    readonly: false,
    clientSideCache: undefined,
    emitInvalidate: false,
  }
}
