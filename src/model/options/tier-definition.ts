// The option `l2`: how to connect a store outside the process, and how to treat it.

import type { Bus, Clock, Codec, Compressor, Milliseconds, RemoteStore } from '../ports.js'
import type { Duration } from './duration.js'

/** A connected L2: its store, and the bus that belongs to it, if it has one. */
export interface ConnectedTier {
  readonly store: RemoteStore
  readonly bus: Bus | undefined
}

/** Options of the circuit breaker: when it opens, so that L2 is not asked, and for how long. */
export interface BreakerOptions {
  /** How many failed, timed-out or slow operations in a row open it. Default 3. */
  readonly failures?: number | undefined
  /** A reply that took longer than this is used, but counts as a failure. Default: the timeout, so no reply does. */
  readonly slowAfter?: Duration | undefined
  /** How long it stays open before L2 is tried in the background. Doubles after each failed try. Default '1s'. */
  readonly openFor?: Duration | undefined
  /** The longest time that it stays open before a try. Default '15s'. */
  readonly maxOpenFor?: Duration | undefined
}

/** Which payloads are compressed, and how. */
export interface CompressOptions {
  /** Payloads of fewer bytes are not compressed. Default 1024. */
  readonly threshold?: number | undefined
  /** Default: raw deflate of node:zlib at its fastest level. */
  readonly compressor?: Compressor | undefined
}

/**
 * Options of encryption. Entries are written with the key `active` and read with any of `keys`, so keep an old key for as long as its
 * entries may live.
 */
export interface EncryptOptions {
  /**
   * The keys by their id. A key is 32 random bytes, as bytes or as a string in base64 or hex. An id has 1 to 32 characters and is stored with
   * each entry.
   */
  readonly keys: Readonly<Record<string, Uint8Array | string>>
  /** The id of the key that encrypts new entries. */
  readonly active: string
  /** Sizes are rounded up to multiples of this number of bytes, so that they reveal less. Default 0: they are not. */
  readonly padding?: number | undefined
}

/** The options that every kind of L2 has. */
export interface TierOptions {
  /** The longest that a caller waits for L2. Default '200ms'. */
  readonly timeout?: Duration | undefined
  /**
   * The longest that calls wait for the first connection, counted from `createCache`. The wait ends early if connecting fails. Later no
   * call waits for a connection. Default '5s'.
   */
  readonly connectTimeout?: Duration | undefined
  /** How long a lease lives without renewal, which is how long a dead holder makes the others wait. Default '2s', at most '10m'. */
  readonly leaseTtl?: Duration | undefined
  /** The circuit breaker; `false`: none, so every operation may take up to its timeout. */
  readonly breaker?: false | BreakerOptions | undefined
  /** Encodes values. Default: msgpack, for all structured data. Entries that msgpack wrote stay readable with another codec. */
  readonly codec?: Codec | undefined
  /** Compression of payloads. Default: from 1 KB, or none with `encrypt`, because the compressed size reveals something of the content. */
  readonly compress?: false | Compressor | CompressOptions | undefined
  /** Authenticated encryption of values and etags. Default: none. */
  readonly encrypt?: EncryptOptions | undefined
  /** The largest value in bytes, encoded and before compression; larger ones are neither written to L2 nor read from it. Default 8 MiB. */
  readonly maxValueBytes?: number | undefined
}

/** An L2 that is not connected yet. `redisTier` returns one, and so does `memoryTier` of `tiercache/testing`. */
export interface TierDefinition extends TierOptions {
  /**
   * Connects the store. Called once, by `createCache`, with the name of the cache. L1 is trusted for `maxStalenessMs` (default 3,000) after
   * the bus was heard, so an idle bus should be heard about three times in that time.
   */
  connect(name: string, clock: Clock, maxStalenessMs?: Milliseconds): ConnectedTier
}
