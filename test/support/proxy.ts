// A TCP proxy between a client and a server on 127.0.0.1 that causes network faults for the tests.

import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './ports.js'
import { type Direction, Link } from './proxy-link.js'

/** Listens on a free port and passes everything to `targetPort`. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new TcpProxy(targetPort, await freePort())
  await proxy.listen()
  return proxy
}

export class TcpProxy {
  readonly host = '127.0.0.1'
  readonly port: number
  /** Connections accepted since the start. */
  accepted = 0
  /** The port to which new connections go. It may be changed, for example after a failover. */
  targetPort: number
  #listener: Server | undefined
  #links = new Set<Link>()
  #mode: Mode = 'pass'
  #delay: Delay = NO_DELAY
  #replyBytesBeforeReset: number | undefined

  constructor(targetPort: number, port: number) {
    this.targetPort = targetPort
    this.port = port
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#links.size
  }

  /** Destroys every connection at both ends. New ones are accepted. */
  cut(): void {
    for (const link of this.#links) link.destroy()
  }

  /** Destroys every connection and refuses new ones (ECONNREFUSED) until `restore()`. */
  async refuse(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    const closed = new Promise<void>((resolve) =>
      listener === undefined ? resolve() : listener.close(() => resolve()),
    )
    this.cut()
    await closed
  }

  /**
   * Half-open links: bytes vanish in both directions without an error, also on new connections.
   * After `restore()` new connections work. The silent ones stay silent until a side gives up or `cut()` is called.
   */
  silence(): void {
    this.#mode = 'silent'
    for (const link of this.#links) link.silence()
  }

  /** Holds all bytes back, in the given direction, until `restore()` delivers them late and in order. */
  hold(direction: Direction = 'both'): void {
    this.#mode = { hold: direction }
    for (const link of this.#links) link.hold(direction)
  }

  /** New connections pass everything. Those that are open stay silent or held. */
  passNew(): void {
    this.#mode = 'pass'
  }

  /** Delays every chunk by `ms` plus up to `jitterMs`, in order. By default only replies, so a round trip takes `ms` longer. */
  delay(ms: number, jitterMs = 0, direction: Direction = 'replies'): void {
    this.#delay = { ms, jitterMs, direction }
  }

  /** Passes `bytes` bytes of the next reply, then resets that connection (RST). Once. */
  resetMidReply(bytes = 1): void {
    this.#replyBytesBeforeReset = bytes
  }

  /** Ends all faults: accepts connections again, delivers what was held, removes delays and a planned reset. */
  async restore(): Promise<void> {
    this.#mode = 'pass'
    this.#delay = NO_DELAY
    this.#replyBytesBeforeReset = undefined
    for (const link of this.#links) link.release()
    if (this.#listener === undefined) await this.listen()
  }

  /** Closes everything. It may be called twice. */
  async stop(): Promise<void> {
    await this.refuse()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  listen(): Promise<void> {
    const listener = createServer({ noDelay: true }, (client) => this.#accept(client))
    this.#listener = listener
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(this.port, this.host, resolve)
    })
  }

  #accept(client: Socket): void {
    this.accepted++
    const server = connect({ port: this.targetPort, host: this.host, noDelay: true })
    const link: Link = new Link(client, server, {
      delayMs: (direction) => delayMs(this.#delay, direction),
      beforeReply: (chunk) => this.#resetIfPlanned(link, chunk),
      closed: () => this.#links.delete(link),
    })
    this.#links.add(link)
    if (this.#mode === 'silent') link.silence()
    else if (this.#mode !== 'pass') link.hold(this.#mode.hold)
  }

  /** Whether this reply was cut short and its connection reset. */
  #resetIfPlanned(link: Link, chunk: Buffer): boolean {
    const bytes = this.#replyBytesBeforeReset
    if (bytes === undefined) return false
    this.#replyBytesBeforeReset = undefined
    link.resetAfter(chunk.subarray(0, bytes))
    return true
  }
}

type Mode = 'pass' | 'silent' | { hold: Direction }

interface Delay {
  readonly ms: number
  readonly jitterMs: number
  readonly direction: Direction
}

const NO_DELAY: Delay = { ms: 0, jitterMs: 0, direction: 'both' }

function delayMs({ ms, jitterMs, direction }: Delay, way: 'requests' | 'replies'): number {
  return direction === 'both' || direction === way ? ms + Math.random() * jitterMs : 0
}
