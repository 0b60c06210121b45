// A client's link to one server: which server it is, what is in flight, and whether commands get through.
import type { CacheError } from '../../model/errors.js'
import { InFlightSet, type Placed } from '../../model/in-flight-set.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import { faultOf, toCacheError } from '../client/classify-error.js'
import { type Argument, ignoreRejection, type RedisNode, send } from '../client/client.js'
import { listenTo } from '../client/client-events.js'
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
import type { ConnectionSettings } from './connection.js'
import { PreviousConnection } from './previous-connection.js'

/** What a link reports to its connection. */
export interface LinkOwner {
  /** The client has connected. The server is checked next. */
  connected?(): void
  /** The server said who it is, and it takes writes. */
  checked(server: Server): void
  /** The server cannot be used now. An `UnusableClient`: the client is connected, but it cannot carry commands. */
  refused(reason: CacheError): void
  /** The link dropped. Returns the reason with which the commands in flight reject. */
  dropped(): CacheError
}

/** How soon a server that could not be used is checked again. */
const RECHECK_AFTER_MS: Milliseconds = 500
/** How often an open transaction is looked for: each PING is one more command in it. */
const LOOK_FOR_TRANSACTION_EVERY_MS: Milliseconds = 2_000

interface Sent extends Placed {
  readonly reject: (error: CacheError) => void
}

/**
 * The link is ready from the moment at which the server has said who it is until the link drops.
 *
 * Commands in flight when the link drops are rejected here: depending on its options, the client would resend or never settle them.
 */
export class ServerLink {
  readonly #clock: Clock
  readonly #silence: Silence | undefined
  readonly #inFlight = new InFlightSet<Sent>()
  #routed = 0
  readonly #previous = new PreviousConnection()
  #server: Server | undefined
  #isChecking = false
  readonly #homeDb: number
  /** Another database was selected. */
  #isElsewhere = false
  /** Counts checks and interruptions: a reply that belongs to an earlier one is ignored. */
  #round = 0
  #cancelCheck: (() => void) | undefined
  #stopListening: (() => void) | undefined

