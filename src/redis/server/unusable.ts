// The reasons why a connected client cannot carry the commands of a cache.
import { CacheError } from '../../model/errors.js'
import type { Milliseconds } from '../../model/ports.js'

/** Each reason is reported under this code. */
export type UnusableCode =
  /** No reply comes over its link although commands wait. */
  | 'CLIENT_SILENT'
  /** The application opened a transaction on the client. */
  | 'CLIENT_IN_MULTI'
  /** The application subscribed with the client. */
  | 'CLIENT_SUBSCRIBED'
  /** The application selected another database. */
  | 'CLIENT_DB_CHANGED'

/** A client is connected but cannot be used now. */
export class UnusableClient extends CacheError {
  constructor(
    readonly notice: UnusableCode,
    code: 'L2_TIMEOUT' | 'L2_UNAVAILABLE',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(code, message, options)
  }
}

const OWN_CLIENT = 'Give the cache a client of its own: redisTier(client.duplicate())'

export function silent(limitMs: Milliseconds): UnusableClient {
  const message = `expected replies over the lent client; nothing came for ${limitMs} ms although commands wait. The link may be half-open`
  return new UnusableClient('CLIENT_SILENT', 'L2_TIMEOUT', message)
}

export function inTransaction(): UnusableClient {
  const message = `expected replies over the lent client; a transaction (MULTI) is open on it, so Redis only queues commands. ${OWN_CLIENT}`
  return new UnusableClient('CLIENT_IN_MULTI', 'L2_UNAVAILABLE', message)
}

export function subscribed(cause: unknown): UnusableClient {
  const message = `expected a client for commands; the lent one is in subscriber mode. ${OWN_CLIENT}`
  return new UnusableClient('CLIENT_SUBSCRIBED', 'L2_UNAVAILABLE', message, { cause })
}

export function elsewhere(homeDb: number, db: number): UnusableClient {
  const message = `expected the lent client to stay on database ${homeDb}; SELECT ${db} was sent over it. ${OWN_CLIENT}`
  return new UnusableClient('CLIENT_DB_CHANGED', 'L2_UNAVAILABLE', message)
}

/** Whether a reply says that the command was queued in a transaction. A stored value may look the same. */
export function looksQueued(reply: unknown): boolean {
  return reply instanceof Uint8Array && reply.length === 6 && String(reply) === 'QUEUED'
}

/** Whether a command was refused because the client has subscribed. Servers and clients word this differently. */
export function isSubscribed(error: unknown): boolean {
  return error instanceof Error && /subscriber mode|in this context/i.test(error.message)
}
