// The options that users pass. Each may be left out or `undefined`; `policy.ts` and `cache-policy.ts` turn them into numbers.

import type { EventKeys } from '../events/event-keys.js'
import type { LoadReason, Tier } from '../events/events.js'
import type { Version } from '../keys/key.js'
import type { Bus, Clock } from '../ports.js'
import type { Extension } from '../values/extension.js'
import type { StandardSchema } from '../values/schema.js'
import type { ValueMode } from '../values/value-rules.js'
import type { Duration } from './duration.js'
import type { TierDefinition } from './tier-definition.js'

/** The tiers that an operation uses. */
export type Tiers = 'all' | Tier

/** Whether one load runs per process, or one in all processes that share an L2 (the fleet). */
export type SingleFlight = 'process' | 'fleet'

/**
 * How long values live and how they are loaded: as defaults of a cache or namespace, and per call.
 *
 * Given per call, `ttl`, `absentTtl`, `l1Ttl`, `staleWhileRevalidate` and `staleIfError` say how long the value that the call stores
 * lives, and limit which stored values the call accepts: with `ttl: '1s'` a value that is 5 s old is not fresh to this call, and with
 * `staleIfError: 0` no stale value is served to it when the load fails. They never lengthen the life of a stored value. `idleTtl` per call
 * concerns the value that the call stores, and no other.
 */
export interface PolicyOptions {
  /** How long a value is fresh. 0: it is not cached. Infinity: it never expires. Default '1m'. */
  readonly ttl?: Duration | undefined
  /**
   * How long a value lives without being read: each read, and `touch`, renews it, in every tier. `ttl` with its stale windows stays the
   * absolute end, so it must be longer; Infinity is allowed. Renewed at most once per tenth, so a value may be gone a tenth early. A
   * value that went idle is gone: it is not served stale. Above 0. Default Infinity: none.
   */
  readonly idleTtl?: Duration | undefined
  /** A shorter ttl in L1. 0: the value is not kept in L1. Default: `l1.ttl`, else no other limit. */
  readonly l1Ttl?: Duration | undefined
  /** How long after its ttl a value is still served while one refresh runs. Default 0. */
  readonly staleWhileRevalidate?: Duration | undefined
  /**
   * How long after the end of its freshness a value is still served if loading fails. Its freshness ends with its ttl, or earlier by
   * `expire`, `expireTags` or `expireAll`. Default 0: not at all.
   */
  readonly staleIfError?: Duration | undefined
  /**
   * The pause before the next load of a key, while its loads fail and a stale value is served. Any change of the key or of its tags ends
   * the pause. `false`: no pause, each read loads. Default `{ first: '1s', longest: '1m' }`.
   */
  readonly failureBackoff?: FailureBackoff | false | undefined
  /** Each ttl is shortened by a random part of up to this size, 0 to 1. Default 0. */
  readonly jitter?: number | undefined
  /** Refreshes a few reads before the ttl ends, with this beta of XFetch: 1 is usual, larger is earlier. Default false: off. */
  readonly earlyRefresh?: number | false | undefined
  /**
   * Refreshes in the background when a read finds less than this part of the ttl left, 0 to 1: with 0.2 and a ttl of 10 minutes, from the
   * 8th minute on. It may be combined with `earlyRefresh`: what comes first counts. Default false: off.
   */
  readonly refreshAhead?: number | false | undefined
  /** How long a caller waits for a load before a stale value is served, if there is one. Default Infinity. */
  readonly softTimeout?: Duration | undefined
  /** How long a load may take before it is aborted and its callers get `LOAD_TIMEOUT`. Default '30s'. */
  readonly hardTimeout?: Duration | undefined
  /**
   * How long a load may go on after its `hardTimeout`. Its callers got `LOAD_TIMEOUT` then, but what it still returns within this time is
   * kept, so that the next caller finds it. Default 0: the load is aborted at its `hardTimeout`, and nothing of it is kept.
   */
  readonly lateResult?: Duration | undefined
  /** The ttl of `undefined` and `null`. 0: they are not cached. Default: the same as `ttl`. */
  readonly absentTtl?: Duration | undefined
  /** The tiers to use. Default 'all'. */
  readonly tiers?: Tiers | undefined
  /** Default 'fleet'; without an L2 both mean the same. */
  readonly singleFlight?: SingleFlight | undefined
  /**
   * Validates every value once, whether it comes from a loader, from `set` or from L2; callers get what it returns. If it refuses a value
   * from L2, that is a miss; if it refuses one from a loader or `set`, the call rejects with `SCHEMA_MISMATCH`. `undefined` and `null` are
   * not validated.
   */
  readonly schema?: StandardSchema | undefined
}

