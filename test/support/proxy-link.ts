// One client connection of the proxy with its connection to the server. Holds bytes back, delays them or drops them.

import type { Socket } from 'node:net'

/** The direction of bytes: requests go to the server, replies to the client. */
export type Direction = 'requests' | 'replies' | 'both'

export interface LinkRules {
  delayMs(direction: 'requests' | 'replies'): number
  beforeReply(chunk: Buffer): boolean
  closed(): void
}

/** One client connection with its connection to the server. */
export class Link {
  readonly #client: Socket
  readonly #server: Socket
  readonly #rules: LinkRules
  readonly #requests: Pipe
  readonly #replies: Pipe
  #silent = false

  constructor(client: Socket, server: Socket, rules: LinkRules) {
    this.#client = client
    this.#server = server
    this.#rules = rules
    this.#requests = new Pipe(server)
    this.#replies = new Pipe(client)
    client.on('data', (chunk: Buffer) => {
      if (!this.#silent) this.#requests.push(chunk, rules.delayMs('requests'))
    })
    server.on('data', (chunk: Buffer) => {
      if (this.#silent || rules.beforeReply(chunk)) return
      this.#replies.push(chunk, rules.delayMs('replies'))
    })
    // When one side ends, the other side ends after everything in flight has arrived, except on a silenced link:
    // there neither side is told.
    client.on('close', () => this.#ended(this.#requests))
    server.on('close', () => this.#ended(this.#replies))
    for (const socket of [client, server]) socket.on('error', () => undefined) // The event 'close' follows and does the work.
  }

  silence(): void {
    this.#silent = true
    this.#requests.drop()
    this.#replies.drop()
  }

  hold(direction: Direction): void {
    if (direction !== 'replies') this.#requests.hold()
    if (direction !== 'requests') this.#replies.hold()
  }

  release(): void {
    this.#requests.release()
    this.#replies.release()
  }

  resetAfter(bytes: Buffer): void {
    this.#silent = true
    // A reset that arrives together with the bytes would hide them, or would look like a normal end.
    this.#client.write(bytes, () => setTimeout(() => this.#reset(), 5))
  }

  destroy(): void {
    this.#client.destroy()
    this.#server.destroy()
  }

  #reset(): void {
    this.#client.resetAndDestroy()
    this.#server.destroy()
  }

  #ended(towardsOther: Pipe): void {
    if (!this.#silent) towardsOther.end()
    if (this.#client.destroyed && this.#server.destroyed) this.#rules.closed()
  }
}

/** One direction of a link. It keeps the order of chunks, whatever the delay of each. */
class Pipe {
  readonly #to: Socket
  #queue: { chunk: Buffer | undefined; dueAtMs: number }[] = []
  #held = false
  #timer: NodeJS.Timeout | undefined

  constructor(to: Socket) {
    this.#to = to
  }

  push(chunk: Buffer, delayMs: number): void {
    if (delayMs === 0 && !this.#held && this.#queue.length === 0) this.#to.write(chunk)
    else this.#enqueue(chunk, performance.now() + delayMs)
  }

  /** Closes the far side once everything was delivered. */
  end(): void {
    this.#enqueue(undefined, performance.now())
  }

  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#flush()
  }

  drop(): void {
    this.#queue = []
  }

  #enqueue(chunk: Buffer | undefined, dueAtMs: number): void {
    this.#queue.push({ chunk, dueAtMs: Math.max(dueAtMs, this.#queue.at(-1)?.dueAtMs ?? 0) })
    this.#flush()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    while (!this.#held) {
      const next = this.#queue[0]
      if (next === undefined) return
      const waitMs = next.dueAtMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#flush(), Math.ceil(waitMs))
        this.#timer.unref()
        return
      }
      this.#queue.shift()
      if (next.chunk === undefined) this.#to.destroySoon()
      else this.#to.write(next.chunk)
    }
  }
}
