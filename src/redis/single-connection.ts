// Standalone and Sentinel: one client, one server at a time, which may be another one after a reconnect.
import { CacheError } from '../model/errors.js'
import type { Clock, Milliseconds } from '../model/ports.js'
import { type Placed, UnderWay } from '../model/under-way.js'
import { faultOf, tlsMistakeOf, toCacheError } from './classify-error.js'
import { type Argument, ignoreRejection, keyPrefixOf, type RedisNode, send } from './client.js'
import { listenTo, stopListening } from './client-events.js'
import type { Connection, ConnectionEvents, Master } from './connection.js'
import { HeldWrites } from './held-writes.js'
import { HiddenCause } from './hidden-cause.js'
import { Predecessor } from './predecessor.js'
import { checkServer, type Server } from './server-check.js'

/** How often a connected server is asked again who it is and what time it has. */
const CHECK_EVERY_MS: Milliseconds = 60_000
/** How soon after it could not answer that, or was a replica. */
const RECHECK_AFTER_MS: Milliseconds = 500

interface Sent extends Placed {
  readonly reject: (error: CacheError) => void
}

/**
 * Usable from the moment at which the server said who it is until the link drops.
 *
 * What is under way when the link drops is rejected here: depending on its options, the client would resend it or never settle it.
 */
export class SingleConnection implements Connection {
  readonly keyPrefix: string
  readonly order = 'one'
  readonly mayReadReplicas = false
  readonly #client: RedisNode
  readonly #clock: Clock
  readonly #events: ConnectionEvents
  readonly #writes = new HeldWrites()
  readonly #underWay = new UnderWay<Sent>()
  readonly #predecessor = new Predecessor()
  #isChecked = false
  #isChecking = false
  #reported: 'ready' | 'unready' | undefined
  #reportedCause: unknown
  #serverId: string | undefined
  #lastError: unknown
  /** Counts links: an answer that belongs to an earlier one is ignored. */
  #link = 0
  #cancelCheck: (() => void) | undefined
  #isStopped = false

  constructor(client: RedisNode, clock: Clock, events: ConnectionEvents) {
    this.#client = client
    this.#clock = clock
    this.#events = events
    this.keyPrefix = keyPrefixOf(client)
  }

  isReady(): boolean {
    return this.#isChecked && this.#client.status === 'ready' && this.#client.stream?.writable !== false
  }

  serverOf(): string {
    return this.#serverId ?? ''
  }

