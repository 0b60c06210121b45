// Standalone and Sentinel: one client, one server at a time, which may be another one after a reconnect.
import { CacheError } from '../../model/errors.js'
import type { Milliseconds } from '../../model/ports.js'
import { tlsMistakeOf, toCacheError } from '../client/classify-error.js'
import { type Argument, keyPrefixOf, type RedisNode } from '../client/client.js'
import { listenTo } from '../client/client-events.js'
import { HiddenCause } from '../client/hidden-cause.js'
import type { Server } from '../server/server-check.js'
import { UnusableClient } from '../server/unusable.js'
import type { Connection, ConnectionEvents, ConnectionSettings, Master } from './connection.js'
import { ServerLink } from './server-link.js'
import { TickWrites } from './tick-writes.js'

/** How often a connected server is asked again who it is and what time it has. */
const CHECK_EVERY_MS: Milliseconds = 60_000

export class SingleConnection implements Connection {
  readonly keyPrefix: string
  readonly order = 'one'
  readonly mayReadReplicas = false
  readonly #client: RedisNode
  readonly #settings: ConnectionSettings
  readonly #events: ConnectionEvents
  readonly #link: ServerLink
  readonly #writes = new TickWrites()
  #reported: 'ready' | 'unready' | undefined
  #reportedCause: unknown
  #lastError: unknown
  #stopListening: (() => void) | undefined
  #isStopped = false

  constructor(client: RedisNode, settings: ConnectionSettings, events: ConnectionEvents) {
    this.#client = client
    this.#settings = settings
    this.#events = events
    this.keyPrefix = keyPrefixOf(client)
    this.#link = new ServerLink(client, settings, {
      connected: () => {
        this.#hidden.over()
        this.#lastError = undefined
      },
      checked: (server) => this.#checked(server),
      refused: (reason) => {
        this.#lastError = reason
        if (reason instanceof UnusableClient) events.unusable(reason)
        this.#reportUnready(reason)
      },
      dropped: () => this.#reportUnready(this.#unavailable('be reached')),
    })
  }

  get waiting(): number {
    return this.#link.waiting
  }

  isReady(): boolean {
    return this.#link.isReady
  }

  serverOf(): string {
    return this.#settings.inheritance.serverId ?? ''
  }

  send(_key: string, command: string, args: Argument[]): Promise<unknown> {
    if (!this.#link.isReady) return Promise.reject(this.#unavailable(`send ${command.toUpperCase()}`))
    this.#writes.cork(this.#client.stream)
    return this.#link.send(command, args)
  }

  masters(): readonly Master[] {
    return [{ send: (command, args) => this.send('', command, args) }]
  }

  start(): void {
    this.#stopListening = listenTo(this.#client, { error: this.#onError, sentinelError: this.#onSentinelError })
    this.#link.start()
  }

  stop(): void {
    this.#isStopped = true
    this.#stopListening?.()
    this.#link.stop(new CacheError('L2_UNAVAILABLE', 'the cache was closed'))
  }

  #checked(server: Server): void {
    const { inheritance } = this.#settings
    const isOther = inheritance.serverId !== undefined && inheritance.serverId !== server.id
    const isNews = this.#reported !== 'ready' || isOther
    inheritance.serverId = server.id
    if (server.time !== undefined) this.#events.timed(server.time)
    this.#lastError = undefined
    this.#reported = 'ready'
    this.#link.checkAfter(CHECK_EVERY_MS)
    if (isNews) this.#events.ready(isOther ? 'other' : 'same')
  }

  /** Also keeps the client from writing the error to the console, as it does when nobody listens. */
  readonly #onError = (error: unknown): void => {
    // That all sentinels are unreachable says less than what one of them said.
    if (this.#lastError === undefined || !isSummary(error)) this.#lastError = error
    if (this.#client.status === 'ready' || this.#hidden.look(error)) return
    // Nothing else may come: while sentinels are asked repeatedly there is no link that could end.
    this.#reportUnready(this.#unavailable('be reached'))
  }

  readonly #onSentinelError = (error: unknown): void => {
    this.#lastError = error
  }

  readonly #hidden = new HiddenCause(
    () => this.#client.options.sentinels ?? [],
    (error) => {
      if (this.#client.status === 'ready') return
      this.#lastError = error
      this.#reportUnready(this.#unavailable('be reached'))
    },
  )

  /** Reports it once, and once more when its cause is known. Returns `reason`. */
  #reportUnready(reason: CacheError): CacheError {
    const isNews = this.#reported !== 'unready' || (this.#reportedCause === undefined && reason.cause !== undefined)
    if (!isNews || this.#isStopped || this.#hidden.isLooking) return reason
    this.#reported = 'unready'
    this.#reportedCause = reason.cause
    this.#events.unready(reason)
    return reason
  }

  #unavailable(doing: string): CacheError {
    if (this.#lastError !== undefined) {
      return tlsMistakeOf(this.#client, this.#lastError, doing) ?? toCacheError(this.#lastError, doing)
    }
    return new CacheError('L2_UNAVAILABLE', `Redis could not ${doing}: the connection is ${this.#client.status}`)
  }
}

function isSummary(error: unknown): boolean {
  return error instanceof Error && /^All sentinels are unreachable(?!.*Last error)/.test(error.message)
}
