// The stream of announcements in the data of ioredis-mock.
import { asBuffer } from '../../model/as-buffer.js'
import type { Bytes } from '../../model/ports.js'
import { ANNOUNCEMENT_FIELD, PLACE_FIELD } from '../server/replies.js'
import type { MockData, MockStreamEntry } from './mock-client.js'

/** The mock copies the whole stream at each look. */
const STREAM_LENGTH = 1_000

/** What was announced after a position, and the position after that. */
export interface Announced {
  readonly position: string
  readonly announcements: readonly Bytes[]
}

/** Entries as Redis has them, with ids that never come again: the mock's own XADD counts the entries that are left. */
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

  /** Where a bus begins: an entry of its own, so that a log which was removed is noticed. */
  join(): string {
    return this.#add(PLACE_FIELD, '')
  }

  /** `undefined` when `position` is no longer in the log. */
  after(position: string): Announced | undefined {
    const entries = this.#data.stream(this.#key)
    const index = entries.findLastIndex(([id]) => id === position)
    if (index < 0) return undefined
    const announcements = entries
      .slice(index + 1)
      .flatMap(([, [field, bytes]]) => (field === ANNOUNCEMENT_FIELD && bytes instanceof Uint8Array ? [bytes] : []))
    return { position: (entries.at(-1) as MockStreamEntry)[0], announcements }
  }

  /** Calls `run` when the log may have changed; returns what ends that. */
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

/** Milliseconds and a count, later than `last`, also where `Date` was set back. */
function idAfter(last: string | undefined): string {
  const [lastMs = 0, lastCount = 0] = last?.split('-').map(Number) ?? []
  const nowMs = Date.now()
  return nowMs > lastMs ? `${nowMs}-0` : `${lastMs}-${lastCount + 1}`
}
