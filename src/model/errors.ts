// The one error class of the SDK and its closed list of codes. docs/errors.md explains each.
import { foreignText } from './foreign-text.js'

/** Why the SDK refuses or fails. Closed: a `switch` over it can be exhaustive. */
export type CacheErrorCode =
  /** An option or argument is not what it must be; nothing was done. */
  | 'INVALID_OPTION'
  /** A key, tag or name is not what it must be; nothing was done. */
  | 'INVALID_KEY'
  /** The value holds something that no tier keeps: a function, a symbol, an instance of a class, what can be read only once. */
  | 'UNSUPPORTED_VALUE'
  /** The loader did not answer within `hardTimeout`. */
  | 'LOAD_TIMEOUT'
  /** A loader asked for a key that waits for that same loader, directly or in a cycle. */
  | 'REENTRANT_LOAD'
  /** The cache was closed before the call. */
  | 'CLOSED'
  /** Bytes in L2 are not an intact entry of this key; they count as a miss. Only in events. */
  | 'ENTRY_CORRUPT'
  /** L2 did not answer in time. Only in events. */
  | 'L2_TIMEOUT'
  /** L2 cannot be reached or refuses work for now. Only in events. */
  | 'L2_UNAVAILABLE'
  /** L2 refuses this client, or is not what the client takes it for: a missing permission, an unknown command. Only in events. */
  | 'L2_MISCONFIGURED'
  /** L2 wants a password, or another one. Only in events. */
  | 'L2_AUTH_FAILED'
  /** Nothing listens at the address of L2. Only in events. */
  | 'L2_CONNECTION_REFUSED'
  /** The host name of L2 leads nowhere. Only in events. */
  | 'L2_HOST_UNKNOWN'
  /** TLS on one side only, or a certificate that is not accepted. Only in events. */
  | 'L2_TLS_FAILED'
  /** The connection leads to a replica, which takes no writes. Only in events. */
  | 'L2_REPLICA'
  /** The package that opens connections is not there. Only in events. */
  | 'L2_CLIENT_MISSING'
  /** A bus message could not be understood; it was ignored. Only in events. */
  | 'BUS_MESSAGE_INVALID'
  /** A value does not satisfy the schema: of L2 it is a miss with an event, of a loader or `set` a rejection. */
  | 'SCHEMA_MISMATCH'
  /** `loadMany` did not answer one result per key. */
  | 'BATCH_MISMATCH'
  /** `save()` or `remove()` of a source that has no `save` or `remove`. */
  | 'NOT_WRITABLE'
  /** A queue of changes (write-behind) stayed full for as long as a change may wait for room. */
  | 'QUEUE_FULL'
  /** A function whose name is missing or may change with the next build was wrapped without the option `name`. */
  | 'NAME_REQUIRED'
  /** The tags of a loaded value could not be derived; it was served and kept nowhere. Only in events. */
  | 'TAGS_FAILED'
  /** The key of a call could not be derived; its value was loaded, served and kept nowhere. Only in events. */
  | 'KEY_FAILED'
  /** A caller changed a value that memory shares (`l1.values: 'checked'`). Only in events. */
  | 'VALUE_CHANGED'
  /** A ttl or another option that is a function could not be derived; the value was served and kept nowhere. Only in events. */
  | 'OPTION_FAILED'

/**
 * An error of the cache itself, never of the user's loader: those pass through untouched.
 * The message says what was expected, what came, and what to do.
 */
export class CacheError extends Error {
  readonly code: CacheErrorCode

  constructor(code: CacheErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  override get name(): string {
    return 'CacheError'
  }
}

/** Refusals do not heal by themselves: to ask again soon is of no use. */
const REFUSALS: ReadonlySet<CacheErrorCode> = new Set(['L2_MISCONFIGURED', 'L2_AUTH_FAILED', 'L2_CLIENT_MISSING'])

/** Whether L2 refused this client for good. */
export function isRefusal(error: unknown): boolean {
  return error instanceof CacheError && REFUSALS.has(error.code)
}

/** What was thrown, if it is an `Error` (of whatever realm); else an `Error` whose `cause` it is. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]') return thrown as Error
  return new Error(`expected an Error to be thrown; got ${show(thrown)}`, { cause: thrown })
}

const LONGEST_SHOWN = 40

/**
 * Renders a refused value for a message: short, one line, never throws. Of a text that may be a secret in the wrong place (a URL, an
 * address, a key, whatever is long) only the length is told.
 */
export function show(value: unknown): string {
  if (typeof value === 'string') return showText(value)
  if (typeof value === 'function') return `a function${value.name === '' ? '' : ` (${foreignText(value.name, 60)})`}`
  if (typeof value === 'symbol') return foreignText(String(value), 60)
  if (value === null || typeof value !== 'object') return String(value).slice(0, LONGEST_SHOWN)
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    return `an object (${foreignText(Object.prototype.toString.call(value).slice(8, -1), 60)})`
  } catch {
    return 'an object that cannot be read'
  }
}

/** Texts that users give the cache to name things by, such as keys: shown although they may be long. */
export function showName(text: string): string {
  return quoted(text, 60)
}

function showText(text: string): string {
  if (text.length > LONGEST_SHOWN) return `a text of ${text.length} characters`
  if (text.includes('://') || text.includes('@'))
    return `a text of ${text.length} characters that looks like a URL or an address`
  return LIKE_A_KEY.test(text)
    ? `a text of ${text.length} characters that looks like a secret`
    : quoted(text, LONGEST_SHOWN)
}

/** As keys, tokens and their hashes look, and no word. */
const LIKE_A_KEY = /^(?=.*\d)[A-Za-z0-9+/_=-]{20,}$/

function quoted(text: string, longest: number): string {
  return `"${foreignText(text.replace(/["\\]/g, '\\$&'), longest)}"`
}
