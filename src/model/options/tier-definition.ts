// What `l2` takes: how to connect a store outside the process, and how to treat it.

import type { Bus, Clock, Codec, Compressor, Milliseconds, RemoteStore } from '../ports.js'
import type { Duration } from './duration.js'

/** The store of an L2 and the bus that belongs to it, if any. */
export interface ConnectedTier {
  readonly store: RemoteStore
  readonly bus: Bus | undefined
}

/** When the circuit breaker stops asking L2, and for how long. */
export interface BreakerOptions {
  /** Failed, timed-out or slow operations in a row that open it. Default 3. */
  readonly failures?: number | undefined
  /** An answer that took longer counts as a failure, although it is used. Default: the timeout, so none does. */
  readonly slowAfter?: Duration | undefined
  /** How long it stays open before L2 is tried in the background. Default '1s', doubled after each failed try. */
  readonly openFor?: Duration | undefined
  /** The longest that it stays open. Default '15s'. */
  readonly maxOpenFor?: Duration | undefined
}

/** What is compressed, and how. */
export interface CompressOptions {
  /** Smaller payloads are not compressed. Default 1024. */
  readonly threshold?: number | undefined
  /** Default: raw deflate of node:zlib at its fastest level. */
  readonly compressor?: Compressor | undefined
}

/** Keys by id, each of 32 random bytes. Entries are written with `active` and read with any: keep an old key for as long as its entries may live. */
export interface EncryptOptions {
  /** Each 32 bytes, as bytes or in base64 or hex, by an id of 1 to 32 characters that is stored with each entry. */
  readonly keys: Readonly<Record<string, Uint8Array | string>>
  readonly active: string
  /** Sizes are rounded up to multiples of so many bytes, so that less can be read from them. Default 0: they are not. */
  readonly padding?: number | undefined
}

/** Options that every kind of L2 understands. */
export interface TierOptions {
  /** The longest that a caller waits for L2. Default '200ms'. */
  readonly timeout?: Duration | undefined
  /**
   * The longest that calls wait for the first connection, from `createCache` on; it ends early when connecting fails. Afterwards no
   * call waits for a connection. Default '5s'.
   */
  readonly connectTimeout?: Duration | undefined
  /** The life of a lease without renewal: what a dead holder costs the others. Default '2s', at most '10m'. */
  readonly leaseTtl?: Duration | undefined
  readonly breaker?: false | BreakerOptions | undefined
  /** Default: msgpack with everything that structured data can hold. What msgpack wrote stays readable under another codec. */
  readonly codec?: Codec | undefined
  /** Default: payloads of 1 KB and more; with `encrypt` none, because sizes then tell of what is encrypted. */
  readonly compress?: false | Compressor | CompressOptions | undefined
  /** Authenticated encryption of values and etags. Default: none. */
  readonly encrypt?: EncryptOptions | undefined
  /** Larger values, encoded and before compression, are neither written to L2 nor read from it. Default 8 MB. */
  readonly maxValueBytes?: number | undefined
}

/** An L2, not yet connected. Made by `redisTier` and by the in-memory store of `tiercache/testing`. */
export interface TierDefinition extends TierOptions {
  /**
   * Called once, by `createCache`, with the name of the cache. A bus that is idle should be heard about three times within
   * `maxStalenessMs`, for which L1 is trusted after it was heard. Default 3,000.
   */
  connect(name: string, clock: Clock, maxStalenessMs?: Milliseconds): ConnectedTier
}
