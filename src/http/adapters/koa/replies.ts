// Responses of Koa: what a handler has put into the context, and how a response gets into it.
import { Readable } from 'node:stream'
import type { Fields } from '../../rules/fields.js'
import { hasNoBody } from '../../rules/status.js'
import type { ResponseHead } from '../../storage/messages.js'
import type { Body, Sent } from '../common/recorded-body.js'
import { headersOf, setHeaders } from '../node/messages.js'
import type { KoaContext } from './context.js'

/** What is needed of the `Response` of Koa. */
interface KoaResponse {
  status: number
  body: unknown
  readonly message: string
  /** Whether the handler has set `null`, and not just nothing. */
  readonly _explicitNullBody?: boolean
}

/** A response as the handler has made it. */
interface Reply {
  readonly head: ResponseHead
  readonly body: Body
}

const EMPTY = Buffer.alloc(0)

/** The handler's own streams, by those that Koa has instead. */
const sources = new WeakMap<object, Readable>()

/**
 * Runs `next`. When the client leaves, Koa destroys a stream that is the body, although others may wait for the response. So it gets a stream
 * that reads from the handler's own, and nothing is read from it unless inner middleware does: `replyOf` takes the handler's own.
 */
export async function withSafeStreams({ response }: KoaContext, next: () => Promise<unknown>): Promise<void> {
  const prototype: object = Object.getPrototypeOf(response)
  const given = new Set<Readable>()
  Object.defineProperty(response, 'body', {
    configurable: true,
    get: () => Reflect.get(prototype, 'body', response),
    set: (body: unknown) => {
      const safe = body instanceof Readable && !given.has(body) ? relay(body) : body
      if (safe instanceof Readable) given.add(safe)
      Reflect.set(prototype, 'body', safe, response)
    },
  })
  let kept: unknown
  try {
    await next()
    kept = (response as KoaResponse).body
  } finally {
    Reflect.deleteProperty(response, 'body')
    for (const safe of given) if (safe !== kept) endWith(safe)
  }
}

/** Koa destroys a stream that was replaced when the response is over. */
function endWith(safe: Readable): void {
  const source = sources.get(safe)
  if (safe.destroyed) source?.destroy()
  else safe.once('close', () => source?.destroy())
}

function relay(source: Readable): Readable {
  // Whoever reads it meets the failure, at once or later.
  source.on('error', () => undefined)
  const safe = Readable.from(partsOf(source), { objectMode: false })
  sources.set(safe, source)
  return safe
}

/** The source is not touched before the first part is read. */
async function* partsOf(source: Readable) {
  yield* source
}

/** The body that the handler has given the context, if any. */
export function ownBodyOf({ response }: KoaContext): unknown {
  const { body } = response as KoaResponse
  return body instanceof Readable ? (sources.get(body) ?? body) : body
}

/** What the handler has responded; `undefined` if it has written, or will write, the response itself. */
export function replyOf(context: KoaContext, outer: Fields): Reply | undefined {
  const { res, respond } = context
  const response = context.response as KoaResponse
  if (respond === false || res.headersSent || res.writableEnded) return undefined
  const body = bodyOf(response)
  if (body === undefined) return undefined
  // As Koa does for a response that nothing was put into.
  if (isMessage(response)) setHeaders(res, { 'content-type': 'text/plain; charset=utf-8' })
  const headers = headersOf(res)
  const unchanged = Object.keys(outer).filter((name) => String(headers[name]) === String(outer[name]))
  return { head: { status: response.status, headers, outer: new Set(unchanged) }, body }
}

/** The body as Koa would send it. */
function bodyOf(response: KoaResponse): Body | undefined {
  const { body, status, message } = response
  if (isMessage(response)) return Buffer.from(message || String(status))
  if (hasNoBody(status) || status === 205 || body === null || body === undefined) return EMPTY
  if (typeof body === 'string') return Buffer.from(body)
  if (Buffer.isBuffer(body)) return body
  if (body instanceof Readable) return sources.get(body) ?? body
  if (body instanceof Blob) return partsOfWeb(body.stream())
  if (body instanceof ReadableStream) return partsOfWeb(body)
  if (body instanceof Response) return body.body === null ? EMPTY : partsOfWeb(body.body)
  if (typeof (body as { pipe?: unknown }).pipe === 'function') return undefined
  return Buffer.from(JSON.stringify(body))
}

function isMessage({ body, status, _explicitNullBody: isNull }: KoaResponse): boolean {
  return (body === null || body === undefined) && isNull !== true && !hasNoBody(status) && status !== 205
}

function partsOfWeb(stream: unknown): AsyncIterable<Uint8Array> {
  return stream as AsyncIterable<Uint8Array>
}

/** Puts a response into the context. Of what is there, the headers stay that were there before the handler ran. */
export function respondWith(context: KoaContext, { status, headers, body }: Sent, outer: Fields): void {
  const { res } = context
  const response = context.response as KoaResponse
  response.body =
    body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : (body ?? emptyFor(status))
  response.status = status
  for (const name of res.getHeaderNames()) if (outer[name] === undefined) res.removeHeader(name)
  setHeaders(res, { ...outer, ...headers })
}

/** `null` is for a response without a body. That to HEAD has the headers of one. */
function emptyFor(status: number): Buffer | null {
  return hasNoBody(status) ? null : EMPTY
}
