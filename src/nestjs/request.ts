// Requests and responses of the two platforms of NestJS: those of Express are messages of Node, those of Fastify have them as `raw`.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { NodeRequest } from '../http/index.js'

/** A request, as far as both platforms agree. Name the type of your own for more: `tags: (request: Request) => …`. */
export interface NestRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
}

/** A request and its response. */
export interface Messages {
  /** The request of the platform, which the functions among the options get. */
  readonly raw: NestRequest
  readonly request: NodeRequest
  readonly response: ServerResponse
}

/** A response of a platform: one of Node, or one that has it and keeps headers of its own. */
type PlatformResponse = ServerResponse | FastifyReply

interface FastifyReply {
  readonly raw: ServerResponse
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>
  header(name: string, value: string): unknown
  hijack(): unknown
}

/** The messages of Node behind those of the platform. */
export function messagesOf(raw: NestRequest & { readonly raw?: NodeRequest }, response: PlatformResponse): Messages {
  return {
    raw,
    request: raw.raw ?? (raw as unknown as NodeRequest),
    response: 'raw' in response ? response.raw : response,
  }
}

/** Headers that were set before, by `@Header()`, guards or hooks, are kept by Fastify until it sends: the response of Node gets them now. */
export function gatherHeaders(response: PlatformResponse): void {
  if (!('raw' in response)) return
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined) response.raw.setHeader(name, value)
  }
}

/** Lets nobody store the response, unless its head is sent or a filter says otherwise. */
export function forbidStoring(response: PlatformResponse): void {
  if ('raw' in response) {
    if (!response.raw.headersSent) response.header('cache-control', 'no-store')
  } else if (!response.headersSent) response.setHeader('cache-control', 'no-store')
}

/** How Nest sends, renders and redirects, on either platform. */
const SENDING = ['send', 'json', 'render', 'view', 'redirect']

/** The response is sent: what Nest sends after its interceptors goes nowhere. */
export function detach(response: PlatformResponse): void {
  if ('raw' in response) response.hijack()
  const methods = response as unknown as Record<string, unknown>
  for (const name of SENDING) if (typeof methods[name] === 'function') methods[name] = () => response
}
