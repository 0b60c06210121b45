// What the page shows, and what it asks for. `cache-view.ts` shows a cache of this process; the command line shows what stands in Redis.
import type { CacheStats } from '../../cache/cache-stats.js'
import type { Explanation } from '../../cache/explain/explain.js'
import type { CacheInspection } from '../../cache/explain/inspect.js'
import type { CacheHealth } from '../../cache/health.js'

/** A key and how many of its reads were seen while a page was open. With many keys it is a lower bound. */
export interface HotKey {
  readonly scope: string
  readonly key: string
  readonly reads: number
}

/** Something that happened while a page was open. */
export interface SeenEvent {
  /** Grows with each event. */
  readonly id: number
  /** In milliseconds since 1970. */
  readonly atMs: number
  /** Such as `loaded`. */
  readonly name: string
  readonly scope?: string
  readonly key?: string
  /** A sentence about it. It never contains a value. */
  readonly text: string
  /** Whether it is trouble. */
  readonly level: 'info' | 'warning'
  /** How many of its kind and key came one after the other: this is the newest of them. */
  readonly times: number
}

/** What was found in the store, for a view that sees no process. */
export interface StoredKeys {
  readonly scopes: readonly { readonly scope: string; readonly entries: number; readonly bytes: number | undefined }[]
  readonly tags: readonly string[]
  /** Some of the keys. */
  readonly keys: readonly { readonly scope: string; readonly key: string }[]
  /** Whether all keys were looked at. If not, the counts are too low. */
  readonly complete: boolean
}

/** A finding about the set-up, with what to change. */
export interface DevtoolsFinding {
  readonly level: 'ok' | 'note' | 'warning' | 'wrong'
  readonly about: string
  readonly text: string
  readonly fix?: string
}

/** What the page shows at one moment. It shows the parts that are there. */
export interface DevtoolsSnapshot {
  /** In milliseconds since 1970. */
  readonly atMs: number
  readonly health?: CacheHealth
  readonly stats?: CacheStats
  readonly inspection?: CacheInspection
  /** The keys that were read most, the hottest first. */
  readonly hottest?: readonly HotKey[]
  readonly stored?: StoredKeys
  readonly findings?: readonly DevtoolsFinding[]
  /** The newest first. */
  readonly events: readonly SeenEvent[]
}

/** What the page shows about one key. */
export interface KeyReport {
  readonly explanation: Explanation
  /** Its value as text; `undefined` unless values are shown and there is one. */
  readonly value: string | undefined
  /** What concerned it while a page was open, the newest first. */
  readonly events: readonly SeenEvent[]
  /** How many of its reads were seen; `undefined` if reads are not seen. */
  readonly reads: number | undefined
}

/** A change that the page asks for. `clear` is about the whole scope. */
export interface DevtoolsChange {
  readonly verb: 'delete' | 'expire' | 'invalidateTags' | 'expireTags' | 'clear'
  readonly scope: string
  /** The keys or tags. */
  readonly names: readonly string[]
}

/** What the page shows, and what it can do. */
export interface DevtoolsView {
  /** The path of the cache. */
  readonly path: string
  /** What this view cannot see, as a sentence for the page. */
  readonly note?: string
  /**
   * Begins to watch: a page was opened, and none was before. `closed` is to be called if there is nothing to see any more. Returns the
   * function that ends it, which is called when no page is open.
   */
  watch(closed: () => void): () => void
  /** Called about once a second while a page is open. */
  snapshot(): DevtoolsSnapshot | Promise<DevtoolsSnapshot>
  /** Returns `undefined` for a scope that the cache has never used. Never loads. */
  report(scope: string, key: string): Promise<KeyReport | undefined>
  /** Returns `'applied'` or `'queued'`, and `undefined` for a scope that the cache has never used. Called only if changes are allowed. */
  change(change: DevtoolsChange): Promise<'applied' | 'queued' | undefined>
}
