// Requests and replies of Fastify, as types of our own.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Fields } from '../../rules/fields.js'
import type { HttpResponse, ResponseHead } from '../../storage/messages.js'
import type { Body, Sent } from '../common/recorded-body.js'
import { setHeaders } from '../node/messages.js'

/** What is needed of a request of Fastify. */
export interface FastifyRequest {
  readonly raw: IncomingMessage
  readonly originalUrl: string
  readonly routeOptions: { readonly config: object }
  readonly server: { inject: unknown }
}

/** What is needed of a reply of Fastify. */
export interface FastifyReply {
  readonly raw: ServerResponse
  readonly statusCode: number
  /** Whether it is sent, or the handler has taken it over. */
  readonly sent: boolean
  code(status: number): unknown
  getHeaders(): Readonly<Record<string, unknown>>
  header(name: string, value: unknown): unknown
  removeHeader(name: string): unknown
  send(payload?: unknown): unknown
  hijack(): unknown
}

/** The headers that a reply has now, by lower-case name. */
export function replyHeaders(reply: FastifyReply): Fields {
  const headers: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.map(String) : String(value)
  }
  return headers
}

/** Gives a reply headers, in the place of those of the same name. */
export function setReplyHeaders(reply: FastifyReply, headers: Fields): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    // Fastify would append cookies to those that are there.
    reply.removeHeader(name)
    reply.header(name, value)
  }
}

/** Sends a complete response through the reply, with the hooks and headers of the application. */
export function sendReply(method: string, reply: FastifyReply, response: HttpResponse): unknown {
  if (method === 'HEAD') return sendHead(reply, response)
  const { status, headers, body } = response
  reply.code(status)
  setReplyHeaders(reply, headers)
  // Fastify gives bytes a type, which the handler did not, and leaves a stream alone.
  return reply.send(
    body === undefined || headers['content-type'] !== undefined ? bufferOf(body) : Readable.from([body]),
  )
}

/** Fastify makes the length of a response to HEAD from the payload, and there is none. */
function sendHead(reply: FastifyReply, { status, headers }: HttpResponse): unknown {
  const all = { ...replyHeaders(reply), ...headers }
  reply.hijack()
  reply.raw.statusCode = status
  setHeaders(reply.raw, all)
  reply.raw.end()
  return reply
}

/** Puts a recorded response in the place of what the reply has. Of its headers, those stay that were there before the handler ran. */
export function replaceReply(
  reply: FastifyReply,
  { status, headers, body }: Sent,
  outer: Fields,
): Buffer | Readable | undefined {
  reply.code(status)
  for (const name of Object.keys(reply.getHeaders())) if (outer[name] === undefined) reply.removeHeader(name)
  setReplyHeaders(reply, { ...outer, ...headers })
  return body instanceof Uint8Array ? bufferOf(body) : body
}

function bufferOf(body: Uint8Array | undefined): Buffer | undefined {
  return body && Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

/** A response as the handler has made it. */
interface Given {
  readonly head: ResponseHead
  readonly body: Body
}

/** The response that a payload is sent with; `undefined` if the payload is of a kind that cannot be recorded. */
export function givenOf(reply: FastifyReply, payload: unknown, outer: Fields): Given | undefined {
  const isResponse = payload instanceof Response
  const body = bodyOf(isResponse ? payload.body : payload)
  if (body === undefined) return undefined
  const headers = { ...replyHeaders(reply), ...(isResponse && Object.fromEntries(payload.headers)) }
  const unchanged = Object.keys(outer).filter((name) => String(headers[name]) === String(outer[name]))
  const status = isResponse ? payload.status : reply.statusCode
  return { head: { status, headers, outer: new Set(unchanged) }, body }
}

function bodyOf(payload: unknown): Body | undefined {
  if (payload === undefined || payload === null) return new Uint8Array()
  if (typeof payload === 'string') return Buffer.from(payload)
  if (payload instanceof Uint8Array || isIterable(payload)) return payload
  return typeof (payload as { pipe?: unknown }).pipe === 'function'
    ? new Readable().wrap(payload as NodeJS.ReadableStream)
    : undefined
}

function isIterable(payload: unknown): payload is AsyncIterable<Uint8Array | string> {
  return typeof payload === 'object' && payload !== null && Symbol.asyncIterator in payload
}
