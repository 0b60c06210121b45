// The events of a cache, and the emitter that calls their listeners and survives their errors.
import { asError, CacheError, show } from '../errors.js'
import { invalid, nearestOf } from '../option-rules.js'
import { isThenable } from '../thenable.js'
import type { NotKept } from './store-outcome.js'

/** A position in the chain: `'l1'` is memory, `'l2'` the store outside the process. */
export type Tier = 'l1' | 'l2'

/**
 * Why a load runs. `'miss'`: there was no usable entry. `'stale'`: the entry was no longer fresh. `'refresh'`: `refresh()` was called, or a
 * fresh entry is refreshed early.
 */
export type LoadReason = 'miss' | 'stale' | 'refresh'

/** The entry that an event is about. */
export interface EntryEvent {
  /** The cache or namespace, such as `shop` or `shop/catalog@3`. */
  readonly scope: string
  readonly key: string
}

/** The events of a cache, each with its payload. */
export interface CacheEvents {
  /**
   * A read returned a fresh value that a tier had. Each read that was not aborted emits exactly one of `hit`, `servedStale`, `joined` and
   * `miss`, when it is over.
   */
  hit: EntryEvent & { readonly tier: Tier }
  /** A read returned the result of a load, or of a read of L2, that another caller had begun. */
  joined: EntryEvent
  /** No tier had a value for a read: its own load returned one or failed, or the read was one that never loads. */
  miss: EntryEvent
  /** A loader returned, and the cache has finished storing its value. `kept: false`: no tier has it, and `notKept` says why. */
  loaded: EntryEvent & {
    readonly reason: LoadReason
    readonly durationMs: number
    readonly kept: boolean
    readonly notKept?: NotKept
  }
  /**
   * A loader threw, rejected or timed out. Its callers get `error`, unless a stale value is served. If something else than an `Error` was
   * thrown, it is the `cause` of `error`, and the callers get it unchanged.
   */
  loadFailed: EntryEvent & { readonly reason: LoadReason; readonly durationMs: number; readonly error: Error }
  /** A read returned a value that is no longer fresh. */
  servedStale: EntryEvent & {
    readonly tier: Tier
    readonly why: 'revalidating' | 'loadFailed' | 'softTimeout'
    readonly ageMs: number
  }
  /** A value, loaded or given to `set`, was stored, and these tiers have it now. */
  stored: EntryEvent & { readonly tiers: 'all' | Tier }
  /** A value could not be kept: a loaded one, which its callers get all the same, or a saved one that its schema refuses. */
  storeFailed: EntryEvent & { readonly error: Error }
  /** A queued change (`write: 'behind'`) could not be saved in its source, and is tried again. */
  saveFailed: EntryEvent & { readonly attempt: number; readonly error: Error; readonly retryInMs: number }
  /** Entries stopped being current, because of a call in this process (`origin: 'local'`) or in another one (`'remote'`). */
  invalidated: InvalidatedEvent
  /** L1 was full and dropped its least recently used entry. */
  evicted: EntryEvent
  /** Bytes in L2 were not an intact entry of this key, or the value did not satisfy the schema. It counts as a miss. */
  corrupt: EntryEvent & { readonly error: CacheError }
  /** L2 is in use for the first time, `tookMs` after the cache was made. */
  connected: { readonly tookMs: number }
  /** L2 is not used from now on. The `code` and `cause` of `error` say why. */
  degraded: { readonly error: CacheError }
  /** L2 is used again. */
  recovered: { readonly degradedMs: number }
  /** A change could not reach L2 and waits in the journal, as one of `waiting`. */
  queued: { readonly waiting: number }
  /** Changes that waited were published. `overflowed`: too many had waited, so one `clear` had replaced them. */
  replayed: { readonly changes: number; readonly overflowed: boolean }
  /** Background work was given up, or the value of a `set` carries a tag that is held. This causes a later miss, never a stale value. */
  dropped: {
    readonly what: 'store' | 'refresh'
    readonly why: 'busy' | 'closed' | 'held' | 'overtaken'
    readonly scope?: string
    readonly key?: string
  }
  /** Announcements may have been missed, so entries of L1 are verified against L2 at their next reads. */
  busLost: { readonly reason: string }
  /** The bus is heard again, `lostMs` after `busLost`. */
  busRecovered: { readonly lostMs: number }
  /** A bus message was not understood and ignored: it is damaged, or of a later version. */
  messageIgnored: { readonly error: CacheError }
  /** A listener threw or rejected. */
  listenerFailed: { readonly event: CacheEventName; readonly error: Error }
  /** Something worth knowing that failed no call. `docs/events.md` lists the codes. */
  notice: { readonly code: string; readonly detail: string; readonly error?: Error | undefined }
  /** The cache was closed. `lost` changes never reached L2; `unsaved` queued changes never reached their source. */
  closed: { readonly lost: number; readonly unsaved: number }
}

