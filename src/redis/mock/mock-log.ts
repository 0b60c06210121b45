// The stream of announcements in the data of ioredis-mock.

import { asBuffer } from '../../model/as-buffer.js'
import type { Bytes } from '../../model/ports.js'
import { ANNOUNCEMENT_FIELD, PLACE_FIELD } from '../server/replies.js'
import type { MockData, MockStreamEntry } from './mock-client.js'

/** Short, because the mock copies the whole stream at each read. */
const STREAM_LENGTH = 1_000

/** The announcements after a position, and the position of the last of them. */
export interface Announced {
  readonly position: string
  readonly announcements: readonly Bytes[]
}

/** Entries as in Redis, with ids that are never reused. The mock's own XADD would reuse them: it counts the entries that are left. */
export class MockLog {
  readonly #data: MockData
  readonly #key: string

  constructor(data: MockData, key: string) {
    this.#data = data
    this.#key = key
  }

  append(announcement: Bytes): void {
    this.#add(ANNOUNCEMENT_FIELD, asBuffer(announcement))
  }

  /** Marks the place where a bus begins with an entry of its own, so that the bus notices if the log is removed. */
  join(): string {
    return this.#add(PLACE_FIELD, '')
  }

  /** `undefined` if `position` is no longer in the log. */
  after(position: string): Announced | undefined {
    const entries = this.#data.stream(this.#key)
    const index = entries.findLastIndex(([id]) => id === position)
    if (index < 0) return undefined
    const announcements = entries
      .slice(index + 1)
      .flatMap(([, [field, bytes]]) => (field === ANNOUNCEMENT_FIELD && bytes instanceof Uint8Array ? [bytes] : []))
    return { position: (entries.at(-1) as MockStreamEntry)[0], announcements }
  }

  /** Calls `run` when the log may have changed, until the function that it returns is called. */
  watch(run: () => void): () => void {
    return this.#data.watch(this.#key, run)
  }

  #add(field: string, value: string | Buffer): string {
    const entries = this.#data.stream(this.#key)
    const id = idAfter(entries.at(-1)?.[0])
    this.#data.setStream(this.#key, [...entries, [id, [field, value]] as const].slice(-STREAM_LENGTH))
    return id
  }
}

/** Milliseconds and a count, later than `last` even if `Date` was set back. */
function idAfter(last: string | undefined): string {
  const [lastMs = 0, lastCount = 0] = last?.split('-').map(Number) ?? []
  const nowMs = Date.now()
  return nowMs > lastMs ? `${nowMs}-0` : `${lastMs}-${lastCount + 1}`
}
