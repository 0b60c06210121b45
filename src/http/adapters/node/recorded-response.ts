// Records a response of Node while its handler writes it: `writeHead`, `write` and `end` of the response are replaced by our own.
import type { ServerResponse } from 'node:http'
import { nextTick, setTimeout } from '../../../model/time/real-timers.js'
import type { Recording } from '../../exchange/recording.js'
import type { HttpResponse, ResponseHead } from '../../storage/messages.js'
import { headersOf, setHeaders } from './messages.js'
import { applyHead, writtenOf } from './written.js'

/** How long a handler whose client has left may go on for the recording before it learns of it. */
const LONGEST_WITHOUT_CLIENT_MS = 30_000

/**
 * Where the writes of a handler go.
 *
 * - `held`: nothing is sent yet. `end` may come next, and then the response is complete when its head is due.
 * - `sent`: to the client, and to the recording.
 * - `silent`: to the recording only: something else was sent, or there is no client.
 * - `over`: the handler has ended the response.
 */
type State = 'held' | 'sent' | 'silent' | 'over'

/** The methods of a response that are replaced, as they were: surrounding middleware may have replaced them before. */
type Originals = Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'flushHeaders' | 'destroy' | 'emit'>

/** Headers of the connection: they concern this response, whatever is sent. */
const OF_THE_CONNECTION: readonly string[] = ['connection', 'keep-alive']

/**
 * Records what a handler writes to `response`. Middleware between the cache and the handler that replaces methods, such as compression, comes
 * before these, and middleware around the cache after them: so what is recorded is what the inner ones made, with the headers of that moment.
 */
export class RecordedResponse {
  readonly #response: ServerResponse
  readonly #recording: Recording
  readonly #originals: Originals
  /** The headers that were there before the handler ran. */
  readonly #outer: ReturnType<typeof headersOf>
  #state: State = 'held'
  /** Whether somebody is there to get the response. */
  #hasClient: boolean
  #isHeadWritten = false
  /** Whether `finish` or `close` was held back. */
  #holds = false

  /** `'nobody'`: the client has its response already, and the handler runs for the recording. */
  constructor(response: ServerResponse, recording: Recording, audience: 'client' | 'nobody' = 'client') {
    this.#response = response
    this.#recording = recording
    this.#hasClient = audience === 'client'
    this.#outer = headersOf(response)
    const { writeHead, write, end, flushHeaders, destroy, emit } = response
    this.#originals = { writeHead, write, end, flushHeaders, destroy, emit }
    this.#replace()
  }

  /** The handler has failed and wrote nothing. Returns whether a stale response was sent instead. */
  fail(): boolean {
    const isHeld = this.#state === 'held'
    const instead = this.#state === 'over' ? undefined : this.#recording.broken()
    if (!isHeld || instead === undefined) return false
    this.#state = 'over'
    this.#isHeadWritten = true
    this.#deliver(instead)
    return true
  }

