// The codes of the event `notice`, and how loud each is: the one table that the log and the docs go by.

import { isOptionFailure } from '../failed-option.js'
import { foreignText } from '../foreign-text.js'

/**
 * `'warning'`: the cache does less than it was asked to until somebody changes something, so it is said even where nobody listens.
 * `'quiet'`: worth knowing, and handled already.
 */
export type NoticeLevel = 'warning' | 'quiet'

export const NOTICE_LEVELS = {
  /** A value exceeds a bound of L1, which does not keep it: where there is no L2, each read loads it. */
  L1_TOO_LARGE: 'warning',
  /** A value is kept in no tier, because of what it holds: each read loads it anew. */
  VALUE_NOT_KEPT: 'warning',
  /** A caller changed a value that memory shares: the others got it as it was. Once for each key. */
  VALUE_CHANGED: 'warning',
  /** A method decorated with `@cached` reads its `this`, and two instances share its results. */
  INSTANCES_SHARE: 'warning',
  /** Work that nobody waits for failed in a way that was not foreseen. */
  BACKGROUND_FAILED: 'warning',
  /** A lent Redis client is in an open transaction (MULTI): Redis only queues commands. */
  CLIENT_IN_MULTI: 'warning',
  /** A lent Redis client has subscribed: it takes no other commands. */
  CLIENT_SUBSCRIBED: 'warning',
  /** Another database was selected on a lent Redis client. */
  CLIENT_DB_CHANGED: 'warning',
  /** Nothing comes over the link of a lent Redis client, such as a half-open one. */
  CLIENT_SILENT: 'quiet',
  /** A lent Redis client carries commands again. */
  CLIENT_USABLE: 'quiet',
  /** Redis is full and evicts nothing: what cannot be stored is removed instead. */
  OUT_OF_MEMORY: 'warning',
  /** Masters of a cluster did not answer: their keys read as absent. */
  PARTIAL_READ: 'quiet',
  /** The work of a request scope returned undefined, so the scope was over before what it started. */
  SCOPE_ENDED_EARLY: 'warning',
  /** Request scopes were opened and not ended. */
  SCOPES_NOT_ENDED: 'warning',
  /** The server had forgotten a script; it was sent again. */
  SCRIPT_MISSING: 'quiet',
  /** Nothing could be appended to the stream of announcements, so it was begun anew. */
  STREAM_REPLACED: 'quiet',
  /** What stood under a key of the cache had a life that no cache gave it, such as a lease without an end, and was replaced. */
  WRONG_LIFE: 'quiet',
  /** A key of the cache held another type and was removed. */
  WRONG_TYPE: 'quiet',
} as const satisfies Readonly<Record<string, NoticeLevel>>

/** The detail of `WRONG_TYPE`. */
export function heldAnotherType(storeKey: string): string {
  return `a key that begins with ${beginningOf(storeKey)} held another type and was removed`
}

/** The detail of `WRONG_LIFE`. */
export function hadAnotherLife(storeKey: string): string {
  return (
    `under a key that begins with ${beginningOf(storeKey)} stood a lease or fence with a longer life than any cache gives it; it was ` +
    'replaced. Another program writes there: give the cache a user or a server of its own'
  )
}

/** Without the user's part of the key: it goes to logs. */
function beginningOf(storeKey: string): string {
  const colon = storeKey.indexOf(':')
  return foreignText(colon === -1 ? storeKey : storeKey.slice(0, colon + 1), 80)
}

/** How loud a notice is. The codes of `CacheError` are warnings; those of a store that is not ours are quiet. */
export function noticeLevelOf(code: string): NoticeLevel {
  if (Object.hasOwn(NOTICE_LEVELS, code)) return NOTICE_LEVELS[code as keyof typeof NOTICE_LEVELS]
  const isWarning = code.startsWith('L2_') || code === 'UNSUPPORTED_VALUE' || isOptionFailure(code)
  return isWarning ? 'warning' : 'quiet'
}
