// The codes of the event `notice` and their levels, in one table for the log and the docs.

import { isOptionFailure } from '../failed-option.js'
import { foreignText } from '../text/foreign-text.js'

/**
 * `'warning'`: the cache does less than it was asked to, until you change something. It is logged even if there is no listener.
 * `'quiet'`: worth knowing, and it needs no action.
 */
export type NoticeLevel = 'warning' | 'quiet'

/** The notices and their levels. */
export const NOTICE_LEVELS = {
  /** A value exceeds a limit of L1, so L1 does not keep it. Without an L2 each read loads it. */
  L1_TOO_LARGE: 'warning',
  /** A value is kept in no tier because of what it contains, so each read loads it again. */
  VALUE_NOT_KEPT: 'warning',
  /** A caller changed a value that L1 shares between callers. The others got it unchanged. Once for each key. */
  VALUE_CHANGED: 'warning',
  /** A method decorated with `@cached` reads its `this`, and two instances share its results. */
  INSTANCES_SHARE: 'warning',
  /** Background work failed in an unforeseen way. */
  BACKGROUND_FAILED: 'warning',
  /** A transaction (MULTI) is open on the application's Redis client, so Redis only queues commands. */
  CLIENT_IN_MULTI: 'warning',
  /** The application's Redis client is in subscriber mode, so it takes no other commands. */
  CLIENT_SUBSCRIBED: 'warning',
  /** Another database was selected on the application's Redis client. */
  CLIENT_DB_CHANGED: 'warning',
  /** No reply comes over the link of the application's Redis client, such as a half-open one. */
  CLIENT_SILENT: 'quiet',
  /** The application's Redis client carries commands again. */
  CLIENT_USABLE: 'quiet',
  /** Redis is full and evicts nothing, so values that cannot be stored are removed instead. */
  OUT_OF_MEMORY: 'warning',
  /** Some masters of a cluster did not reply, so their keys read as absent. */
  PARTIAL_READ: 'quiet',
  /** The work of a request scope returned undefined, so the scope ended before the work that it started. */
  SCOPE_ENDED_EARLY: 'warning',
  /** Request scopes were opened and not ended. */
  SCOPES_NOT_ENDED: 'warning',
  /** The server had lost a script; it was sent again. */
  SCRIPT_MISSING: 'quiet',
  /** Nothing could be appended to the stream of announcements, so it was recreated. */
  STREAM_REPLACED: 'quiet',
  /** A lease, fence or entry under a key of the cache had a life that no cache gives it, such as a lease without end. It was replaced. */
  WRONG_LIFE: 'quiet',
  /** A key of the cache held another type and was removed. */
  WRONG_TYPE: 'quiet',
} as const satisfies Readonly<Record<string, NoticeLevel>>

/** The detail of `WRONG_TYPE`. The key was removed. */
export function heldAnotherType(storeKey: string): string {
  return `a key that begins with ${beginningOf(storeKey)} had another type and was removed`
}

/** The detail of `OUT_OF_MEMORY`, with what it has led to. */
export function outOfMemory(consequence: string): string {
  return `Redis is out of memory: ${consequence}. Raise maxmemory, or set an eviction policy such as allkeys-lru`
}

/** The detail of `WRONG_LIFE`. */
export function hadAnotherLife(storeKey: string): string {
  return (
    `a key that begins with ${beginningOf(storeKey)} had a lease or fence with a longer life than any cache gives it; it was replaced. ` +
    'Another program writes there: give the cache a Redis user or a server of its own'
  )
}

/** The store key without the user's part, since it goes to logs. */
function beginningOf(storeKey: string): string {
  const colon = storeKey.indexOf(':')
  return foreignText(colon === -1 ? storeKey : storeKey.slice(0, colon + 1), 80)
}

/** The level of a notice. Codes of `CacheError` are warnings; unknown codes, such as those of a user's own store, are quiet. */
export function noticeLevelOf(code: string): NoticeLevel {
  if (Object.hasOwn(NOTICE_LEVELS, code)) return NOTICE_LEVELS[code as keyof typeof NOTICE_LEVELS]
  const isWarning = code.startsWith('L2_') || code === 'UNSUPPORTED_VALUE' || isOptionFailure(code)
  return isWarning ? 'warning' : 'quiet'
}
