// A session as it is stored, and what changes make of it. Pure functions: a change that met another one is computed again.
import { CacheError } from '../model/errors.js'
import type { SessionRules } from './options.js'
import { trimmed } from './trim.js'

/** The items of a session that has not ended. */
export interface LiveSession<T> {
  readonly items: readonly T[]
  /** The bytes of each item, in their order. */
  readonly bytes: readonly number[]
  /** How many changes were made. */
  readonly version: number
  /** By the wall clock of the process that appended first. */
  readonly startedAtMs: number
  /** The ids of items that were removed, the latest last: one that is appended again must not come back. */
  readonly removedIds: readonly string[]
  readonly hasTrimmed: boolean
}

/** What is stored under the id of a session. An ended one stays as a mark, so that no late `append` begins it anew. */
export type SessionState<T> = LiveSession<T> | 'ended'

/** How many ids of removed items a session remembers. A call is repeated soon, and what was trimmed by then was the oldest. */
const MAX_REMOVED_IDS = 64

/** The session without any item. */
export function emptySession(nowMs: number): LiveSession<never> {
  return { items: [], bytes: [], version: 0, startedAtMs: nowMs, removedIds: [], hasTrimmed: false }
}

/**
 * The session with these items at its end, without those that it has already, and trimmed. Returns `before` itself if it has all of them.
 * Throws `SESSION_FULL` if the new items do not fit, however much is trimmed.
 */
export function withAppended<T>(before: LiveSession<T>, items: readonly T[], rules: SessionRules<T>): LiveSession<T> {
  const added: T[] = []
  for (const item of items) {
    const id = rules.idOf(item)
    const has = (list: readonly T[]) => list.some((one) => rules.idOf(one) === id)
    if (id === undefined || !(before.removedIds.includes(id) || has(before.items) || has(added))) added.push(item)
  }
  if (added.length === 0) return before
  const all = [...before.items, ...added]
  const bytes = [...before.bytes, ...added.map(bytesOf)]
  return changed(before, all, bytes, added.length, rules)
}

/** The session with these items instead of its own. Throws `SESSION_FULL` if they do not fit. */
export function withItems<T>(before: LiveSession<T>, items: readonly T[], rules: SessionRules<T>): LiveSession<T> {
  return changed(before, items, items.map(bytesOf), items.length, rules)
}

/** `keep` of the last items must stay. */
function changed<T>(
  before: LiveSession<T>,
  all: readonly T[],
  allBytes: readonly number[],
  keep: number,
  rules: SessionRules<T>,
): LiveSession<T> {
  const kept = trimmed({ items: all, bytes: allBytes, keep, hasTrimmed: before.hasTrimmed }, rules)
  if (kept === undefined) throw full(rules)
  const items = kept.map((i) => all[i] as T)
  const present = new Set(items)
  const removed = before.items.filter((item) => !present.has(item)).map(rules.idOf)
  const removedIds = removed.filter((id) => id !== undefined)
  return {
    items,
    bytes: kept.map((i) => allBytes[i] as number),
    version: before.version + 1,
    startedAtMs: before.startedAtMs,
    removedIds: [...before.removedIds, ...removedIds].slice(-MAX_REMOVED_IDS),
    hasTrimmed: before.hasTrimmed || items.length < all.length,
  }
}

/** The bytes of an item as JSON. What JSON does not have is counted by what it contains. */
export function bytesOf(item: unknown): number {
  const text = JSON.stringify(item, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    return value instanceof Map || value instanceof Set ? [...value] : value
  })
  return Buffer.byteLength(text ?? '')
}

function full({ maxItems, maxBytes }: SessionRules<never>): CacheError {
  return new CacheError(
    'SESSION_FULL',
    `expected the items and all that is pinned to fit into ${maxItems} items and ${maxBytes} bytes; they do not, whatever is trimmed. ` +
      'Nothing was changed: append less at once, pin less, or raise `maxItems` or `maxBytes`',
  )
}
