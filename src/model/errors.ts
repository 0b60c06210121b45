// The one error class of the SDK and its closed list of codes. docs/errors.md explains each.
import { foreignText } from './text/foreign-text.js'

/** The code of a `CacheError`: what was refused or failed. The list is closed, so a `switch` over it can be exhaustive. */
export type CacheErrorCode =
  /** An option or argument is wrong; nothing was done. */
  | 'INVALID_OPTION'
  /** A key, tag or name is wrong; nothing was done. */
  | 'INVALID_KEY'
  /** The value contains something that no tier keeps: a function, a symbol, a class instance, or something that can be read only once. */
  | 'UNSUPPORTED_VALUE'
  /** The loader did not return within `hardTimeout`. */
  | 'LOAD_TIMEOUT'
  /** A loader asked for a key that waits for that same loader, directly or in a cycle. */
  | 'REENTRANT_LOAD'
  /** The cache was closed before the call. */
  | 'CLOSED'
  /** Bytes in L2 are not an intact entry of this key; they count as a miss. Only in events. */
  | 'ENTRY_CORRUPT'
  /** L2 did not reply in time. Only in events and from `ready()`, as all codes that begin with `L2_`. */
  | 'L2_TIMEOUT'
  /** L2 cannot be reached or refuses work for now. Only in events, and from `ready()`, `deleteByPrefix()`, `update()` and `pull()`. */
  | 'L2_UNAVAILABLE'
  /** L2 refuses this client, or is not what the client expects: a missing permission, an unknown command. Only in events. */
  | 'L2_MISCONFIGURED'
  /** L2 requires a password, or a different one. Only in events. */
  | 'L2_AUTH_FAILED'
  /** Nothing listens at the address of L2. Only in events. */
  | 'L2_CONNECTION_REFUSED'
  /** The host name of L2 does not resolve. Only in events. */
  | 'L2_HOST_UNKNOWN'
  /** Only one side uses TLS, or a certificate is not accepted. Only in events. */
  | 'L2_TLS_FAILED'
  /** The connection leads to a replica, which takes no writes. Only in events. */
  | 'L2_REPLICA'
  /** The package that opens connections (ioredis) could not be loaded. Only in events. */
  | 'L2_CLIENT_MISSING'
  /** A bus message was not understood and ignored. Only in events. */
  | 'BUS_MESSAGE_INVALID'
  /** A value does not satisfy the schema: a miss with an event if it comes from L2, a rejection if it comes from a loader or `set`. */
  | 'SCHEMA_MISMATCH'
  /** `loadMany` did not return one result per key. */
  | 'BATCH_MISMATCH'
  /** `update()` or `pull()` could not exchange the value: others changed it each time, or it cannot be changed now. */
  | 'UPDATE_CONFLICT'
  /** The session was ended before the call. Nothing was appended. */
  | 'SESSION_ENDED'
  /** The items do not fit into the session, whatever is trimmed. Nothing was appended. */
  | 'SESSION_FULL'
  /** `save()` or `remove()` was called on a source that does not define it. */
  | 'NOT_WRITABLE'
  /** The queue of `write: 'behind'` stayed full for as long as a change may wait for room. */
  | 'QUEUE_FULL'
  /** A function was wrapped without the option `name`, and its own name is missing or may change with the next build. */
  | 'NAME_REQUIRED'
  /**
   * The tags of a value could not be derived. A loaded value was served and kept in no tier, with a notice. `set` of a wrapped function
   * rejects.
   */
  | 'TAGS_FAILED'
  /** The key of a call could not be derived. Its value was loaded, served and kept in no tier. Only in notices. */
  | 'KEY_FAILED'
  /** A caller changed a value that L1 shares between callers (`l1.values: 'checked'`). Only in notices. */
  | 'VALUE_CHANGED'
  /**
   * An option that is a function, such as a ttl, failed. A loaded value was served and kept in no tier, with a notice. `set` of a wrapped
   * function rejects.
   */
  | 'OPTION_FAILED'

/**
 * An error of the cache itself. Errors of the user's loader are passed through unchanged.
 * The message says what was expected, what was given, and what to do. `cause` is the error that caused it, if there is one.
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

/** Refusals that do not go away by themselves: trying again soon is useless. */
const REFUSALS: ReadonlySet<CacheErrorCode> = new Set(['L2_MISCONFIGURED', 'L2_AUTH_FAILED', 'L2_CLIENT_MISSING'])

/** Whether L2 refuses this client until somebody changes something. */
export function isRefusal(error: unknown): boolean {
  return error instanceof CacheError && REFUSALS.has(error.code)
}

/** Returns what was thrown if it is an `Error` of any realm; else an `Error` with it as `cause`. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]') return thrown as Error
  return new Error(`expected an Error to be thrown; got ${show(thrown)}`, { cause: thrown })
}

const LONGEST_SHOWN = 40

/**
 * Renders a refused value for a message: short, in one line. Never throws. Of a string that may be a secret in the wrong place (a URL, an
 * address, a key, a long string) only the length is shown.
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

/** Renders a name that the user gave something, such as a key: up to 60 characters of it. */
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

/** What secrets, tokens and hashes look like, and words do not. */
const LIKE_A_KEY = /^(?=.*\d)[A-Za-z0-9+/_=-]{20,}$/

function quoted(text: string, longest: number): string {
  return `"${foreignText(text.replace(/["\\]/g, '\\$&'), longest)}"`
}
