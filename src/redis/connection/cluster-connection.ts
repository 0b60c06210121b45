// A cluster: the client routes each command and follows MOVED and ASK; this connection knows which masters can be used now.
import { CacheError } from '../../model/errors.js'
import type { Milliseconds } from '../../model/ports.js'
import { faultBehind, toCacheError } from '../client/classify-error.js'
import {
  type Argument,
  ignoreRejection,
  keyPrefixOf,
  type RedisCluster,
  type RedisNode,
  send,
  slotMasters,
} from '../client/client.js'
import { listenTo } from '../client/client-events.js'
import { type Address, HiddenCause } from '../client/hidden-cause.js'
import type { Server } from '../server/server-check.js'
import { UnusableClient } from '../server/unusable.js'
import type { Connection, ConnectionEvents, ConnectionSettings, Master } from './connection.js'
import { ServerLink } from './server-link.js'
import { slotOf } from './slot.js'
import { TickWrites } from './tick-writes.js'

/** How soon the slots are read again while a master is missing. Doubles up to the longest. */
const REFRESH_AFTER_MS: Milliseconds = 100
const REFRESH_AT_LEAST_EVERY_MS: Milliseconds = 1_000
/** How long the connection waits for the other masters once that of the home slot can be used. */
const SETTLE_WITHIN_MS: Milliseconds = 500
const TIME_EVERY_MS: Milliseconds = 60_000

/**
 * Ready while the master of the home slot is: it has the cache's tokens and its bus, and no entry can be judged without them.
 * A command for a key whose master is not known to be up is rejected at once, because the client would hold it back and retry it.
 */
export class ClusterConnection implements Connection {
  readonly keyPrefix: string
  readonly order = 'perSlot'
  readonly mayReadReplicas: boolean
  readonly #cluster: RedisCluster
  readonly #settings: ConnectionSettings
  readonly #events: ConnectionEvents
  readonly #homeSlot: number
  readonly #writes = new TickWrites()
  /** By the names that the client gives to masters, each for as long as the client keeps the same connection object for it. */
  readonly #masters = new Map<string, ServerLink>()
  #reported: 'ready' | 'unready' | undefined
  #hasNewcomer = false
  /** Whether, since the cluster was connected, all masters could be used at one time, or were waited for long enough. */
  #isSettled = false
  #cancelSettling: (() => void) | undefined
  #lastError: unknown
  /** Whether the outage was reported with its cause. */
  #isExplained = false
  #refreshInMs: Milliseconds = REFRESH_AFTER_MS
  #cancelRefresh: (() => void) | undefined
  #cancelTime: (() => void) | undefined
  #stopListening: (() => void) | undefined
  #isStopped = false

  /** `homeKey` is any key of the slot that all processes of this cache share. */
  constructor(cluster: RedisCluster, homeKey: string, settings: ConnectionSettings, events: ConnectionEvents) {
    this.#cluster = cluster
    this.#settings = settings
    this.#events = events
    this.keyPrefix = keyPrefixOf(cluster)
    this.mayReadReplicas = cluster.options.scaleReads !== undefined && cluster.options.scaleReads !== 'master'
    this.#homeSlot = slotOf(this.keyPrefix + homeKey)
  }

  isReady(): boolean {
    return this.#isSettled && this.#usableMaster(this.#homeSlot) !== undefined
  }

  serverOf(key: string): string {
    return this.#usableMaster(slotOf(this.keyPrefix + key))?.server?.id ?? ''
  }

  send(key: string, command: string, args: Argument[]): Promise<unknown> {
    const master = this.#usableMaster(slotOf(this.keyPrefix + key))
    if (master === undefined) {
      this.#onTopology()
      this.#refreshLater()
      return Promise.reject(this.#unavailable(`send ${command.toUpperCase()}: the master of its slot is not reachable`))
    }
    this.#writes.cork(master.node.stream)
    master.sent()
    return send(this.#cluster, command, args).then(
      (reply) => {
        master.replied()
        return reply
      },
      (error: unknown) => {
        master.replied()
        throw toCacheError(error, `execute ${command.toUpperCase()}`)
      },
    )
  }

  get waiting(): number {
    let waiting = 0
    for (const master of this.#masters.values()) waiting += master.waiting
    return waiting
  }

  masters(): readonly Master[] {
    return [...this.#masters.values()].map((master) => ({
      send: (command, args) => {
        if (master.isReady) return master.send(command, args)
        return Promise.reject(this.#unavailable(`send ${command.toUpperCase()} to one of its masters`))
      },
    }))
  }

  start(): void {
    const [onTopology, onEnd, onError] = [this.#onTopology, this.#onEnd, this.#onError]
    this.#stopListening = listenTo(this.#cluster, {
      // The client emits `refresh` after each reading of the slots.
      ...{ ready: onTopology, '+node': onTopology, '-node': onTopology, refresh: onTopology },
      ...{ close: onEnd, end: onEnd, error: onError, 'node error': onError },
    })
    if (this.#cluster.status === 'wait') ignoreRejection(this.#cluster.connect())
    this.#onTopology()
  }

  stop(): void {
    this.#isStopped = true
    this.#stopListening?.()
    this.#cancelRefresh?.()
    this.#cancelTime?.()
    this.#cancelSettling?.()
    this.#dropMasters()
  }

  readonly #onTopology = (): void => {
    if (this.#cluster.status !== 'ready') return
    const present = slotMasters(this.#cluster)
    for (const [key, master] of this.#masters) {
      if (present.get(key) === master.node) continue
      master.stop(linkDropped())
      this.#masters.delete(key)
    }
    for (const [key, node] of present) {
      if (node !== undefined && !this.#masters.has(key)) this.#addMaster(key, node)
    }
    this.#report()
  }

  #addMaster(key: string, node: RedisNode): void {
    const master: ServerLink = new ServerLink(node, this.#settings, {
      checked: (server) => this.#onMaster(key, master, server),
      refused: (reason) => {
        // A master that was demoted is no mistake of the set-up: the client soon finds its successor.
        if (faultBehind(reason) !== 'readOnly') this.#lastError = reason
        if (reason instanceof UnusableClient) this.#events.unusable(reason)
        this.#report()
      },
      dropped: () => {
        this.#report()
        return linkDropped()
      },
    })
    this.#masters.set(key, master)
    master.start()
  }

  #onMaster(key: string, master: ServerLink, server: Server): void {
    if (this.#isHome(key)) this.#learnTime(server, master)
    // A server that takes over slots of another server may lack its last writes.
    if (this.#settings.inheritance.owners.took(server.id, key, this.#cluster.slots)) this.#hasNewcomer = true
    this.#report()
  }

  #learnTime(server: Server, master: ServerLink): void {
    if (server.time !== undefined) this.#events.timed(server.time)
    this.#cancelTime?.()
    this.#cancelTime = this.#settings.clock.after(TIME_EVERY_MS, () => master.check())
  }

  readonly #onEnd = (): void => {
    this.#cancelSettling?.()
    this.#cancelSettling = undefined
    this.#isSettled = false
    this.#dropMasters()
    this.#report()
  }

