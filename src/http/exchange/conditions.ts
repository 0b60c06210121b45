// Which requests a stored response can answer at all, and what a handler is asked whose response is recorded.
import { type Fields, fieldOf } from '../rules/fields.js'
import type { Previous } from '../storage/plan.js'
import type { RoutePolicy } from '../storage/policy.js'

/** Requests that a stored response cannot answer: with a body, for another protocol, or with a precondition (RFC 9110 §13.1.1, §13.1.4). */
export function isSpecial(headers: Fields): boolean {
  return (
    headers.upgrade !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  )
}

/**
 * The headers of the request that the handler gets instead of the client's: for the whole, unless it confirms the stored response (RFC 9111
 * §4.3.1), and for a body that is not encoded if the cache encodes. `undefined` removes a header.
 */
export function conditionsFor(
  previous: Previous | undefined,
  { encodings }: Pick<RoutePolicy<never>, 'encodings'>,
): Fields {
  const plain = encodings.length === 0 ? {} : { 'accept-encoding': undefined }
  if (previous === undefined) return { ...plain, 'if-none-match': undefined, 'if-modified-since': undefined }
  const { headers, isOwnEtag } = previous.response
  return {
    ...plain,
    // The handler knows nothing of an ETag that was made here.
    'if-none-match': isOwnEtag ? undefined : fieldOf(headers, 'etag'),
    'if-modified-since': fieldOf(headers, 'last-modified'),
  }
}
