// What the adapters share: a face is an ioredis client as far as `RedisNode` and `RedisCluster` go, on top of a client of another library.
import { EventEmitter } from 'node:events'

type Listener = (...args: unknown[]) => void

/** Listens to the client beneath only while somebody listens to the face. */
export abstract class ClientFace {
  readonly #emitter = new EventEmitter().setMaxListeners(0)
  #listeners = 0

  on(event: string, listener: Listener): this {
    this.#emitter.on(event, listener)
    if (this.#listeners++ === 0) this.attach()
    return this
  }

  removeListener(event: string, listener: Listener): this {
    const before = this.#emitter.listenerCount(event)
    this.#emitter.removeListener(event, listener)
    this.#listeners -= before - this.#emitter.listenerCount(event)
    if (this.#listeners === 0) this.detach()
    return this
  }

  protected get isHeard(): boolean {
    return this.#listeners > 0
  }

  protected emit(event: string, ...args: unknown[]): void {
    // An emitter throws an error that nobody listens to.
    if (this.#emitter.listenerCount(event) > 0) this.#emitter.emit(event, ...args)
  }

  protected abstract attach(): void
  protected abstract detach(): void
}

/** What Redis replied, under the name and with the message that ioredis gives to it. */
export function replyError(message: string, cause: unknown): Error {
  const error = new Error(message, { cause })
  error.name = 'ReplyError'
  return error
}

/** The settings that a duplicate takes over from those for ioredis (`OWN_LINK`, `LISTENING`). */
export interface LinkSettings {
  readonly connectionName?: string
  readonly connectTimeout?: number
  readonly socketTimeout?: number
  /** `null`: it does not reconnect by itself. */
  readonly retryStrategy?: ((attempt: number) => number) | null
}

/** The first key of a command that is sent through a cluster. */
export function firstKeyOf(command: string, args: readonly unknown[]): string {
  const isScript = command === 'evalsha' || command === 'eval'
  return String(args[isScript ? 2 : 0])
}