  #dropMasters(): void {
    for (const master of this.#masters.values()) master.stop(linkDropped())
    this.#masters.clear()
  }

  /** Also keeps the client from writing the error to the console, as it does when nobody listens. */
  readonly #onError = (error: unknown): void => {
    this.#lastError = error
    if (this.#reported !== 'ready') this.#hidden.look(error)
  }

  readonly #hidden = new HiddenCause(
    () => (this.#cluster.startupNodes ?? []).filter(isAddress),
    (error) => {
      this.#lastError = error
      this.#report()
    },
  )

  #report(): void {
    if (this.#isStopped) return
    if (this.#isComplete()) this.#isSettled = true
    else this.#refreshLater()
    this.#settleInTime()
    if (!this.isReady()) {
      this.#reportUnready()
      return
    }
    if (this.#reported === 'ready' && !this.#hasNewcomer) return
    const server = this.#hasNewcomer ? 'other' : 'same'
    this.#hasNewcomer = false
    this.#reported = 'ready'
    this.#lastError = undefined
    this.#hidden.over()
    this.#events.ready(server)
  }

  /** One master that is down does not keep the cache from using the others. */
  #settleInTime(): void {
    const isWaiting = this.#isSettled || this.#cancelSettling !== undefined
    if (isWaiting || this.#usableMaster(this.#homeSlot) === undefined) return
    this.#cancelSettling = this.#settings.clock.after(SETTLE_WITHIN_MS, () => {
      this.#isSettled = true
      this.#report()
    })
  }

  #reportUnready(): void {
    if (this.#hidden.isLooking) return
    const isFirst = this.#reported === undefined && this.#lastError !== undefined
    const isExplained = this.#reported === 'unready' && !this.#isExplained && this.#lastError !== undefined
    if (this.#reported !== 'ready' && !isFirst && !isExplained) return
    this.#reported = 'unready'
    this.#isExplained = this.#lastError !== undefined
    this.#events.unready(this.#unavailable('be reached'))
  }

  /** Whether every slot that the client knows has a master that can be used. */
  #isComplete(): boolean {
    if (this.#cluster.status !== 'ready' || this.#masters.size === 0) return false
    for (const key of slotMasters(this.#cluster).keys()) if (this.#masters.get(key)?.isReady !== true) return false
    return true
  }

  #usableMaster(slot: number): ServerLink | undefined {
    if (this.#cluster.status !== 'ready') return undefined
    const key = this.#cluster.slots[slot]?.[0]
    const master = key === undefined ? undefined : this.#masters.get(key)
    return master?.isReady ? master : undefined
  }

  #isHome(key: string): boolean {
    return this.#cluster.slots[this.#homeSlot]?.[0] === key
  }

  /** While a master is missing: the client itself reads the slots again only when a server redirects it. */
  #refreshLater(): void {
    if (this.#cancelRefresh !== undefined || this.#isStopped) return
    const delayMs = this.#refreshInMs * (0.5 + Math.random() / 2)
    this.#refreshInMs = Math.min(this.#refreshInMs * 2, REFRESH_AT_LEAST_EVERY_MS)
    this.#cancelRefresh = this.#settings.clock.after(delayMs, () => {
      this.#cancelRefresh = undefined
      if (this.#isComplete()) this.#refreshInMs = REFRESH_AFTER_MS
      else if (this.#cluster.status === 'ready') this.#cluster.refreshSlotsCache?.()
      this.#onTopology()
      this.#report()
    })
  }

  #unavailable(doing: string): CacheError {
    if (this.#lastError !== undefined) return toCacheError(this.#lastError, doing)
    return new CacheError('L2_UNAVAILABLE', `Redis could not ${doing}: the cluster is ${this.#cluster.status}`)
  }
}

function linkDropped(): CacheError {
  return toCacheError(new Error('the link dropped'), 'finish')
}

function isAddress(node: unknown): node is Address {
  return typeof node === 'object' && node !== null
}