/** The pauses after failed loads. They double with each failure in a row; the upper half of each is random. */
export interface FailureBackoff {
  /** The pause after the first failure. Default '1s'. */
  readonly first?: Duration | undefined
  /** The longest pause, at least `first`. Default '1m'. */
  readonly longest?: Duration | undefined
}

/**
 * The tags of a value, or a function that derives them from it. The function is not called for `undefined` and `null`, which then have no
 * tags. If it throws or returns anything but an array of strings, a loaded value is served but kept in no tier (notice `TAGS_FAILED`),
 * and `set` rejects.
 */
export type Tags<V = unknown> = readonly string[] | ((value: NonNullable<V>, key: string) => readonly string[])

/** Options of `getOrSet` and `getOrSetMany`. */
export interface CallOptions<V = unknown> extends PolicyOptions {
  /** Tags of the loaded value, by which it can be invalidated. */
  readonly tags?: Tags<V> | undefined
  /** Part of the key: raise it when the shape of the value changes. Entries of another version are never served. */
  readonly version?: Version | undefined
  readonly schema?: StandardSchema<V> | undefined
  /** Ends the wait of this caller. The load goes on for the other callers, and is aborted when the last one leaves. */
  readonly signal?: AbortSignal | undefined
  /** Loads although a fresh value may be there, as `refresh` does, and stores the new one. Default false. */
  readonly forceFresh?: boolean | undefined
}

