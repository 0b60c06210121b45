// Requests and responses as every framework can give and take them.
import type { Fields } from '../rules/fields.js'

/** A request, as an adapter describes it. */
export interface HttpRequest {
  readonly method: string
  /** Path and query, exactly as the client sent them. */
  readonly target: string
  /** By lower-case name. */
  readonly headers: Fields
  /** The request object of the framework, which the functions among the options get. */
  readonly raw: object
}

/** Status and headers of a response, as a handler has them when its first byte is due. */
export interface ResponseHead {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Fields
  /** Names of headers that were there before the handler ran. They are judged with the others, and are not stored: every response has its own. */
  readonly outer?: ReadonlySet<string> | undefined
}

/** A response that the cache gives, complete. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Fields
  /** `undefined`: no body, as for HEAD, 304 and 204. */
  readonly body: Uint8Array | undefined
}