  #replace(): void {
    const response = this.#response
    const { emit, destroy, writeHead } = this.#originals
    Object.defineProperty(response, 'headersSent', { configurable: true, get: () => this.#isHeadWritten })
    response.writeHead = ((...args: Parameters<typeof applyHead>[1]) => {
      // A second head, which Node refuses, or the one that is due now.
      if (this.#isHeadWritten) return writeHead.call(response, ...(args as [number]))
      applyHead(response, args)
      this.#isHeadWritten = true
      return response
    }) as ServerResponse['writeHead']
    response.write = ((...args: unknown[]) => this.#write(args)) as ServerResponse['write']
    response.end = ((...args: unknown[]) => this.#end(args)) as ServerResponse['end']
    response.flushHeaders = () => this.#flush()
    response.destroy = (error) => {
      this.#giveUp()
      return destroy.call(response, error)
    }
    response.emit = ((event: string, ...args: unknown[]) =>
      this.#holdsBack(event) ? true : emit.call(response, event, ...args)) as ServerResponse['emit']
  }

  // ── What the handler writes ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Through the method of the response, which middleware may have replaced to add headers at the last moment. */
  #writeHead(): void {
    if (!this.#isHeadWritten) this.#response.writeHead(this.#response.statusCode)
    this.#isHeadWritten = true
  }

  #flush(): void {
    this.#writeHead()
    if (this.#state === 'held') this.#begin()
    if (this.#state === 'sent') this.#originals.flushHeaders.call(this.#response)
  }

  #write(args: readonly unknown[]): boolean {
    const { bytes, callback } = writtenOf(args)
    this.#writeHead()
    if (this.#state === 'held') this.#begin()
    if (bytes !== undefined) this.#recording.chunk(bytes)
    if (this.#state !== 'silent')
      return this.#originals.write.apply(this.#response, args as Parameters<ServerResponse['write']>)
    if (callback !== undefined) nextTick(callback)
    return true
  }

  /** The body comes in parts, so the head is due now. */
  #begin(): void {
    const begun = this.#recording.begin(this.#head())
    this.#state = this.#hasClient && begun.kind === 'forward' ? 'sent' : 'silent'
    if (!this.#hasClient) return
    if (begun.kind === 'instead') this.#deliver(begun.response)
    else {
      setHeaders(this.#response, begun.headers)
      this.#originals.writeHead.call(this.#response, this.#response.statusCode)
    }
  }

  #end(args: readonly unknown[]): ServerResponse {
    const response = this.#response
    const { bytes, callback } = writtenOf(args)
    if (this.#state === 'over') return this.#originals.end.apply(response, args as Parameters<ServerResponse['end']>)
    this.#writeHead()
    const state = this.#state
    this.#state = 'over'
    if (state === 'held') {
      const whole = this.#recording.whole(this.#head(), bytes ?? new Uint8Array())
      if (this.#hasClient) this.#deliver(whole, callback)
      else this.#endForNobody(callback)
      return response
    }
    if (bytes !== undefined) this.#recording.chunk(bytes)
    if (state === 'sent') this.#originals.end.apply(response, args as Parameters<ServerResponse['end']>)
    this.#recording.end()
    if (state === 'silent') this.#endForNobody(callback)
    return response
  }

  #head(): ResponseHead {
    const headers = headersOf(this.#response)
    const outer = Object.keys(this.#outer).filter((name) => String(headers[name]) === String(this.#outer[name]))
    return { status: this.#response.statusCode, headers, outer: new Set(outer) }
  }

  /** Sends a whole response in the place of what the handler has said so far. */
  #deliver({ status, headers, body }: HttpResponse, callback?: () => void): void {
    const response = this.#response
    for (const name of response.getHeaderNames()) {
      if (headers[name] !== undefined || OF_THE_CONNECTION.includes(name)) continue
      const outer = this.#outer[name]
      if (outer === undefined) response.removeHeader(name)
      else response.setHeader(name, outer)
    }
    if (status !== response.statusCode) response.statusMessage = ''
    response.statusCode = status
    setHeaders(response, headers)
    this.#originals.writeHead.call(response, status)
    const end = this.#originals.end as (this: ServerResponse, body?: Uint8Array, callback?: () => void) => void
    end.call(response, body, callback)
  }

  // ── The client leaves, or the handler gives up ──────────────────────────────────────────────────────────────────────────────

  /**
   * `finish` and `close` end the streams of a handler. While it makes a response that others may wait for, it does not learn that the client
   * has its response already, or has left: it goes on, and what waits for `drain` with it.
   */
  #holdsBack(event: string): boolean {
    if ((event !== 'close' && event !== 'finish') || this.#state === 'over' || !this.#recording.isRecording)
      return false
    this.#holds = true
    if (event === 'finish') return true
    if (this.#hasClient) setTimeout(() => this.#giveUp(), LONGEST_WITHOUT_CLIENT_MS).unref()
    this.#hasClient = false
    if (this.#state === 'sent') this.#state = 'silent'
    this.#setClosed(false)
    this.#originals.emit.call(this.#response, 'drain')
    return true
  }

  #endForNobody(callback: (() => void) | undefined): void {
    const response = this.#response
    this.#holds = true
    if (!response.writableEnded) (this.#originals.end as () => void).call(response)
    if (callback !== undefined) nextTick(callback)
    this.#release()
  }

  /** The handler gets what was held back. */
  #release(): void {
    if (!this.#holds) return
    this.#holds = false
    nextTick(() => {
      this.#originals.emit.call(this.#response, 'finish')
      if (this.#hasClient) return
      this.#setClosed(true)
      this.#originals.emit.call(this.#response, 'close')
    })
  }

  #setClosed(isClosed: boolean): void {
    Object.assign(this.#response, { destroyed: isClosed, _closed: isClosed })
  }

  /** The response will not be complete. */
  #giveUp(): void {
    if (this.#state === 'over') return
    const isHeld = this.#state === 'held' && this.#hasClient
    this.#state = 'over'
    const instead = this.#recording.broken()
    if (instead !== undefined && isHeld) this.#deliver(instead)
    this.#release()
  }
}
