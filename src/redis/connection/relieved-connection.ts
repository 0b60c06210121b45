// A lent client with a link of our own beside it, which is used while the lent client is connected but cannot carry commands.
import type { Clock, Milliseconds } from '../../model/ports.js'
import type { Argument } from '../client/client.js'
import type { UnusableClient } from '../server/unusable.js'
import type { Connection, ConnectionEvents, Master } from './connection.js'

/** A connection of our own with its client, which `close` closes. */
export interface OwnLink {
  readonly connection: Connection
  close(): void
}

export interface RelievedOptions {
  readonly clock: Clock
  readonly events: ConnectionEvents
  lent(events: ConnectionEvents): Connection
  /** Makes a new link of our own. It is not started yet. */
  own(events: ConnectionEvents): OwnLink
}

/** How long the hand-over to the lent client waits for the commands in flight on the own link, and how often it looks. */
const HAND_OVER_WITHIN_MS: Milliseconds = 1_000
const LOOK_EVERY_MS: Milliseconds = 20

/**
 * The lent client is neither closed nor reconfigured, and the server is not asked to close its link. The link may be alive: a blocking
 * command of the application may be all that delays ours.
 *
 * So a command of ours may still be in the lent link while newer commands go over the own link, and it may be executed after them: when
 * the link heals, when the client reconnects and resends the commands without reply, or at the EXEC of a transaction. Each command is
 * harmless then, as it is when it is executed twice. Conditional commands (claims, fills, renewals) do not find the stamp that they
 * expect; a removal causes a miss at most; a token contains the moment of its planting. Beside each script in `server/scripts.ts` stands
 * the argument for it. No caller waits for these commands any more, and the changes that they contain wait in the journal.
 *
 * Before the lent link takes over again, the commands in flight on the own link get their replies, so that the order of execution is the
 * order of sending.
 */
export class RelievedConnection implements Connection {
  readonly keyPrefix: string
  readonly order: 'one' | 'perSlot'
  readonly mayReadReplicas: boolean
  readonly #options: RelievedOptions
  readonly #lent: Connection
  #own: OwnLink | undefined
  /** The notice that was reported last, until the lent client can be used again. */
  #noticed: UnusableClient['notice'] | undefined
  /** Pending during the hand-over to the lent client: new commands wait for it. */
  #handingOver: Promise<void> | undefined
  #endHandOver: (() => void) | undefined
  #isStopped = false

  constructor(options: RelievedOptions) {
    this.#options = options
    const { events } = options
    this.#lent = options.lent({
      ready: (server) => this.#onLentReady(server),
      unready: (reason) => this.#isOwnReady() || events.unready(reason),
      notice: (code, detail) => events.notice(code, detail),
      timed: (sample) => events.timed(sample),
      unusable: (why) => this.#onUnusable(why),
    })
    this.keyPrefix = this.#lent.keyPrefix
    this.order = this.#lent.order
    this.mayReadReplicas = this.#lent.mayReadReplicas
  }

  get waiting(): number {
    return this.#current().waiting
  }

  isReady(): boolean {
    return this.#current().isReady()
  }

  send(key: string, command: string, args: Argument[]): Promise<unknown> {
    if (this.#handingOver !== undefined) return this.#handingOver.then(() => this.send(key, command, args))
    return this.#current().send(key, command, args)
  }

  serverOf(key: string): string {
    return this.#current().serverOf(key)
  }

  masters(): readonly Master[] {
    return this.#current().masters()
  }

  start(): void {
    this.#lent.start()
  }

  stop(): void {
    this.#isStopped = true
    this.#lent.stop()
    this.#endHandOver?.()
    this.#closeOwn()
  }

  #current(): Connection {
    return this.#own !== undefined && this.#isOwnReady() ? this.#own.connection : this.#lent
  }

  #isOwnReady(): boolean {
    return this.#own?.connection.isReady() === true
  }

  #onUnusable(why: UnusableClient): void {
    if (this.#isStopped) return
    if (this.#noticed !== why.notice) {
      this.#noticed = why.notice
      this.#options.events.notice(why.notice, `${why.message}. Meanwhile the cache uses a connection of its own`, why)
    }
    if (this.#own !== undefined) return
    const { events } = this.#options
    this.#own = this.#options.own({
      ready: (server) => this.#lent.isReady() || events.ready(server),
      unready: (reason) => this.#lent.isReady() || events.unready(reason),
      notice: (code, detail) => events.notice(code, detail),
      timed: (sample) => events.timed(sample),
      unusable: () => undefined,
    })
    this.#own.connection.start()
  }

  #onLentReady(server: 'same' | 'other'): void {
    if (this.#isStopped) return
    const wasInUse = this.#isOwnReady()
    this.#handOver()
    if (this.#noticed !== undefined) {
      this.#noticed = undefined
      this.#options.events.notice(
        'CLIENT_USABLE',
        'the lent client carries commands again; the connection beside it was closed',
      )
    }
    if (server === 'other' || !wasInUse) this.#options.events.ready(server)
  }

  #handOver(): void {
    const own = this.#own
    if (own === undefined || this.#handingOver !== undefined) return
    if (!own.connection.isReady() || own.connection.waiting === 0) {
      this.#closeOwn()
      return
    }
    const { clock } = this.#options
    this.#handingOver = new Promise((resolve) => {
      let leftMs = HAND_OVER_WITHIN_MS
      let cancel: () => void
      const look = (): void => {
        leftMs -= LOOK_EVERY_MS
        if (own.connection.waiting === 0 || leftMs <= 0) this.#endHandOver?.()
        else cancel = clock.after(LOOK_EVERY_MS, look)
      }
      this.#endHandOver = () => {
        cancel()
        this.#endHandOver = undefined
        this.#handingOver = undefined
        // If the lent client has become unusable again, the own link is still needed.
        if (this.#lent.isReady() || this.#isStopped) this.#closeOwn()
        resolve()
      }
      cancel = clock.after(LOOK_EVERY_MS, look)
    })
  }

  #closeOwn(): void {
    const own = this.#own
    this.#own = undefined
    own?.connection.stop()
    own?.close()
  }
}