  constructor(
    readonly node: RedisNode,
    { clock, silenceMs }: ConnectionSettings,
    private readonly owner: LinkOwner,
  ) {
    this.#clock = clock
    this.#homeDb = node.options.db ?? 0
    if (silenceMs === undefined) return
    this.#silence = new Silence(clock, silenceMs, {
      waiting: () => this.waiting,
      bytesRead: () => node.stream?.bytesRead,
      fellSilent: (limitMs) => {
        this.#becomeUnusable(silent(limitMs))
        // A reply to this, however late, says that the link carries commands again.
        this.check()
      },
    })
  }

  /** The server at the other end, once it was checked; `undefined` again when the link drops. */
  get server(): Server | undefined {
    return this.#server
  }

  get isReady(): boolean {
    return this.#server !== undefined && this.node.status === 'ready' && this.node.stream?.writable !== false
  }

  /** How many commands wait for a reply. */
  get waiting(): number {
    return this.#inFlight.size + this.#routed
  }

  start(): void {
    this.#stopListening = listenTo(this.node, {
      ready: this.#onReady,
      close: this.#onClose,
      end: this.#onClose,
      select: this.#onSelect,
    })
    this.#onSelect(this.node.condition?.select ?? this.#homeDb)
    if (this.node.status === 'ready') this.check()
    // A client made with `lazyConnect` connects at its first command, and none is sent before it is connected.
    if (this.node.status === 'wait') ignoreRejection(this.node.connect())
  }

  stop(reason: CacheError): void {
    this.#stopListening?.()
    this.#drop(reason)
  }

  /** Sends a command. Call it only while the link is ready. */
  send(command: string, args: Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const sent: Sent = { place: -1, reject }
      this.#inFlight.add(sent)
      this.#silence?.sent()
      send(this.node, command, args).then(
        (reply) => {
          this.#inFlight.delete(sent)
          this.#silence?.replied()
          if (looksQueued(reply)) this.#unlessQueued(reply, resolve, reject)
          else resolve(reply)
        },
        (error: unknown) => {
          this.#inFlight.delete(sent)
          this.#silence?.replied()
          this.#learnFrom(error)
          reject(toCacheError(error, `execute ${command.toUpperCase()}`))
        },
      )
    })
  }

  /** A cluster client sends a command over this link by itself; `replied` must follow. */
  sent(): void {
    this.#routed++
    this.#silence?.sent()
  }

  replied(): void {
    this.#routed--
    this.#silence?.replied()
  }

  /** Asks the server who it is. A link that is ready stays ready meanwhile. */
  check(): void {
    if (this.#isElsewhere) return
    this.#cancelCheck?.()
    this.#isChecking = true
    const round = ++this.#round
    const checking = checkServer(this.node, this.#clock).then(async (server) => {
      if (round === this.#round) await this.#previous.end(this.node, server.id)
      return server
    })
    checking.then(
      (server) => round === this.#round && this.#checked(server),
      (error: unknown) => round === this.#round && this.#refused(toCacheError(error, 'be identified')),
    )
  }

  checkAfter(delayMs: Milliseconds): void {
    this.#cancelCheck?.()
    this.#cancelCheck = this.#clock.after(delayMs, () => {
      if (this.node.status === 'ready') this.check()
    })
  }

  readonly #onReady = (): void => {
    this.owner.connected?.()
    this.check()
  }

  readonly #onClose = (): void => {
    this.#server = undefined
    this.#drop(this.owner.dropped())
  }

  /** The client emits it when SELECT is sent, so no command of ours follows it unnoticed. */
  readonly #onSelect = (db: unknown): void => {
    const wasElsewhere = this.#isElsewhere
    this.#isElsewhere = db !== this.#homeDb
    if (this.#isElsewhere) this.#becomeUnusable(elsewhere(this.#homeDb, Number(db)))
    else if (wasElsewhere && this.node.status === 'ready') this.check()
  }

  #drop(reason: CacheError): void {
    this.#interrupt(reason)
    this.#previous.dropped()
  }

  /** What is in flight may still be executed, and nobody waits for it any more. */
  #becomeUnusable(why: UnusableClient): void {
    this.#interrupt(why)
    this.owner.refused(why)
  }

  #interrupt(reason: CacheError): void {
    this.#round++
    this.#server = undefined
    this.#isChecking = false
    this.#cancelCheck?.()
    this.#silence?.end()
    for (const { reject } of this.#inFlight.takeAll()) reject(reason)
  }

  #checked(server: Server): void {
    if (server.role === 'readOnlyReplica') {
      this.#refused(toCacheError(new Error('READONLY this server is a replica'), 'be used'))
      return
    }
    this.#isChecking = false
    this.#server = server
    this.owner.checked(server)
  }

  #refused(reason: CacheError): void {
    this.#isChecking = false
    this.#server = undefined
    const why = isSubscribed(reason) ? subscribed(reason) : reason
    if (why instanceof UnusableClient && why.notice === 'CLIENT_IN_MULTI') this.#awaitEndOfTransaction()
    else this.checkAfter(RECHECK_AFTER_MS)
    this.owner.refused(why)
  }

  #learnFrom(error: unknown): void {
    if (this.#server === undefined) return
    if (isSubscribed(error)) {
      this.#becomeUnusable(subscribed(error))
      this.checkAfter(RECHECK_AFTER_MS)
    } else if (faultOf(error) === 'readOnly' && !this.#isChecking) {
      this.check()
    }
  }

  /** The reply may also be a stored value that is this very word, so PING is asked. */
  #unlessQueued(reply: unknown, resolve: (reply: unknown) => void, reject: (error: CacheError) => void): void {
    send(this.node, 'ping', []).then(
      (pong) => {
        if (!looksQueued(pong)) return resolve(reply)
        const why = inTransaction()
        reject(why)
        if (this.#server === undefined) return
        this.#becomeUnusable(why)
        this.#awaitEndOfTransaction()
      },
      (error: unknown) => reject(toCacheError(error, 'execute PING')),
    )
  }

  #awaitEndOfTransaction(): void {
    const round = this.#round
    this.#cancelCheck?.()
    this.#cancelCheck = this.#clock.after(LOOK_FOR_TRANSACTION_EVERY_MS, () => {
      const asking = send(this.node, 'ping', []).then((pong) => {
        if (round !== this.#round) return
        if (looksQueued(pong)) this.#awaitEndOfTransaction()
        else this.check()
      })
      ignoreRejection(asking)
    })
  }
}