  send(_key: string, command: string, args: Argument[]): Promise<unknown> {
    if (!this.isReady()) return Promise.reject(this.#unavailable(`send ${command.toUpperCase()}`))
    this.#writes.hold(this.#client.stream)
    return new Promise((resolve, reject) => {
      const sent: Sent = { place: -1, reject }
      this.#underWay.add(sent)
      send(this.#client, command, args).then(
        (reply) => {
          this.#underWay.delete(sent)
          resolve(reply)
        },
        (error: unknown) => {
          this.#underWay.delete(sent)
          if (faultOf(error) === 'readOnly' && !this.#isChecking) this.#check()
          reject(
            faultOf(error) === 'moved' ? nodeOfCluster(error) : toCacheError(error, `execute ${command.toUpperCase()}`),
          )
        },
      )
    })
  }

  masters(): readonly Master[] {
    return [{ send: (command, args) => this.send('', command, args) }]
  }

  start(): void {
    listenTo(this.#client, 'ready', this.#onReady)
    listenTo(this.#client, 'close', this.#onClose)
    listenTo(this.#client, 'end', this.#onClose)
    listenTo(this.#client, 'error', this.#onError)
    listenTo(this.#client, 'sentinelError', this.#onSentinelError)
    if (this.#client.status === 'ready') this.#check()
    // A client made with `lazyConnect` connects at its first command, and none is sent before it is connected.
    if (this.#client.status === 'wait') ignoreRejection(this.#client.connect())
  }

  stop(): void {
    this.#isStopped = true
    stopListening(this.#client, 'ready', this.#onReady)
    stopListening(this.#client, 'close', this.#onClose)
    stopListening(this.#client, 'end', this.#onClose)
    stopListening(this.#client, 'error', this.#onError)
    stopListening(this.#client, 'sentinelError', this.#onSentinelError)
    this.#drop(new CacheError('L2_UNAVAILABLE', 'the cache was closed'))
  }

  readonly #onReady = (): void => {
    this.#hidden.over()
    this.#lastError = undefined
    this.#check()
  }

  readonly #onClose = (): void => {
    const reason = this.#unavailable('be reached')
    this.#drop(reason)
    this.#reportUnready(reason)
  }

  /** Also keeps the client from writing the error to the console, as it does when nobody listens. */
  readonly #onError = (error: unknown): void => {
    // That no sentinel is left to ask says less than what one of them said.
    if (this.#lastError === undefined || !isSummary(error)) this.#lastError = error
    if (this.#client.status === 'ready' || this.#hidden.look(error)) return
    // Nothing else may come: while sentinels are asked again and again there is no link that could end.
    this.#reportUnready(this.#unavailable('be reached'))
  }

  readonly #hidden = new HiddenCause(
    () => this.#client.options.sentinels ?? [],
    (error) => {
      if (this.#client.status === 'ready') return
      this.#lastError = error
      this.#reportUnready(this.#unavailable('be reached'))
    },
  )

  readonly #onSentinelError = (error: unknown): void => {
    this.#lastError = error
  }

  #drop(reason: CacheError): void {
    this.#link++
    this.#isChecked = false
    this.#isChecking = false
    this.#cancelCheck?.()
    this.#predecessor.dropped(this.#serverId)
    for (const { reject } of this.#underWay.takeAll()) reject(reason)
  }

  #check(): void {
    this.#cancelCheck?.()
    this.#cancelCheck = undefined
    const link = ++this.#link
    this.#isChecking = true
    const checking = checkServer(this.#client, this.#clock).then(async (server) => {
      if (link === this.#link) await this.#predecessor.end(this.#client, server.id)
      return server
    })
    checking.then(
      (server) => link === this.#link && this.#checked(server),
      (error: unknown) => link === this.#link && this.#refused(toCacheError(error, 'say who it is')),
    )
  }

  #checked(server: Server): void {
    if (server.role === 'readOnlyReplica') {
      this.#refused(toCacheError(new Error('READONLY this server is a replica'), 'be used'))
      return
    }
    const isOther = this.#serverId !== undefined && this.#serverId !== server.id
    const isNews = this.#reported !== 'ready' || isOther
    this.#serverId = server.id
    if (server.time !== undefined) this.#events.timed(server.time)
    this.#isChecked = true
    this.#isChecking = false
    this.#lastError = undefined
    this.#reported = 'ready'
    this.#checkAgainAfter(CHECK_EVERY_MS)
    if (isNews) this.#events.ready(isOther ? 'other' : 'same')
  }

  #refused(reason: CacheError): void {
    this.#isChecked = false
    this.#isChecking = false
    this.#lastError = reason
    this.#checkAgainAfter(RECHECK_AFTER_MS)
    this.#reportUnready(reason)
  }

  /** Once, and once more when it is known why. */
  #reportUnready(reason: CacheError): void {
    const isNews = this.#reported !== 'unready' || (this.#reportedCause === undefined && reason.cause !== undefined)
    if (!isNews || this.#isStopped || this.#hidden.isLooking) return
    this.#reported = 'unready'
    this.#reportedCause = reason.cause
    this.#events.unready(reason)
  }

  #checkAgainAfter(delayMs: Milliseconds): void {
    this.#cancelCheck = this.#clock.after(delayMs, () => {
      if (!this.#isStopped && this.#client.status === 'ready') this.#check()
    })
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

function nodeOfCluster(cause: unknown): CacheError {
  const message =
    'the server is a node of a cluster; pass new Cluster([{ host, port }]), or { cluster: [{ host, port }] }'
  return new CacheError('L2_MISCONFIGURED', `redisTier expected a standalone server; ${message}`, { cause })
}
