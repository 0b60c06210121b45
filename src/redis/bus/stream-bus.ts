// Announcements through a capped stream: `apply` of the store appends them, and this bus reads them with XREAD BLOCK on its own connection.
import { busKeyOf } from '../../model/keys/key.js'
import type { Bus, BusEvents, Bytes, Clock, Milliseconds } from '../../model/ports.js'
import { faultOf } from '../client/classify-error.js'
import { ignoreRejection, type RedisNode, send } from '../client/client.js'
import { isLaterId, PLACE_FIELD, type StreamEntry, streamIdIn, toEntries, toReadEntries } from '../server/replies.js'
import { ANNOUNCE } from '../server/scripts.js'
import { identifyServer } from '../server/server-check.js'
import { STREAM_LENGTH } from '../store/announce.js'
import type { BusLines } from './bus-dial.js'
import { type SessionCalls, SessionLoop } from './bus-session.js'

/** Entries per reply. */
const PAGE = 1_000

export interface StreamBusOptions {
  readonly lines: BusLines
  /** Appends one announcement without any changes. */
  readonly append: (bytes: Bytes) => Promise<void>
  /** How long the server may wait for announcements before it replies: an idle bus is heard about this often. */
  readonly blockMs: Milliseconds
  /** How much later than expected a reply may come before the link counts as dead. */
  readonly graceMs: Milliseconds
}

/**
 * In each round two requests go out together. XRANGE reads from the last confirmed entry on, that entry included. As long as it is still
 * in the stream, nothing after it was trimmed, and the stream was neither removed nor replaced. So the reply proves that everything
 * announced before XRANGE was *sent* has been delivered, and the bus reports `heard`. XREAD BLOCK waits for new entries and delivers them
 * at once; the next XRANGE confirms them. After a reconnect the bus continues from the last confirmed entry.
 */
export class StreamBus implements Bus {
  readonly announces = 'store'
  readonly #options: StreamBusOptions
  #loop: SessionLoop | undefined
  /** All entries up to this one were delivered, and it was seen in the stream. It is an announcement, or a place entry of our own. */
  #confirmedId: string | undefined
  #deliveredId: string | undefined
  #serverId: string | undefined

  constructor(options: StreamBusOptions) {
    this.#options = options
  }

  position(): string | undefined {
    return this.#deliveredId
  }

  start(channel: string, events: BusEvents, clock: Clock): void {
    const busKey = busKeyOf(channel)
    this.#loop = new SessionLoop({
      clock,
      dial: this.#options.lines.dialOwnerOf(busKey),
      listen: async (client, calls) => {
        const key = await this.#options.lines.keyFor(client, busKey)
        return this.#listen({ client, calls, key, events, clock })
      },
    })
    this.#loop.start()
  }

  publish(bytes: Bytes): Promise<void> {
    return this.#options.append(bytes)
  }

  async close(): Promise<void> {
    this.#loop?.close()
  }

  async #listen(session: Session): Promise<never> {
    const { client, calls, events, clock, key } = session
    const { blockMs, graceMs } = this.#options
    await this.#resume(session)
    for (;;) {
      const sentAtMs = clock.nowMs()
      const confirmed = this.#confirmedId as string
      const confirming = calls.ask(send(client, 'xrange', [key, confirmed, '+', 'COUNT', PAGE]), graceMs)
      const wait = ['BLOCK', Math.max(1, Math.round(blockMs)), 'STREAMS', key, this.#deliveredId as string]
      const waiting = calls.ask(send(client, 'xread', ['COUNT', PAGE, ...wait]), blockMs + graceMs)
      ignoreRejection(waiting) // It is awaited below, unless XRANGE fails first.
      const entries = toEntries(await confirming)
      if (entries[0]?.id !== confirmed) throw this.#forgetPlace(`the stream no longer contains ${confirmed}`)
      this.#deliver(entries, events)
      this.#confirmedId = entries.at(-1)?.id
      // After a full page there may be more entries that were announced before.
      if (entries.length < PAGE) events.heard(sentAtMs)
      calls.works()
      this.#deliver(toReadEntries(await waiting), events)
    }
  }

  #deliver(entries: readonly StreamEntry[], events: BusEvents): void {
    for (const { id, bytes } of entries) {
      if (this.#deliveredId !== undefined && !isLaterId(id, this.#deliveredId)) continue
      this.#deliveredId = id
      if (bytes !== undefined) events.message(bytes)
    }
  }

  /** Finds the place from which to continue, or marks a new one. */
  async #resume({ client, calls, events, key }: Session): Promise<void> {
    const { graceMs } = this.#options
    const { id, role } = await calls.ask(identifyServer(client), graceMs)
    if (role === 'readOnlyReplica') throw new Error('the server is a replica, which may be behind')
    const isOther = this.#serverId !== undefined && this.#serverId !== id
    const wasListening = this.#serverId !== undefined
    if (this.#confirmedId !== undefined) {
      const found = await calls.ask(this.#find(client, key, this.#confirmedId), graceMs)
      if (found) {
        this.#serverId = id
        // Entries that were delivered but not confirmed are delivered again: another server may have other entries with these ids.
        this.#deliveredId = this.#confirmedId
        if (isOther)
          events.lost('another server is connected, which may lack the last announcements of the previous one')
        return
      }
    }
    const place = send(client, 'eval', [ANNOUNCE.body, 1, key, PLACE_FIELD, '', STREAM_LENGTH])
    this.#confirmedId = streamIdIn(await calls.ask(place, graceMs), 'an announcement')
    this.#deliveredId = this.#confirmedId
    this.#serverId = id
    // After the place was marked: `lost` covers all announcements before it, and those after it will be read.
    events.lost(wasListening ? 'the stream was trimmed, removed or replaced' : 'listening begins')
  }

  async #find(client: RedisNode, key: string, id: string): Promise<boolean> {
    try {
      return toEntries(await send(client, 'xrange', [key, id, id])).length === 1
    } catch (error) {
      if (faultOf(error) === 'wrongType') return false
      throw error
    }
  }

  #forgetPlace(reason: string): Error {
    this.#confirmedId = undefined
    return new Error(reason)
  }
}

interface Session {
  readonly client: RedisNode
  readonly calls: SessionCalls
  readonly key: string
  readonly events: BusEvents
  readonly clock: Clock
}
