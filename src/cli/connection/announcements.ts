// Reads the announcements of a cache from its stream. The SDK's own listener decodes them: it hears them through a bus that this file feeds.
import { type Cache, createCache, type InvalidatedEvent } from '../../index.js'
import type { Bus, BusEvents } from '../../ports/index.js'
import type { Client } from './client.js'
import { busKey } from './names.js'
import type { Settings } from './settings.js'

/** One announcement, as it stands in the stream. */
export interface Announced {
  /** Its id in the stream. */
  readonly id: string
  /** When it was appended, on the server's clock. */
  readonly atMs: number
  /** What it says; empty if this release cannot read it. */
  readonly events: readonly InvalidatedEvent[]
}

/** How many entries of the stream one reply may have. */
const PAGE = 1_000
/** The field of an announcement; other entries mark where a process began to listen. */
const FIELD = 'm'

type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]]

/** Decodes announcements by giving them to a cache as if a bus had delivered them. */
export class AnnouncementReader {
  readonly #client: Client
  readonly #key: string
  readonly #cache: Cache
  #listener: BusEvents | undefined
  #heard: InvalidatedEvent[] = []

  constructor(client: Client, path: string, { cache }: Pick<Settings, 'cache'>) {
    this.#client = client
    this.#key = busKey(path)
    const bus: Bus = {
      announces: 'none',
      position: () => undefined,
      start: (_channel, events) => {
        this.#listener = events
      },
      publish: async () => undefined,
      close: async () => undefined,
    }
    this.#cache = createCache({ name: cache.name, version: cache.version, bus, logger: false })
    this.#cache.on('invalidated', (event) => {
      this.#heard.push(event)
    })
  }

  /** Every announcement from `fromId` on (`-`: from the beginning, `(` before an id: after it), oldest first, in pages. */
  async *from(fromId: string): AsyncGenerator<Announced> {
    let next = fromId
    for (;;) {
      const page = (await this.#client.xrangeBuffer(this.#key, next, '+', 'COUNT', PAGE)) as unknown as RawEntry[]
      yield* this.#decoded(page)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      next = `(${last[0]}`
    }
  }

  /** Waits up to `waitMs` for entries after `id`. Returns their announcements, and the id from which to go on. */
  async after(
    id: string,
    waitMs: number,
  ): Promise<{ readonly announced: readonly Announced[]; readonly lastId: string }> {
    const wait = Math.max(1, Math.round(waitMs))
    const streams = await this.#client.xreadBuffer('COUNT', PAGE, 'BLOCK', wait, 'STREAMS', this.#key, id)
    const entries = ((streams?.[0] as unknown as [Buffer, RawEntry[]] | undefined)?.[1] ?? []) as readonly RawEntry[]
    return { announced: [...this.#decoded(entries)], lastId: String(entries.at(-1)?.[0] ?? id) }
  }

  close(): Promise<void> {
    return this.#cache.close()
  }

  *#decoded(entries: readonly RawEntry[]): Generator<Announced> {
    for (const [rawId, fields] of entries) {
      const at = fields.findIndex((field, i) => i % 2 === 0 && String(field) === FIELD)
      if (at === -1) continue
      const id = String(rawId)
      this.#heard = []
      this.#listener?.message(fields[at + 1] as Buffer)
      yield { id, atMs: Number(id.split('-')[0]), events: this.#heard }
    }
  }
}