/** Options of `get`, `lookup`, `has`, `getMany` and `explain`. */
export interface ReadOptions {
  readonly version?: Version | undefined
  readonly tiers?: Tiers | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options of `set` and `setMany`. */
export interface WriteOptions<V = unknown>
  extends Pick<
    PolicyOptions,
    'ttl' | 'idleTtl' | 'l1Ttl' | 'staleWhileRevalidate' | 'staleIfError' | 'jitter' | 'absentTtl' | 'tiers'
  > {
  readonly tags?: Tags<V> | undefined
  readonly version?: Version | undefined
}

/** Options of `reserve`: those of `getOrSet` that decide how long the value lives, and how long the slot may stay open (`hardTimeout`). */
export type ReserveOptions<V = unknown> = Omit<CallOptions<V>, 'forceFresh' | 'softTimeout' | 'lateResult'>

/** What is known of a value only when it is filled. */
export interface FillOptions {
  /** The ttl of this value, instead of that of `reserve`. */
  readonly ttl?: Duration | undefined
  /** The same for how long after its ttl it is still served while one refresh runs. */
  readonly staleWhileRevalidate?: Duration | undefined
  /** The same for how long after the end of its freshness it is still usable if loading fails. */
  readonly staleIfError?: Duration | undefined
  /** One tag or an array of tags, added to those of `reserve`. */
  readonly tags?: string | readonly string[] | undefined
}

/** Options of `update`: those of `set` for the new value, and how to go about conflicts. */
export interface UpdateOptions<V = unknown> extends WriteOptions<V> {
  /** How often the function is called again, with the value of then, because another call changed the key meanwhile. Default 10. */
  readonly retries?: number | undefined
  /** Ends the wait of this caller. Nothing is stored, unless the new value was sent before. */
  readonly signal?: AbortSignal | undefined
}

/** What the function of `update` learns besides the value. */
export interface UpdateContext {
  /** Whether there is a value: it tells a cached `undefined` from none. */
  readonly found: boolean
  /** Sets the ttl of the value that the function returns, instead of that of the options. Throws `INVALID_OPTION`. */
  ttl(duration: Duration): void
}

/** Options of `pull`. */
export interface PullOptions {
  readonly version?: Version | undefined
  readonly signal?: AbortSignal | undefined
}

/** The usable value that a load replaces. */
export interface StaleValue<V = unknown> {
  readonly value: V
  readonly ageMs: number
  /** fresh: a refresh replaces it; stale: within staleWhileRevalidate; staleIfError: past that, or expired by `expire` or `expireTags`. */
  readonly state: 'fresh' | 'stale' | 'staleIfError'
  readonly etag?: string | undefined
}

/**
 * The context that a loader receives. Its methods take effect when the loader has returned. They never throw for a wrong argument: the
 * value is then served but kept in no tier (notice `TAGS_FAILED` or `OPTION_FAILED`).
 */
export interface LoadContext<V = unknown> {
  readonly key: string
  /** Aborts at the hard timeout, and when the last waiting caller has left. */
  readonly signal: AbortSignal
  readonly reason: LoadReason
  /** The value that this load replaces, if there is a usable one. */
  readonly stale: StaleValue<V> | undefined
  /** Sets the ttl of this value. */
  ttl(duration: Duration): void
  /** Sets how long after its ttl this value is still served while one refresh runs. */
  staleWhileRevalidate(duration: Duration): void
  /** Sets how long after the end of its freshness this value is still served if loading fails. */
  staleIfError(duration: Duration): void
  /** Adds one tag or an array of tags to those of the options. */
  tags(tags: string | readonly string[]): void
  /** Stores an etag with the value. The next load gets it as `stale.etag`. */
  etag(etag: string): void
  /** Keeps the stale value and renews its life: `return ctx.notModified()`. Throws `INVALID_OPTION` if there is no stale value. */
  notModified(): never
  /** Returns the value to the callers without caching it. */
  skip(): void
}

/** Loads a value from the source of truth. `ctx` does not have the type of the value, so that it is inferred from what the loader returns. */
export type Loader<V> = (ctx: LoadContext) => V | Promise<V>

/**
 * How L1 returns values to callers.
 *
 * - `'shared'`: the same object each time, so a caller that changes it changes it for all later callers.
 * - `'frozen'`: the same object, deeply frozen, so a change throws where it happens. The contents of Map, Set, Date and bytes cannot be frozen.
 * - `'checked'`: the same object, compared with a copy at each hit. A change is reported with its key, and other callers get the original.
 * - `'cloned'`: a copy each time.
 *
 * `'frozen'` and `'checked'` are for development and tests.
 */
export type ValueSharing = 'shared' | 'frozen' | 'checked' | 'cloned'

/** Options of the memory tier. When it is full, it drops the least recently used entries. */
export interface MemoryOptions {
  /** The most entries, up to 2^24. Default 10,000, or no limit if `maxBytes` is given. */
  readonly maxEntries?: number | undefined
  /**
   * The most bytes of all entries: the key, and the encoded size of the value or an estimate if it was not encoded. Infinity: no limit.
   * Default: 128 MiB, or an eighth of the heap limit if that is less.
   */
  readonly maxBytes?: number | undefined
  /** The most bytes of one entry, key and value together; larger entries live in L2 only. Default: no limit but `maxBytes`. */
  readonly maxEntryBytes?: number | undefined
  /** The longest ttl in L1. Default: no limit. */
  readonly ttl?: Duration | undefined
  /** How long L1 is trusted while the bus is not heard. Default '3s'. */
  readonly maxStaleness?: Duration | undefined
  /** How L1 returns values. Default 'shared': never change a value that you get. Use 'frozen' or 'checked' in development and tests. */
  readonly values?: ValueSharing | undefined
  /** Estimates what an L1 of two and of four times the entries would win: `stats().l1.ghosts`. Default false. */
  readonly ghosts?: boolean | undefined
}

/** What the cache remembers for an L2 that cannot be reached. */
export interface RecoveryOptions {
  /** How long confirmed invalidations are remembered, to repeat them if the server has lost them. Default '10s'. */
  readonly window?: Duration | undefined
  /** How many changes may wait for L2. If there are more, one `clear` replaces them all. Default 10,000. */
  readonly maxOperations?: number | undefined
  /** How many bytes of written values may wait for L2. Beyond that, one `clear` replaces all waiting changes. Default 16 MiB. */
  readonly maxBytes?: number | undefined
}

/** Limits of background work, which no caller waits for. */
export interface BackgroundOptions {
  /** How many refreshes run at once. Default 16. */
  readonly concurrency?: number | undefined
  /** How many refreshes and writes to L2 may wait. Further ones are dropped, with the event `dropped`. Default 10,000. */
  readonly maxPending?: number | undefined
  /** How many bytes of writes to L2 may wait. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}

/** Options of a namespace: its version, and the defaults that differ from those of its parent. */
export interface NamespaceOptions extends PolicyOptions {
  /** Part of the keys: raise it when the shape of the values changes. Entries of another version are never served. */
  readonly version?: Version | undefined
}

/**
 * Receives what a cache logs. Every call is `(fields, message)`, as pino takes it and `console` prints it. `fields` has `cache`, `event` and
 * `code`, and `err` if there is an error. The methods are called with the logger as `this`.
 */
export interface Logger {
  info?(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Options of `createCache`. All are optional. */
export interface CacheOptions extends PolicyOptions {
  /** Prefix of every key in L2, name of the bus channel, label of metrics. Default 'tiercache'. */
  readonly name?: string | undefined
  /** Another version is another cache, with its own entries, tags, bus and `clear()`. */
  readonly version?: Version | undefined
  /** The memory tier, or `false` for none. */
  readonly l1?: MemoryOptions | false | undefined
  /** The tier outside the process, such as `redisTier(client)`. Default: none. */
  readonly l2?: TierDefinition | undefined
  /** The bus between processes. Default: the one that `l2` has, if any. */
  readonly bus?: Bus | undefined
  /** Classes of your own that the cache can keep, such as Decimal: as they are in L1, and encoded in L2. */
  readonly extend?: readonly Extension[] | undefined
  /**
   * How the cache treats an instance of a class that `extend` does not name. 'exact': no tier keeps the value, and a notice reports it.
   * 'plain': the cache keeps it, and returns it to every caller, as a plain object with its own enumerable properties. Default 'exact'.
   */
  readonly values?: ValueMode | undefined
  /** The source of time. Default: the machine's time. While a test replaces `Date.now`, ages follow it; time limits are always real. */
  readonly clock?: Clock | undefined
  /** Returns a number in [0, 1) at each call, for jitter and back-off. Default `Math.random`. */
  readonly random?: (() => number) | undefined
  /** What is remembered while L2 cannot be reached. */
  readonly recovery?: RecoveryOptions | undefined
  /** Limits of background work. */
  readonly background?: BackgroundOptions | undefined
  /** How long `close()` waits for background work. Default '5s'. */
  readonly closeTimeout?: Duration | undefined
  /**
   * Receives everything that makes the cache less useful than it should be: `console`, a pino logger, or your own. Each kind is logged once,
   * and an outage again after the last one was over. By default Node warns (`process.emitWarning`) once per kind and process. `false`:
   * nothing is logged.
   */
  readonly logger?: Logger | false | undefined
  /**
   * How events and log messages show keys and tags, which may be personal data: `'plain'`, `'hashed'` or `'omitted'`. A hash is the same in
   * every process, so somebody who can guess a key can recognize it. Default 'plain'.
   */
  readonly eventKeys?: EventKeys | undefined
}
