// The context of Koa, as a type of our own: it needs only what is used of it here.
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What is needed of the `Context` of Koa. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly response: object
  readonly app: { callback(): (request: IncomingMessage, response: ServerResponse) => Promise<unknown> }
  readonly originalUrl: string
  respond?: boolean | undefined
}