/** Entries of one scope that stopped being current, by key or by tag, and the call that did it. */
export interface InvalidatedEvent {
  readonly by:
    | 'set'
    | 'delete'
    | 'expire'
    | 'invalidateTags'
    | 'expireTags'
    | 'clear'
    | 'expireAll'
    | 'deleteByPrefix'
    | 'unknown'
  readonly origin: 'local' | 'remote'
  /** With `origin: 'remote'`: the id of the cache that announced it, or the name that another program announced under. */
  readonly sender?: string
  readonly scope: string
  readonly keys: readonly string[]
  readonly tags: readonly string[]
}

/** The name of an event. */
export type CacheEventName = keyof CacheEvents

/** A function that is called with the payload of an event. */
export type Listener<Name extends CacheEventName> = (payload: CacheEvents[Name]) => void

type Listeners = Record<CacheEventName, readonly Listener<never>[]>

const READ_EVENTS = ['hit', 'miss', 'joined', 'servedStale'] as const

/** The listeners of one cache. They run synchronously, in the order in which they were added. */
export class Events {
  /** The result of `has('hit')`, kept in a field because every hit asks for it: `has` costs some 10 ns (bench/peers, l1-hot). */
  hitsAreHeard = false
  /** Whether anybody listens to how reads end. */
  readsAreHeard = false
  readonly #listeners: Listeners = noListeners()

  /** Adds `listener`, and returns a function that removes it. A function that is added twice is called twice. */
  on<Name extends CacheEventName>(event: Name, listener: Listener<Name>): () => void {
    if (!Object.hasOwn(this.#listeners, event)) throw unknownEvent(event, Object.keys(this.#listeners))
    if (typeof listener !== 'function') throw invalid('the listener', 'a function', listener)
    const own: Listener<Name> = (payload) => listener(payload)
    this.#listeners[event] = [...this.#listeners[event], own]
    this.#noteReads()
    return () => {
      this.#listeners[event] = this.#listeners[event].filter((other) => other !== own)
      this.#noteReads()
    }
  }

  #noteReads(): void {
    this.hitsAreHeard = this.has('hit')
    this.readsAreHeard = READ_EVENTS.some((event) => this.has(event))
  }

  /** Whether there is a listener. Callers ask before they build a payload. */
  has(event: CacheEventName): boolean {
    return this.#listeners[event].length !== 0
  }

  emit<Name extends CacheEventName>(event: Name, payload: CacheEvents[Name]): void {
    for (const listener of this.#listeners[event] as readonly Listener<Name>[]) {
      try {
        const returned: unknown = listener(payload)
        // The rejection of an async listener is a failure too, and must not become an unhandled rejection.
        if (isThenable(returned)) returned.then(undefined, (error: unknown) => this.#failed(event, error))
      } catch (error) {
        this.#failed(event, error)
      }
    }
  }

  #failed(event: CacheEventName, error: unknown): void {
    // The failure of a listener of `listenerFailed` cannot be reported.
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
