// Connections of HTTP/1.1 that are opened before they are measured, as cheap as possible: the generator shares the machine with what
// it measures. Responses must have a Content-Length.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Wanted {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly cacheStatus: string
  readonly bodyBytes: number
}

/** The same for all servers: the host is part of the key of a response. */
const HOST = 'shop.example'
const TIMEOUT_MS = 10_000

export class ConnectionPool {
  readonly #idle: Connection[]
  readonly #waiting: ((connection: Connection) => void)[] = []
  readonly #all: readonly Connection[]

  private constructor(connections: readonly Connection[]) {
    this.#all = connections
    this.#idle = [...connections]
  }

  /** Opens so many connections to the servers, in turn. */
  static async open(ports: readonly number[], count: number): Promise<ConnectionPool> {
    const connections: Connection[] = []
    for (let i = 0; i < count; i++) connections.push(await Connection.open(ports[i % ports.length] as number))
    return new ConnectionPool(connections)
  }

  get size(): number {
    return this.#all.length
  }

  /** The connection that has been idle for longest, so that all of them are used. Waits if all are busy. Rejects if there is no response. */
  async send(wanted: Wanted): Promise<Answer> {
    const connection = this.#idle.shift() ?? (await new Promise<Connection>((resolve) => this.#waiting.push(resolve)))
    try {
      return await connection.send(wanted)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#idle.push(connection)
      else next(connection)
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }
}

class Connection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true).setTimeout(TIMEOUT_MS)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('timeout', () => socket.destroy(new Error('no response')))
    socket.on('error', (error) => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')))
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  send({ method, path, headers = {} }: Wanted): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the connection is closed'))
      this.#settle = { resolve, reject }
      const lines = Object.entries({ host: HOST, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
      this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.toString('latin1', 0, end)
    const status = Number(head.slice(9, 12))
    const length = status === 204 || status === 304 ? '0' : fieldIn(head, 'content-length')
    if (length === undefined) return void this.#socket.destroy(new Error('a response without Content-Length'))
    if (this.#received.length < end + 4 + Number(length)) return
    this.#received = this.#received.subarray(end + 4 + Number(length))
    this.#settle?.resolve({ status, cacheStatus: fieldIn(head, 'cache-status') ?? '', bodyBytes: Number(length) })
    this.#settle = undefined
  }
}

function fieldIn(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1]
}
