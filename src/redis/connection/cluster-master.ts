// One master of a cluster as long as the client keeps the same connection object for it.
import type { CacheError } from '../../model/errors.js'
import type { Milliseconds } from '../../model/ports.js'
import { toCacheError } from '../client/classify-error.js'
import { type Argument, ignoreRejection, type RedisNode, send } from '../client/client.js'
import { listenTo, stopListening } from '../client/client-events.js'
import { checkServer, type Server } from '../server/server-check.js'
import { Silence } from '../server/silence.js'
import { silent, type UnusableClient } from '../server/unusable.js'
import type { ConnectionSettings, Master } from './connection.js'
import { PreviousConnection } from './previous-connection.js'

/** What happens to a master. */
export interface MasterEvents {
  /** It was checked, or its link dropped. */
  changed(): void
  unusable(why: UnusableClient): void
}

const RECHECK_AFTER_MS: Milliseconds = 500

export class ClusterMaster implements Master {
  /** Known once it said who it is; `undefined` again when the link drops. */
  server: Server | undefined
  /** Why it could not, the last time it was asked. */
  refusal: unknown
  readonly #settings: ConnectionSettings
  readonly #events: MasterEvents
  readonly #silence: Silence | undefined
  #waiting = 0
  readonly #inFlight = new Set<(error: CacheError) => void>()
  readonly #previous = new PreviousConnection()
  #serverId: string | undefined
  #link = 0
  #cancelCheck: (() => void) | undefined

  constructor(
    readonly node: RedisNode,
    settings: ConnectionSettings,
    events: MasterEvents,
  ) {
    this.#settings = settings
    this.#events = events
    if (settings.silenceMs === undefined) return
    this.#silence = new Silence(settings.clock, settings.silenceMs, {
      waiting: () => this.#waiting,
      bytesRead: () => this.node.stream?.bytesRead,
      fellSilent: (limitMs) => this.#fellSilent(silent(limitMs)),
    })
  }

  get waiting(): number {
    return this.#waiting
  }

  /** The cluster client sends a command to this master; `replied` must follow. */
  sent(): void {
    this.#waiting++
    this.#silence?.sent()
  }

  replied(): void {
    this.#waiting--
    this.#silence?.replied()
  }

  get isUsable(): boolean {
    return this.server !== undefined && this.node.status === 'ready' && this.node.stream?.writable !== false
  }

  start(): void {
    listenTo(this.node, 'ready', this.#onReady)
    listenTo(this.node, 'close', this.#onClose)
    listenTo(this.node, 'end', this.#onClose)
    // Nodes connect at their first command, and none is sent to a node that is not connected.
    if (this.node.status === 'wait') ignoreRejection(this.node.connect())
    else if (this.node.status === 'ready') this.check()
  }

  /** What is under way when the link drops is rejected here: depending on its options, the client would never settle it. */
  send(command: string, args: Argument[]): Promise<unknown> {
    const doing = `execute ${command.toUpperCase()}`
    if (!this.isUsable) return Promise.reject(toCacheError(new Error(`the link is ${this.node.status}`), doing))
    return new Promise((resolve, reject) => {
      this.#inFlight.add(reject)
      send(this.node, command, args)
        .then(resolve, (error: unknown) => reject(toCacheError(error, doing)))
        .finally(() => this.#inFlight.delete(reject))
    })
  }

  stop(): void {
    stopListening(this.node, 'ready', this.#onReady)
    stopListening(this.node, 'close', this.#onClose)
    stopListening(this.node, 'end', this.#onClose)
    this.#drop()
  }

  #fellSilent(why: UnusableClient): void {
    this.#interrupt()
    this.refusal = why
    this.#events.unusable(why)
    this.#events.changed()
    // Its answer, however late, says that the link carries commands again.
    if (this.node.status === 'ready') this.check()
  }

  #drop(): void {
    this.#interrupt()
    this.#previous.dropped(this.#serverId)
  }

  #interrupt(): void {
    this.#link++
    this.#cancelCheck?.()
    this.#silence?.end()
    this.server = undefined
    for (const reject of this.#inFlight) reject(toCacheError(new Error('the link dropped'), 'finish'))
    this.#inFlight.clear()
  }

  check(): void {
    const link = ++this.#link
    this.#cancelCheck?.()
    const checking = checkServer(this.node, this.#settings.clock).then(async (server) => {
      if (link === this.#link) await this.#previous.end(this.node, server.id)
      return server
    })
    checking.then(
      (server) => link === this.#link && this.#checked(server),
      (error: unknown) => link === this.#link && this.#checked(undefined, error),
    )
  }

  readonly #onReady = (): void => this.check()

  readonly #onClose = (): void => {
    this.#drop()
    this.#events.changed()
  }

  #checked(server: Server | undefined, refusal?: unknown): void {
    this.refusal = refusal
    this.#serverId = server?.id ?? this.#serverId
    this.server = server?.role === 'master' ? server : undefined
    if (this.server === undefined)
      this.#cancelCheck = this.#settings.clock.after(RECHECK_AFTER_MS, () => this.#onRecheck())
    this.#events.changed()
  }

  #onRecheck(): void {
    if (this.node.status === 'ready') this.check()
  }
}
