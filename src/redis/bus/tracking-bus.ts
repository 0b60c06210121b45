// L1 follows every writer, also those that bypass the SDK: the server tells which keys changed (CLIENT TRACKING, broadcast mode).
// https://redis.io/docs/latest/develop/reference/client-side-caching/
import { types } from 'node:util'
import { asBuffer } from '../../model/as-buffer.js'
import type { Bus, BusEvents, Bytes, Clock, Milliseconds } from '../../model/ports.js'
import { ignoreRejection, type RedisNode, send } from '../client/client.js'
import { isOwn, type OwnChanges } from '../store/own-changes.js'
import type { BusLines } from './bus-dial.js'
import { type Dial, type SessionCalls, SessionLoop } from './bus-session.js'

const FIRST_LOOKS_EVERY_MS: Milliseconds = 50
const CHANNEL = '__redis__:invalidate'

export interface TrackingBusOptions {
  readonly lines: BusLines
  /** What this process changed itself: the server tells that too. */
  readonly own: OwnChanges
  /** The first 32 bytes of what stands under a key now. */
  readonly readHead: (key: string) => Promise<Bytes>
  /** How often each server is asked for a sign of life, and the set of servers is looked at. */
  readonly everyMs: Milliseconds
  /** Beyond its due time a reply is this late before the link counts as dead. */
  readonly graceMs: Milliseconds
}

/**
 * One connection per master, which redirects its invalidations to itself. What changed while a server was not listened to is unknown,
 * so each (re)connect says `lost`.
 *
 * Keys that this process changed lately are looked at before they are told: if what stands there is what it left, nobody else did
 * anything that it does not know of.
 *
 * The server sends invalidations before it sends the replies of later commands, so a reply to PING proves that what was changed before
 * the PING was sent has been told. `heard` is said of the slowest server, and of none while one is not listened to.
 */
export class TrackingBus implements Bus {
  readonly announces = 'none'
  readonly #options: TrackingBusOptions
  readonly #servers = new Map<string, TrackedServer>()
  #isClosed = false
  #cancelLook: (() => void) | undefined

  constructor(options: TrackingBusOptions) {
    this.#options = options
  }

  position(): undefined {
    return undefined
  }

  start(channel: string, events: BusEvents, clock: Clock): void {
    this.#look(channel, events, clock)
  }

