// Standalone and Sentinel: one client, one server at a time, which may be another one after a reconnect.
import { CacheError } from '../../model/errors.js'
import { InFlightSet, type Placed } from '../../model/in-flight-set.js'
import type { Milliseconds } from '../../model/ports.js'
import { faultOf, tlsMistakeOf, toCacheError } from '../client/classify-error.js'
import { type Argument, ignoreRejection, keyPrefixOf, type RedisNode, send } from '../client/client.js'
import { listenTo, stopListening } from '../client/client-events.js'
import { HiddenCause } from '../client/hidden-cause.js'
import { checkServer, type Server } from '../server/server-check.js'
import { Silence } from '../server/silence.js'
import {
  elsewhere,
  inTransaction,
  isSubscribed,
  looksQueued,
  silent,
  subscribed,
  UnusableClient,
} from '../server/unusable.js'
import type { Connection, ConnectionEvents, ConnectionSettings, Master } from './connection.js'
import { HeldWrites } from './held-writes.js'
import { PreviousConnection } from './previous-connection.js'

/** How often a connected server is asked again who it is and what time it has. */
const CHECK_EVERY_MS: Milliseconds = 60_000
/** How soon after it could not answer that, or was a replica. */
const RECHECK_AFTER_MS: Milliseconds = 500
/** How often an open transaction is looked for again: each question is one more command in it. */
const ASK_TRANSACTION_EVERY_MS: Milliseconds = 2_000

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
  readonly #settings: ConnectionSettings
  readonly #events: ConnectionEvents
  readonly #silence: Silence | undefined
  readonly #writes = new HeldWrites()
  readonly #inFlight = new InFlightSet<Sent>()
  readonly #previous = new PreviousConnection()
  #isChecked = false
  #isChecking = false
  #reported: 'ready' | 'unready' | undefined
  #reportedCause: unknown
  readonly #homeDb: number
  /** Another database was selected. */
  #isElsewhere = false
  #lastError: unknown
  /** Counts links: an answer that belongs to an earlier one is ignored. */
  #link = 0
  #cancelCheck: (() => void) | undefined
  #isStopped = false

  constructor(client: RedisNode, settings: ConnectionSettings, events: ConnectionEvents) {
    this.#client = client
    this.#settings = settings
    this.#events = events
    this.keyPrefix = keyPrefixOf(client)
    this.#homeDb = client.options.db ?? 0
    if (settings.silenceMs === undefined) return
    this.#silence = new Silence(settings.clock, settings.silenceMs, {
      waiting: () => this.#inFlight.size,
      bytesRead: () => this.#client.stream?.bytesRead,
      fellSilent: (limitMs) => {
        this.#unusable(silent(limitMs))
        // Its answer, however late, says that the link carries commands again.
        this.#check()
      },
    })
  }

  get waiting(): number {
    return this.#inFlight.size
  }

  isReady(): boolean {
    return this.#isChecked && this.#client.status === 'ready' && this.#client.stream?.writable !== false
  }

  serverOf(): string {
    return this.#settings.inheritance.serverId ?? ''
  }

  send(_key: string, command: string, args: Argument[]): Promise<unknown> {
    if (!this.isReady()) return Promise.reject(this.#unavailable(`send ${command.toUpperCase()}`))
    this.#writes.hold(this.#client.stream)
    return new Promise((resolve, reject) => {
      const sent: Sent = { place: -1, reject }
      this.#inFlight.add(sent)
      this.#silence?.sent()
      send(this.#client, command, args).then(
        (reply) => {
          this.#inFlight.delete(sent)
          this.#silence?.replied()
          if (looksQueued(reply)) this.#unlessQueued(reply, resolve, reject)
          else resolve(reply)
        },
        (error: unknown) => {
          this.#inFlight.delete(sent)
          this.#silence?.replied()
          if (isSubscribed(error) && this.#isChecked) this.#onSubscribed(error)
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
    listenTo(this.#client, 'select', this.#onSelect)
    this.#onSelect(this.#client.condition?.select ?? this.#homeDb)
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
    stopListening(this.#client, 'select', this.#onSelect)
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

  /** The client emits it when SELECT is sent, so that no command of ours follows it unnoticed. */
  readonly #onSelect = (db: unknown): void => {
    const wasElsewhere = this.#isElsewhere
    this.#isElsewhere = db !== this.#homeDb
    if (this.#isElsewhere) this.#unusable(elsewhere(this.#homeDb, Number(db)))
    else if (wasElsewhere && this.#client.status === 'ready') this.#check()
  }

  #onSubscribed(error: unknown): void {
    this.#unusable(subscribed(error))
    this.#checkAgainAfter(RECHECK_AFTER_MS)
  }

  /** A value of a stranger may be this very word. */
  #unlessQueued(reply: unknown, resolve: (reply: unknown) => void, reject: (error: CacheError) => void): void {
    send(this.#client, 'ping', []).then((pong) => {
      if (!looksQueued(pong)) return resolve(reply)
      const why = inTransaction()
      reject(why)
      if (!this.#isChecked) return
      this.#unusable(why)
      this.#awaitTransaction()
    }, reject)
  }

  #awaitTransaction(): void {
    const link = this.#link
    this.#cancelCheck = this.#settings.clock.after(ASK_TRANSACTION_EVERY_MS, () => {
      const asking = send(this.#client, 'ping', []).then((pong) => {
        if (link !== this.#link) return
        if (looksQueued(pong)) this.#awaitTransaction()
        else this.#check()
      })
      ignoreRejection(asking)
    })
  }

  /** The client is connected and cannot be used: what is under way may yet be executed, and nobody waits for it any more. */
  #unusable(why: UnusableClient): void {
    if (this.#isStopped) return
    this.#interrupt(why)
    this.#lastError = why
    this.#events.unusable(why)
    this.#reportUnready(why)
  }

  #drop(reason: CacheError): void {
    this.#interrupt(reason)
    this.#previous.dropped(this.#settings.inheritance.serverId)
  }

  #interrupt(reason: CacheError): void {
    this.#link++
    this.#isChecked = false
    this.#isChecking = false
    this.#cancelCheck?.()
    this.#silence?.end()
    for (const { reject } of this.#inFlight.takeAll()) reject(reason)
  }

  #check(): void {
    if (this.#isElsewhere) return
    this.#cancelCheck?.()
    this.#cancelCheck = undefined
    const link = ++this.#link
    this.#isChecking = true
    const checking = checkServer(this.#client, this.#settings.clock).then(async (server) => {
      if (link === this.#link) await this.#previous.end(this.#client, server.id)
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
    const { inheritance } = this.#settings
    const isOther = inheritance.serverId !== undefined && inheritance.serverId !== server.id
    const isNews = this.#reported !== 'ready' || isOther
    inheritance.serverId = server.id
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
    const why = isSubscribed(reason) ? subscribed(reason) : reason
    this.#lastError = why
    if (why instanceof UnusableClient) this.#events.unusable(why)
    if (why instanceof UnusableClient && why.notice === 'CLIENT_IN_MULTI') this.#awaitTransaction()
    else this.#checkAgainAfter(RECHECK_AFTER_MS)
    this.#reportUnready(why)
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
    this.#cancelCheck = this.#settings.clock.after(delayMs, () => {
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
