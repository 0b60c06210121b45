// One master of a cluster as long as the client keeps the same connection object for it.
import type { CacheError } from '../model/errors.js'
import type { Clock, Milliseconds } from '../model/ports.js'
import { toCacheError } from './classify-error.js'
import { type Argument, ignoreRejection, type RedisNode, send } from './client.js'
import { listenTo, stopListening } from './client-events.js'
import type { Master } from './connection.js'
import { Predecessor } from './predecessor.js'
import { checkServer, type Server } from './server-check.js'

const RECHECK_AFTER_MS: Milliseconds = 500

export class ClusterMaster implements Master {
  /** Known once it said who it is; `undefined` again when the link drops. */
  server: Server | undefined
  /** Why it could not, the last time it was asked. */
  refusal: unknown
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #underWay = new Set<(error: CacheError) => void>()
  readonly #predecessor = new Predecessor()
  #serverId: string | undefined
  #link = 0
  #cancelCheck: (() => void) | undefined

  constructor(
    readonly node: RedisNode,
    clock: Clock,
    changed: () => void,
  ) {
    this.#clock = clock
    this.#changed = changed
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
      this.#underWay.add(reject)
      send(this.node, command, args)
        .then(resolve, (error: unknown) => reject(toCacheError(error, doing)))
        .finally(() => this.#underWay.delete(reject))
    })
  }

  stop(): void {
    stopListening(this.node, 'ready', this.#onReady)
    stopListening(this.node, 'close', this.#onClose)
    stopListening(this.node, 'end', this.#onClose)
    this.#drop()
  }

  #drop(): void {
    this.#link++
    this.#cancelCheck?.()
    this.server = undefined
    this.#predecessor.dropped(this.#serverId)
    for (const reject of this.#underWay) reject(toCacheError(new Error('the link dropped'), 'finish'))
    this.#underWay.clear()
  }

  check(): void {
    const link = ++this.#link
    this.#cancelCheck?.()
    const checking = checkServer(this.node, this.#clock).then(async (server) => {
      if (link === this.#link) await this.#predecessor.end(this.node, server.id)
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
    this.#changed()
  }

  #checked(server: Server | undefined, refusal?: unknown): void {
    this.refusal = refusal
    this.#serverId = server?.id ?? this.#serverId
    this.server = server?.role === 'master' ? server : undefined
    if (this.server === undefined) this.#cancelCheck = this.#clock.after(RECHECK_AFTER_MS, () => this.#onRecheck())
    this.#changed()
  }

  #onRecheck(): void {
    if (this.node.status === 'ready') this.check()
  }
}
