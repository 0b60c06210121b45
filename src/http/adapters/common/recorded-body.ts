// Records a response that a framework of Node holds as a value before it sends it: its body is whole, or a stream.
import { Readable } from 'node:stream'
import { clearTimeout, setTimeout } from '../../../model/time/real-timers.js'
import type { Recording } from '../../exchange/recording.js'
import type { Fields } from '../../rules/fields.js'
import type { ResponseHead } from '../../storage/messages.js'

/** A body before it is sent. */
export type Body = Uint8Array | AsyncIterable<Uint8Array | string>

/** What the client gets. */
export interface Sent {
  readonly status: number
  readonly headers: Fields
  readonly body: Uint8Array | Readable | undefined
}

/** How long a body is read for the recording alone once its client has left. */
const LONGEST_WITHOUT_CLIENT_MS = 30_000

/** Records a response. A stream is recorded while the client reads it, as fast as that; when it leaves, for those who wait for the response. */
export function recordBody(recording: Recording, head: ResponseHead, body: Body): Sent {
  if (body instanceof Uint8Array) return recording.whole(head, body)
  const begun = recording.begin(head)
  const source = new Source(recording, body)
  if (begun.kind === 'instead') {
    void source.readToEnd()
    return begun.response
  }
  return { status: head.status, headers: begun.headers, body: streamOf(source) }
}

/** Records a response that no client gets. Resolves at its end. */
export async function recordForNobody(recording: Recording, head: ResponseHead, body: Body): Promise<void> {
  if (body instanceof Uint8Array) recording.whole(head, body)
  else {
    recording.begin(head)
    await new Source(recording, body).readToEnd()
  }
}

function streamOf(source: Source): Readable {
  return new Readable({
    read() {
      source.read().then(
        (part) => this.push(part ?? null),
        (error) => this.destroy(error),
      )
    },
    destroy(error, callback) {
      void source.readToEnd()
      callback(error)
    },
  })
}

/** A body that is recorded as it is read. */
class Source {
  readonly #recording: Recording
  readonly #parts: AsyncIterator<Uint8Array | string>
  /** The first part is read at once, so that a stream that fails early is heard. */
  #next: ReturnType<AsyncIterator<Uint8Array | string>['next']> | undefined
  #isOver = false

  constructor(recording: Recording, body: AsyncIterable<Uint8Array | string>) {
    this.#recording = recording
    this.#parts = body[Symbol.asyncIterator]()
    this.#next = this.#parts.next()
    // A failure is met where the part is used.
    this.#next.catch(() => undefined)
  }

  /** The next part; `undefined` at the end. Rejects if the body breaks off. */
  async read(): Promise<Uint8Array | undefined> {
    const reading = this.#next ?? this.#parts.next()
    this.#next = undefined
    try {
      const { done, value } = await reading
      if (done === true) {
        this.#isOver = true
        this.#recording.end()
        return undefined
      }
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      this.#recording.chunk(bytes)
      return bytes
    } catch (error) {
      this.#isOver = true
      this.#recording.broken()
      throw error
    }
  }

  /** Reads for the recording, as long as the response may still be stored. */
  async readToEnd(): Promise<void> {
    if (this.#isOver) return
    const limit = setTimeout(() => this.#leave(), LONGEST_WITHOUT_CLIENT_MS)
    limit.unref()
    try {
      while (this.#recording.isRecording) if ((await this.read()) === undefined) return
      this.#leave()
    } catch {
      // The recording knows.
    } finally {
      clearTimeout(limit)
    }
  }

  /** Tells the body that nobody reads it any more. */
  #leave(): void {
    this.#recording.broken()
    // What it does then is its own.
    this.#parts.return?.()?.then(undefined, () => undefined)
  }
}
