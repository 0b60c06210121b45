// The options of a store of sessions, and what they resolve to.
import type { Duration } from '../index.js'
import { checkCount, checkNames, invalid } from '../model/option-rules.js'
import { toMs } from '../model/options/duration.js'
import type { Milliseconds } from '../model/ports.js'
import { idOf, isInstruction, type ToolLinks, toolLinksOf } from './links.js'

/** What is known of the items of a session. The functions depend on the item alone. */
export interface ItemOptions<T> {
  /** The id of an item: one whose id the session has already is not appended again. Default: its `id`, if that is a string. */
  readonly idOf?: ((item: T) => string | undefined) | undefined
  /** The items that are never trimmed. Default: those whose `role` is `system` or `developer`. */
  readonly isPinned?: ((item: T) => boolean) | undefined
  /** The tool calls that an item makes or answers: a call and its result are trimmed together. Default: as the common SDKs write them. */
  readonly toolLinksOf?: ((item: T) => ToolLinks) | undefined
}

/** Options of `sessionStore`. */
export interface SessionOptions<T> extends ItemOptions<T> {
  /** The name of the sessions: a namespace of the cache. */
  readonly name: string
  /** How long a session lives that is neither read nor changed. Default '30m'. */
  readonly idleTtl?: Duration | undefined
  /** How long a session lives at most. Default '24h'. It is counted by the wall clock of the process that appends. */
  readonly maxAge?: Duration | undefined
  /** The most items of a session: the oldest ones are trimmed. Default 1,000. */
  readonly maxItems?: number | undefined
  /** The most bytes of a session, as JSON: the oldest items are trimmed. Default 256 KiB. */
  readonly maxBytes?: number | undefined
  /** The tags of a session, by which it can be invalidated: `cache.invalidateTags(['user:7'])`. */
  readonly tags?: ((id: string) => readonly string[]) | undefined
}

/** The options, resolved. */
export interface SessionRules<T> {
  readonly maxAgeMs: Milliseconds
  readonly maxItems: number
  readonly maxBytes: number
  readonly idOf: (item: T) => string | undefined
  readonly isPinned: (item: T) => boolean
  readonly toolLinksOf: (item: T) => ToolLinks
}

const OPTIONS = [...['name', 'idleTtl', 'maxAge', 'maxItems', 'maxBytes', 'tags', 'idOf', 'isPinned', 'toolLinksOf']]
const DEFAULT_IDLE_TTL: Duration = '30m'
const DEFAULT_MAX_AGE: Duration = '24h'
const MAX_ITEMS = 1_000
const MAX_BYTES = 256 * 1024

/** Checks the options of a store. Throws `INVALID_OPTION`. */
export function checkSessionOptions<T>(options: SessionOptions<T>, more: readonly string[] = []): SessionOptions<T> {
  const own = checkNames(options, [...OPTIONS, ...more], 'sessionStore')
  for (const name of ['tags', 'idOf', 'isPinned', 'toolLinksOf'] as const) {
    const given = own[name]
    if (given !== undefined && typeof given !== 'function') throw invalid(name, 'a function', given)
  }
  return own
}

/** Resolves options. Throws `INVALID_OPTION`. */
export function sessionRulesOf<T>(options: SessionOptions<T>): SessionRules<T> {
  return {
    maxAgeMs: toMs(options.maxAge ?? DEFAULT_MAX_AGE, 'maxAge', 'positive'),
    maxItems: checkCount(options.maxItems ?? MAX_ITEMS, 'maxItems', 1, 1_000_000),
    maxBytes: checkCount(options.maxBytes ?? MAX_BYTES, 'maxBytes', 1, Number.MAX_SAFE_INTEGER),
    idOf: options.idOf ?? idOf,
    isPinned: options.isPinned ?? isInstruction,
    toolLinksOf: options.toolLinksOf ?? toolLinksOf,
  }
}

/** How the cache keeps sessions: never stale, and no longer than they may live. */
export function lifeOptionsOf<T>({ idleTtl = DEFAULT_IDLE_TTL, maxAge = DEFAULT_MAX_AGE }: SessionOptions<T>) {
  const none = { staleWhileRevalidate: 0, staleIfError: 0, jitter: 0 } as const
  return { ...none, ttl: maxAge, idleTtl }
}
