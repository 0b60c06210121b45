// What a cache tells its listeners, and the small emitter that does it without ever being hurt by one.
import { asError, CacheError, show } from '../errors.js'
import { invalid, nearestOf } from '../option-rules.js'
import { isThenable } from '../thenable.js'
import type { NotKept } from './store-outcome.js'

export type Tier = 'l1' | 'l2'

/** Why a load runs. */
export type LoadReason = 'miss' | 'stale' | 'refresh'

/** The entry that an event is about. */
export interface EntryEvent {
  /** Such as `shop` or `shop/catalog@3`. */
  readonly scope: string
  readonly key: string
}

/** What each event carries. */
export interface CacheEvents {
  /** A read returned a fresh value that a tier had. Of `hit`, `servedStale`, `joined` and `miss` each read that was not aborted emits one, when it is over. */
  hit: EntryEvent & { readonly tier: Tier }
  /** A read returned the value of a load, or of a read of L2, that another caller had begun. */
  joined: EntryEvent
  /** No tier had a value for a read: its own load brought it, or failed, or the read was one that never loads. */
  miss: EntryEvent
  /** A loader returned a value, and the cache is done with storing it. `kept`: at least one tier has it; else `notKept` says why none has. */
  loaded: EntryEvent & {
    readonly reason: LoadReason
    readonly durationMs: number
    readonly kept: boolean
    readonly notKept?: NotKept
  }
  /**
   * A loader threw, rejected or timed out; `error` is what its callers get, unless a stale value answers. What is no `Error` is the
   * `cause` of one here; its callers get it as it is.
   */
  loadFailed: EntryEvent & { readonly reason: LoadReason; readonly durationMs: number; readonly error: Error }
  /** A read returned a value that is no longer fresh. */
  servedStale: EntryEvent & {
    readonly tier: Tier
    readonly why: 'revalidating' | 'loadFailed' | 'softTimeout'
    readonly ageMs: number
  }
  /** A loaded or written value was stored, and these tiers have it now. */
  stored: EntryEvent & { readonly tiers: 'all' | Tier }
  /** A value could not be stored in L2; callers were not affected. */
  storeFailed: EntryEvent & { readonly error: Error }
  /** A queued change (write-behind) could not be made in its source, and is tried again. */
  saveFailed: EntryEvent & { readonly attempt: number; readonly error: Error; readonly retryInMs: number }
  /** Entries stopped being current, by a call here (`'local'`) or in another process (`'remote'`). */
  invalidated: InvalidatedEvent
  /** L1 was full and dropped its least recently used entry. */
  evicted: EntryEvent
  /** Bytes in L2 were not an intact entry of this key, or not what the schema asks for: a miss. */
  corrupt: EntryEvent & { readonly error: CacheError }
  /** L2 is in use for the first time, `tookMs` after the cache was made. */
  connected: { readonly tookMs: number }
  /** L2 is not used for now. */
  degraded: { readonly error: CacheError }
  /** L2 is used again. */
  recovered: { readonly degradedMs: number }
  /** A change could not reach L2 and waits for its recovery. */
  queued: { readonly waiting: number }
  /** What waited was applied. */
  replayed: { readonly changes: number; readonly overflowed: boolean }
  /** Work in the background was given up: only a later miss comes of it, never a stale value. */
  dropped: {
    readonly what: 'store' | 'refresh'
    readonly why: 'busy' | 'closed' | 'overtaken'
    readonly scope?: string
    readonly key?: string
  }
  /** Announcements may have been missed; L1 is verified against L2 at its next reads. */
  busLost: { readonly reason: string }
  /** The bus is heard again after `busLost`; it was not for `lostMs`. */
  busRecovered: { readonly lostMs: number }
  /** A bus message was not understood and ignored: damaged, or of a later version. */
  messageIgnored: { readonly error: CacheError }
  /** A listener threw or rejected. */
  listenerFailed: { readonly event: CacheEventName; readonly error: Error }
  /** Something worth knowing that is nobody's failure. */
  notice: { readonly code: string; readonly detail: string; readonly error?: Error | undefined }
  /** The cache was closed. `lost`: changes that never reached L2. `unsaved`: queued changes that never reached their source. */
  closed: { readonly lost: number; readonly unsaved: number }
}

export interface InvalidatedEvent {
  readonly by: 'set' | 'delete' | 'expire' | 'invalidateTags' | 'expireTags' | 'clear' | 'deleteByPrefix' | 'unknown'
  readonly origin: 'local' | 'remote'
  readonly scope: string
  readonly keys: readonly string[]
  readonly tags: readonly string[]
}

export type CacheEventName = keyof CacheEvents

export type Listener<Name extends CacheEventName> = (payload: CacheEvents[Name]) => void

type Listeners = Record<CacheEventName, readonly Listener<never>[]>

/** The listeners of one cache. They run at once, in the order in which they were added. */
export class Events {
  /** The same as `has('hit')`, asked on every hit: a name that varies makes `has` a look-up of some 10 ns (bench/peers, l1-hot). */
  hitsAreHeard = false
  readonly #listeners: Listeners = noListeners()

  /** Adds `listener` and answers what removes it again. The same function added twice is called twice. */
  on<Name extends CacheEventName>(event: Name, listener: Listener<Name>): () => void {
    if (!Object.hasOwn(this.#listeners, event)) throw unknownEvent(event, Object.keys(this.#listeners))
    if (typeof listener !== 'function') throw invalid('the listener', 'a function', listener)
    const own: Listener<Name> = (payload) => listener(payload)
    this.#listeners[event] = [...this.#listeners[event], own]
    this.hitsAreHeard = this.has('hit')
    return () => {
      this.#listeners[event] = this.#listeners[event].filter((other) => other !== own)
      this.hitsAreHeard = this.has('hit')
    }
  }

  /** Whether anybody listens: ask before building a payload. */
  has(event: CacheEventName): boolean {
    return this.#listeners[event].length !== 0
  }

  emit<Name extends CacheEventName>(event: Name, payload: CacheEvents[Name]): void {
    for (const listener of this.#listeners[event] as readonly Listener<Name>[]) {
      try {
        const returned: unknown = listener(payload)
        // An async listener's rejection is its failure, too, and must not become an unhandled one.
        if (isThenable(returned)) returned.then(undefined, (error: unknown) => this.#failed(event, error))
      } catch (error) {
        this.#failed(event, error)
      }
    }
  }

  #failed(event: CacheEventName, error: unknown): void {
    // A failing listener of failures has nobody left to be told.
    if (event !== 'listenerFailed') this.emit('listenerFailed', { event, error: asError(error) })
  }
}

function unknownEvent(event: unknown, known: readonly string[]): CacheError {
  const nearest = typeof event === 'string' ? nearestOf(event, known) : undefined
  const hint = nearest === undefined ? `Known are ${known.join(', ')}` : `Did you mean ${nearest}?`
  return new CacheError('INVALID_OPTION', `there is no event ${show(event)}. ${hint}`)
}

function noListeners(): Listeners {
  return {
    hit: [],
    joined: [],
    miss: [],
    loaded: [],
    loadFailed: [],
    servedStale: [],
    stored: [],
    storeFailed: [],
    saveFailed: [],
    invalidated: [],
    evicted: [],
    corrupt: [],
    connected: [],
    degraded: [],
    recovered: [],
    queued: [],
    replayed: [],
    dropped: [],
    busLost: [],
    busRecovered: [],
    messageIgnored: [],
    listenerFailed: [],
    notice: [],
    closed: [],
  }
}
