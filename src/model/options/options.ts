// What users pass. Every option may be left out or `undefined`; `policy.ts` and `cache-policy.ts` turn them into numbers.

import type { EventKeys } from '../events/event-keys.js'
import type { LoadReason, Tier } from '../events/events.js'
import type { Version } from '../keys/key.js'
import type { Bus, Clock } from '../ports.js'
import type { Extension } from '../values/extension.js'
import type { StandardSchema } from '../values/schema.js'
import type { ValueMode } from '../values/value-rules.js'
import type { Duration } from './duration.js'
import type { TierDefinition } from './tier-definition.js'

/** Which tiers an operation uses. */
export type Tiers = 'all' | Tier

/** Whether one load runs per process or, through L2, one per fleet. */
export type SingleFlight = 'process' | 'fleet'

/**
 * How long values live and how they are loaded: as defaults of a cache or namespace, and per call.
 *
 * `ttl`, `absentTtl`, `l1Ttl`, `staleWhileRevalidate` and `staleIfError` of one call say how long the value that it stores lives, and
 * bound what it takes: with `ttl: '1s'` a value of 5 s is not fresh to this call, with `staleIfError: 0` none is served to it when the
 * load fails. They lengthen nothing that is stored.
 */
export interface PolicyOptions {
  /** How long a value is fresh. 0: it is not cached. Default '1m'. */
  readonly ttl?: Duration | undefined
  /** A lower limit for L1 alone. 0: it is not kept in L1. Default: `l1.ttl`, else none. */
  readonly l1Ttl?: Duration | undefined
  /** How long after its ttl a value is still served while one refresh runs. Default 0. */
  readonly staleWhileRevalidate?: Duration | undefined
  /**
   * How long after it stopped being fresh a value is still served if loading fails: after its ttl, or after `expire` and `expireTags`.
   * Default 0: not at all.
   */
  readonly staleIfError?: Duration | undefined
  /**
   * The pause before the next load of a key, while loads fail and a stale value is served. It ends with any change of the key or of
   * its tags. `false`: each read tries. Default `{ first: '1s', longest: '1m' }`.
   */
  readonly failureBackoff?: FailureBackoff | false | undefined
  /** The largest random part, 0 to 1, by which a ttl is shortened. Default 0. */
  readonly jitter?: number | undefined
  /** XFetch's beta: a few readers refresh shortly before expiry; 1 is usual, larger is earlier. Default false: off. */
  readonly earlyRefresh?: number | false | undefined
  /** How long a caller waits for a load when a stale value is at hand. Default Infinity. */
  readonly softTimeout?: Duration | undefined
  /** How long a load may take before it is aborted and rejected. Default '30s'. */
  readonly hardTimeout?: Duration | undefined
  /** The ttl of `undefined` and `null`. 0: they are not cached. Default: as `ttl`. */
  readonly absentTtl?: Duration | undefined
  /** Default 'all'. */
  readonly tiers?: Tiers | undefined
  /** Default 'fleet'; without an L2 both are the same. */
  readonly singleFlight?: SingleFlight | undefined
  /**
   * Every value passes it once, whether it comes from a loader, from `set` or from L2, and callers get what it returns. What it refuses
   * of L2 is a miss, of a loader or `set` a rejection with `SCHEMA_MISMATCH`. `undefined` and `null` do not pass it.
   */
  readonly schema?: StandardSchema | undefined
}

/** Pauses that double after each failure in a row; the upper half of each is random. */
export interface FailureBackoff {
  /** After the first failure. Default '1s'. */
  readonly first?: Duration | undefined
  /** Not below `first`. Default '1m'. */
  readonly longest?: Duration | undefined
}

/**
 * Tags, or a function that derives them from the value. It is not called for `undefined` and `null`, which then carry no tags. If it
 * throws or returns anything but an array of strings, a loaded value is served and kept in no tier (notice `TAGS_FAILED`), while
 * `set` rejects.
 */
export type Tags<V = unknown> = readonly string[] | ((value: NonNullable<V>, key: string) => readonly string[])

/** Options of `getOrSet` and the calls like it. */
export interface CallOptions<V = unknown> extends PolicyOptions {
  readonly tags?: Tags<V> | undefined
  /** Keeps values of different shapes apart: another version is another entry. */
  readonly version?: Version | undefined
  readonly schema?: StandardSchema<V> | undefined
  /** Lets this caller leave; the load goes on for whoever else waits and is aborted with the last of them. */
  readonly signal?: AbortSignal | undefined
}

