// Requests and responses of Node, as types of our own: frameworks extend them, and tests replace them.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fields } from '../../rules/fields.js'
import type { HttpRequest, HttpResponse } from '../../storage/messages.js'

/** What is needed of a request of Node. Express and Koa have the target that the client sent as `originalUrl`. */
export type NodeRequest = IncomingMessage & { readonly originalUrl?: string }

/** A request of Node for the cache. Without `target`, the one that it has. */
export function requestOf(request: NodeRequest, raw: object = request, target?: string): HttpRequest {
  return new RequestOfNode(request, raw, target)
}

/** Node makes the headers when they are first asked for, which a request that is passed on does not need. */
class RequestOfNode implements HttpRequest {
  readonly method: string
  readonly target: string
  readonly raw: object
  readonly #request: NodeRequest
  #headers: Fields | undefined

  constructor(request: NodeRequest, raw: object, target?: string) {
    const { method = 'GET', url = '/', originalUrl = url } = request
    this.method = method
    this.target = target ?? originalUrl
    this.raw = raw
    this.#request = request
  }

  /** A copy: the handler gets other conditions than the client sent. */
  get headers(): Fields {
    this.#headers ??= { ...this.#request.headers }
    return this.#headers
  }
}

/** Gives a handler these headers instead of those of the client. */
export function replaceHeaders({ headers }: IncomingMessage, conditions: Fields): void {
  for (const [name, value] of Object.entries(conditions)) {
    if (value === undefined) delete headers[name]
    else headers[name] = value as string
  }
}

/** The headers that a response has now, by lower-case name. */
export function headersOf(response: ServerResponse): Fields {
  const headers: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined) headers[name] = typeof value === 'number' ? String(value) : value
  }
  return headers
}

/** Gives a response headers, in the place of those of the same name. */
export function setHeaders(response: ServerResponse, headers: Fields): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
}

/** Sends a complete response whose headers are not sent yet. Headers that others have set stay. */
export function send(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  response.statusCode = status
  response.statusMessage = ''
  setHeaders(response, headers)
  if (body === undefined) response.end()
  else response.end(body)
}