  /** Nothing to do: the server itself announces. */
  publish(): Promise<void> {
    return Promise.resolve()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelLook?.()
    for (const server of this.#servers.values()) server.loop.close()
    this.#servers.clear()
  }

  /** Listens to every master there is, now and from time to time. */
  #look(channel: string, events: BusEvents, clock: Clock): void {
    const looking = this.#options.lines.dialMasters().then((masters) => {
      if (this.#isClosed) return
      for (const [name, server] of this.#servers) {
        if (masters.has(name)) continue
        server.loop.close()
        this.#servers.delete(name)
      }
      for (const [name, dial] of masters) {
        if (!this.#servers.has(name)) this.#listenTo(name, dial, { channel, events, clock })
      }
    })
    ignoreRejection(looking)
    // A cluster client that has just begun knows no masters yet.
    const isFirst = this.#servers.size === 0
    this.#cancelLook = clock.after(isFirst ? FIRST_LOOKS_EVERY_MS : this.#options.everyMs, () => {
      if (!this.#isClosed) this.#look(channel, events, clock)
    })
  }

  #listenTo(name: string, dial: Dial, { channel, events, clock }: Audience): void {
    const server: TrackedServer = {
      heardAtMs: undefined,
      loop: new SessionLoop({
        clock,
        // Dialled by name each time: the client's own object for a server changes with its connections.
        dial: async (keeper) => ((await this.#options.lines.dialMasters()).get(name) ?? dial)(keeper),
        listen: (client, calls) => this.#track(server, client, calls, { channel, events, clock }),
        onDown: () => {
          server.heardAtMs = undefined
        },
      }),
    }
    this.#servers.set(name, server)
    server.loop.start()
  }

  async #track(server: TrackedServer, client: RedisNode, calls: SessionCalls, audience: Audience): Promise<never> {
    const { events, clock } = audience
    const { graceMs, everyMs } = this.#options
    const keyPrefix = await this.#options.lines.keyFor(client, '')
    const id = String(await calls.ask(send(client, 'client', ['ID']), graceMs))
    const prefixes = prefixesOf(audience.channel).flatMap((prefix) => ['PREFIX', keyPrefix + prefix])
    const looks = new Set<Promise<void>>()
    client.on('messageBuffer', (_channel, changed) => {
      const look = this.#tellChanges(changed, keyPrefix, calls, events)
      if (look !== undefined) looks.add(look.finally(() => looks.delete(look)))
    })
    await calls.ask(send(client, 'client', ['TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...prefixes]), graceMs)
    await calls.ask(send(client, 'subscribe', [CHANNEL]), graceMs)
    events.lost('listening begins')
    for (;;) {
      const sentAtMs = clock.nowMs()
      await calls.ask(send(client, 'ping', []), graceMs)
      // What was announced before the reply must be told, not only looked at.
      await Promise.all(looks)
      server.heardAtMs = sentAtMs
      this.#tellHeard(events)
      calls.works()
      await calls.pause(everyMs)
    }
  }

  /** `null` says that the server was flushed. Answers what is still being looked at, which never rejects. */
  #tellChanges(changed: unknown, keyPrefix: string, calls: SessionCalls, events: BusEvents): Promise<void> | undefined {
    if (this.#isClosed) return undefined
    if (!Array.isArray(changed)) {
      events.changed('all')
      return undefined
    }
    const others: string[] = []
    const perhapsOwn: string[] = []
    for (const name of changed) {
      // Whoever may publish can send on the server's own channel.
      if (!types.isUint8Array(name)) continue
      const key = asBuffer(name).toString().slice(keyPrefix.length)
      if (this.#options.own.of(key) === undefined) others.push(key)
      else perhapsOwn.push(key)
    }
    if (others.length > 0) events.changed(others)
    return perhapsOwn.length === 0 ? undefined : this.#tellUnlessOwn(perhapsOwn, calls, events)
  }

  async #tellUnlessOwn(keys: readonly string[], calls: SessionCalls, events: BusEvents): Promise<void> {
    const { own, readHead, graceMs } = this.#options
    const look = async (key: string): Promise<string | undefined> => {
      const removed = own.of(key)?.removed === true
      try {
        const head = await calls.ask(readHead(key), graceMs)
        return isOwn({ marks: own.of(key)?.marks ?? [], removed }, head) ? undefined : key
      } catch {
        return key // Not known is changed.
      }
    }
    const others = (await Promise.all(keys.map(look))).filter((key) => key !== undefined)
    if (others.length > 0 && !this.#isClosed) events.changed(others)
  }

  #tellHeard(events: BusEvents): void {
    let slowestAtMs = Number.POSITIVE_INFINITY
    for (const { heardAtMs } of this.#servers.values()) {
      if (heardAtMs === undefined) return
      slowestAtMs = Math.min(slowestAtMs, heardAtMs)
    }
    if (slowestAtMs !== Number.POSITIVE_INFINITY) events.heard(slowestAtMs)
  }
}

interface Audience {
  readonly channel: string
  readonly events: BusEvents
  readonly clock: Clock
}

interface TrackedServer {
  readonly loop: SessionLoop
  /** When the last PING that was answered had been sent; `undefined` while the server is not listened to. */
  heardAtMs: number | undefined
}

/** Entries of the cache, of its namespaces, and tokens of tags and of scopes. None of them begins with another, as the server demands. */
export function prefixesOf(rootName: string): string[] {
  return [`${rootName}:`, `${rootName}/`, `{${rootName}}#t:`, `{${rootName}}#c:`]
}