/** Options of `get`, `lookup`, `has`, `getMany` and `peek`. */
export interface ReadOptions {
  readonly version?: Version | undefined
  readonly tiers?: Tiers | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options of `set` and `setMany`. */
export interface WriteOptions<V = unknown>
  extends Pick<
    PolicyOptions,
    'ttl' | 'l1Ttl' | 'staleWhileRevalidate' | 'staleIfError' | 'jitter' | 'absentTtl' | 'tiers'
  > {
  readonly tags?: Tags<V> | undefined
  readonly version?: Version | undefined
}

/** The usable value that a load is to replace. */
export interface StaleValue<V = unknown> {
  readonly value: V
  readonly ageMs: number
  readonly etag?: string | undefined
}

/**
 * What a loader is given. Its methods take effect when the loader has returned, and never throw for what they are given: a value of
 * which something was said that is not understood is served and kept in no tier (notice `TAGS_FAILED` or `OPTION_FAILED`).
 */
export interface LoadContext<V = unknown> {
  readonly key: string
  /** Aborts at the hard timeout, and when the last waiting caller left. */
  readonly signal: AbortSignal
  readonly reason: LoadReason
  readonly stale: StaleValue<V> | undefined
  /** Sets the ttl of this value. */
  ttl(duration: Duration): void
  /** Adds one tag or several to those of the options. */
  tags(tags: string | readonly string[]): void
  /** Is handed to the next load as `stale.etag`. */
  etag(etag: string): void
  /** `return ctx.notModified()` keeps the stale value and renews its life. */
  notModified(): never
  /** The value goes to the callers and is not cached. */
  skip(): void
}

/** The source of truth. It is not given its value's type through `ctx`, so that the type is inferred from what it returns. */
export type Loader<V> = (ctx: LoadContext) => V | Promise<V>

/**
 * How L1 hands out values. `'shared'`: the very object, so that whoever changes it changes what all later callers get. `'frozen'`: the
 * object, deeply frozen: to change it throws where it happens (contents of Map, Set, Date and bytes cannot be frozen). `'checked'`: the
 * object, compared with a copy at each hit: what was changed is reported with its key, and the others get it as it was. `'cloned'`: a
 * copy each time. `'frozen'` and `'checked'` are for development and tests.
 */
export type ValueSharing = 'shared' | 'frozen' | 'checked' | 'cloned'

/** The memory tier. Entries are dropped least recently used first. */
export interface MemoryOptions {
  /** Default 10,000, unless `maxBytes` is given. */
  readonly maxEntries?: number | undefined
  /**
   * Counted as the encoded size, or an estimate where nothing was encoded, and the key. `Infinity`: no limit. Default: 128 MiB, or an eighth of the
   * limit of the heap where that is less.
   */
  readonly maxBytes?: number | undefined
  /** Of value and key: larger entries live in L2 only. Default: no limit but `maxBytes`. */
  readonly maxEntryBytes?: number | undefined
  /** A lower limit for L1 of every ttl. Default: none. */
  readonly ttl?: Duration | undefined
  /** How long L1 is trusted when the bus is not heard. Default '3s'. */
  readonly maxStaleness?: Duration | undefined
  /** Default 'shared': never change what you get. In development and tests take 'frozen' or 'checked'. */
  readonly values?: ValueSharing | undefined
}

/** What is kept for an L2 that cannot be reached. */
export interface RecoveryOptions {
  /** How long confirmed invalidations are remembered, to be repeated if the server lost them. Default '10s'. */
  readonly window?: Duration | undefined
  /** Beyond it what waits is replaced by one `clear`. Default 10,000. */
  readonly maxOperations?: number | undefined
  /** The same for the bytes of waiting writes. Default 16 MiB. */
  readonly maxBytes?: number | undefined
}

/** Limits of the work that no caller waits for. */
export interface BackgroundOptions {
  /** Refreshes that run at once. Default 16. */
  readonly concurrency?: number | undefined
  /** Refreshes and L2 writes that may wait. Beyond it they are dropped, with an event. Default 10,000. */
  readonly maxPending?: number | undefined
  /** The bytes of L2 writes that may wait. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}

/** Options of a namespace: defaults that differ from its parent's. */
export interface NamespaceOptions extends PolicyOptions {
  readonly version?: Version | undefined
}

/**
 * Where a cache writes what somebody should know of. Every call is `(fields, message)`: what pino and its like take, and what
 * `console` prints. `fields` has `cache`, `event`, `code`, and `err` where there is an error. Called with the logger as `this`.
 */
export interface Logger {
  info?(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Options of `createCache`. None is needed. */
export interface CacheOptions extends PolicyOptions {
  /** Prefix of every key in L2, name of the bus channel, label of metrics. Default 'tiercache', which no other program uses. */
  readonly name?: string | undefined
  /** Another version is another cache: own entries, tags, bus and `clear()`. */
  readonly version?: Version | undefined
  /** The memory tier, or `false` for none. */
  readonly l1?: MemoryOptions | false | undefined
  /** The tier outside the process. Default: none. */
  readonly l2?: TierDefinition | undefined
  /** Instead of the bus that `l2` brings. */
  readonly bus?: Bus | undefined
  /** Classes of yours that the cache is to keep, such as Decimal: in L1 as they are, in L2 as what they are encoded to. */
  readonly extend?: readonly Extension[] | undefined
  /**
   * What becomes of an instance of a class that `extend` does not name. 'exact': no tier keeps the value, and that is said. 'plain':
   * the cache keeps it, and every caller gets it, as the plain object of its own enumerable properties. Default 'exact'.
   */
  readonly values?: ValueMode | undefined
  /** Default: the machine's time. While a test replaces `Date.now`, ages follow that; time limits are always real. */
  readonly clock?: Clock | undefined
  /** A number in [0, 1) at each call, for jitter and back-off. Default `Math.random`. */
  readonly random?: (() => number) | undefined
  readonly recovery?: RecoveryOptions | undefined
  readonly background?: BackgroundOptions | undefined
  /** How long `close()` waits for background work. Default '5s'. */
  readonly closeTimeout?: Duration | undefined
  /**
   * Is told what makes the cache less useful than it should be, each kind once until it is over: `console`, a pino logger, or your
   * own. By default Node warns (`process.emitWarning`) once per kind and process; `false`: nothing is written anywhere.
   */
  readonly logger?: Logger | false | undefined
  /**
   * How events, and what the cache writes to a log, name keys and tags, which may be personal data: `'plain'`, `'hashed'` (the same key is
   * the same hash, in every process; who can guess a key can recognize it) or `'omitted'`. Default 'plain'.
   */
  readonly eventKeys?: EventKeys | undefined
}
