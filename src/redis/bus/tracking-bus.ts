// L1 follows every writer, even one that bypasses the SDK: the server reports which keys changed (CLIENT TRACKING in broadcast mode).
// https://redis.io/docs/latest/develop/reference/client-side-caching/
import { types } from 'node:util'
import { asBuffer } from '../../model/as-buffer.js'
import type { Bus, BusEvents, Bytes, Clock, Milliseconds } from '../../model/ports.js'
import { setImmediate } from '../../model/time/real-timers.js'
import { ignoreRejection, type RedisNode, send } from '../client/client.js'
import { isOwn, type OwnChanges } from '../store/own-changes.js'
import type { BusLines } from './bus-dial.js'
import { type Dial, type SessionCalls, SessionLoop } from './bus-session.js'

const FIRST_LOOKS_EVERY_MS: Milliseconds = 50
const CHANNEL = '__redis__:invalidate'

export interface TrackingBusOptions {
  readonly lines: BusLines
  /** The changes of this process itself: the server reports those, too. */
  readonly own: OwnChanges
  /** Reads the first 32 bytes of the value under a key. */
  readonly readHead: (key: string) => Promise<Bytes>
  /** How often each server is pinged, and how often the bus looks for new servers. */
  readonly everyMs: Milliseconds
  /** How much later than expected a reply may come before the link counts as dead. */
  readonly graceMs: Milliseconds
}

/**
 * One connection per master, which redirects its invalidations to itself. Changes made while the bus does not listen to a server are
 * unknown, so each (re)connect reports `lost`.
 *
 * Keys that this process recently changed are read before they are reported. If the value is still the one that it left there, no other
 * process has made a change that it does not know.
 *
 * The server sends invalidations before the replies to later commands. So a reply to PING proves that every change before the PING was
 * sent has been reported. `heard` has the time of the slowest server, and is not reported while the bus does not listen to one of them.
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

  /** Nothing to do: the server itself announces changes. */
  publish(): Promise<void> {
    return Promise.resolve()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelLook?.()
    for (const server of this.#servers.values()) server.loop.close()
    this.#servers.clear()
  }

  /** Listens to every master, and looks for new masters from time to time. */
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
    // A cluster client that has just started knows no masters yet.
    const isFirst = this.#servers.size === 0
    this.#cancelLook = clock.after(isFirst ? FIRST_LOOKS_EVERY_MS : this.#options.everyMs, () => {
      if (!this.#isClosed) this.#look(channel, events, clock)
    })
  }

  #listenTo(name: string, dial: Dial, { channel, events, clock }: Listening): void {
    const server: TrackedServer = {
      heardAtMs: undefined,
      loop: new SessionLoop({
        clock,
        // Looked up by name each time: the client's object for a server changes with its connections.
        dial: async (lines) => ((await this.#options.lines.dialMasters()).get(name) ?? dial)(lines),
        listen: (client, calls) => this.#track(server, client, calls, { channel, events, clock }),
        onDown: () => {
          server.heardAtMs = undefined
        },
      }),
    }
    this.#servers.set(name, server)
    server.loop.start()
  }

  async #track(server: TrackedServer, client: RedisNode, calls: SessionCalls, listening: Listening): Promise<never> {
    const { events, clock } = listening
    const { graceMs, everyMs } = this.#options
    const keyPrefix = await this.#options.lines.keyFor(client, '')
    const id = String(await calls.ask(send(client, 'client', ['ID']), graceMs))
    const prefixes = prefixesOf(listening.channel).flatMap((prefix) => ['PREFIX', keyPrefix + prefix])
    const comparing = new Set<Promise<void>>()
    client.on('messageBuffer', (_channel, changed) => {
      const comparison = this.#reportChanges(changed, keyPrefix, calls, events)
      if (comparison !== undefined) comparing.add(comparison.finally(() => comparing.delete(comparison)))
    })
    await calls.ask(send(client, 'client', ['TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...prefixes]), graceMs)
    await calls.ask(send(client, 'subscribe', [CHANNEL]), graceMs)
    events.lost('listening begins')
    for (;;) {
      const sentAtMs = clock.nowMs()
      await calls.ask(send(client, 'ping', []), graceMs)
      // Every change that arrived before the reply must be reported first, and some are still being compared.
      await Promise.all(comparing)
      server.heardAtMs = sentAtMs
      this.#reportHeard(events)
      calls.works()
      await calls.pause(everyMs)
    }
  }

  /** `changed` is `null` if the server was flushed. Returns the comparison of own keys, if there are any; it never rejects. */
  #reportChanges(
    changed: unknown,
    keyPrefix: string,
    calls: SessionCalls,
    events: BusEvents,
  ): Promise<void> | undefined {
    if (this.#isClosed) return undefined
    if (!Array.isArray(changed)) {
      events.changed('all')
      return undefined
    }
    const others: string[] = []
    const perhapsOwn: string[] = []
    for (const name of changed) {
      // Any client that may publish can send messages of another form on the server's channel.
      if (!types.isUint8Array(name)) continue
      const key = asBuffer(name).toString().slice(keyPrefix.length)
      if (this.#options.own.of(key) === undefined) others.push(key)
      else perhapsOwn.push(key)
    }
    if (others.length > 0) events.changed(others)
    return perhapsOwn.length === 0 ? undefined : this.#reportUnlessOwn(perhapsOwn, calls, events)
  }

  async #reportUnlessOwn(keys: readonly string[], calls: SessionCalls, events: BusEvents): Promise<void> {
    const { own, readHead, graceMs } = this.#options
    const unlessOwn = async (key: string): Promise<string | undefined> => {
      const removed = own.of(key)?.removed === true
      try {
        const head = await calls.ask(readHead(key), graceMs)
        // The reply to the own command may have come in the same packet: its handlers note the new token first.
        await new Promise<void>((resolve) => void setImmediate(resolve))
        return isOwn({ marks: own.of(key)?.marks ?? [], removed }, head) ? undefined : key
      } catch {
        return key // It is unknown, so it counts as changed.
      }
    }
    const others = (await Promise.all(keys.map(unlessOwn))).filter((key) => key !== undefined)
    if (others.length > 0 && !this.#isClosed) events.changed(others)
  }

  #reportHeard(events: BusEvents): void {
    let slowestAtMs = Number.POSITIVE_INFINITY
    for (const { heardAtMs } of this.#servers.values()) {
      if (heardAtMs === undefined) return
      slowestAtMs = Math.min(slowestAtMs, heardAtMs)
    }
    if (slowestAtMs !== Number.POSITIVE_INFINITY) events.heard(slowestAtMs)
  }
}

interface Listening {
  readonly channel: string
  readonly events: BusEvents
  readonly clock: Clock
}

interface TrackedServer {
  readonly loop: SessionLoop
  /** When the last PING with a reply was sent; `undefined` while the bus does not listen to the server. */
  heardAtMs: number | undefined
}

/** Entries of the cache and of its namespaces, tokens of tags and of scopes. The server requires that no prefix begins with another. */
export function prefixesOf(rootName: string): string[] {
  return [`${rootName}:`, `${rootName}/`, `{${rootName}}#t:`, `{${rootName}}#c:`]
}
