// The ports: what the core needs from outside. A store, a bus, a codec, a compressor and a clock. No port names a type of the core.

/** Raw bytes; a Node Buffer is one. */
export type Bytes = Uint8Array

/** A duration in milliseconds. */
export type Milliseconds = number

/**
 * The only source of time. `nowMs` is monotonic and has no meaning outside this process; `after` is for deadlines and back-off.
 * `FakeClock` of `tiercache/testing` is moved by the test.
 */
export interface Clock {
  /** The present instant in milliseconds. It is monotonic: it does not go back when the wall clock is set. */
  nowMs(): number
  /** Calls `run` once after `delayMs`, and returns a function that cancels the call. It does not keep the process alive. */
  after(delayMs: Milliseconds, run: () => void): () => void
  /**
   * Keeps the process alive until the returned function is called. The cache uses it while a caller waits for a timer. A clock that a test
   * moves needs no such method.
   */
  keepAlive?(): () => void
}

/** For how long a key is held, and the write fence that stands there for so long. */
export interface Hold {
  /** A fence of more than 16 bytes. */
  readonly fence: Bytes
  /** At most ten minutes. */
  readonly keepMs: Milliseconds
}

/**
 * One change of the store. A client may send a command a second time, so a repeated change must not undo a later one: a `put` or an
 * `expire` takes effect at most once, and not after a later change of its key; a repeated removal leaves a miss.
 *
 * A *hold* stands under a key if its value begins with `C7 1E 01 03`, has more than 16 bytes, and lives for ten minutes at most. Nothing but a
 * `put` and the end of its life removes it: the removals of other changes leave it.
 */
export type Change =
  /** Stores an entry. It replaces whatever is under the key, of any type. */
  | { readonly op: 'put'; readonly key: string; readonly bytes: Bytes; readonly keepMs: Milliseconds }
  /**
   * Stores an entry if the value of `key` begins with `expected` (16 bytes) or is that entry already; else removes the key. Both count as
   * applied: a write that lost its fence leaves a miss.
   */
  | {
      readonly op: 'replace'
      readonly key: string
      readonly expected: Bytes
      readonly bytes: Bytes
      readonly keepMs: Milliseconds
    }
  /** Removes an entry, a lease or a fence. With `hold` it plants that fence in their place, unless a hold stands there that lives longer. */
  | { readonly op: 'delete'; readonly key: string; readonly hold?: Hold | undefined }
  /** Overwrites the 16-byte stamp of a live entry and keeps its remaining life; removes anything else under the key. */
  | { readonly op: 'expire'; readonly key: string; readonly stamp: Bytes }
  /**
   * Removes the token of a label, so that no entry that carries it is current any more. With `holdMs` (at most ten minutes) the label is held
   * for so long: it has no token and gets none. No other change of the label, and no shorter hold, ends that earlier.
   */
  | { readonly op: 'invalidateLabel'; readonly label: string; readonly holdMs?: Milliseconds | undefined }
  /**
   * Replaces the soft half of a label's token, if there is one, by a value derived from `soft` that is new at each execution. If it cannot
   * be replaced, the token is removed.
   */
  | { readonly op: 'expireLabel'; readonly label: string; readonly soft: string }

/** The result of one change: `undefined` if it was applied, else the reason why that is not known. */
export type ChangeResult = Error | undefined

/** One attempt to apply changes. `isOver` is true once nobody waits for its result. */
export interface Attempt {
  readonly isOver: boolean
}

/** The random value of a label: 32 hex digits, first the hard half, then the soft half (see `model/labels.ts`). */
export type Token = string

/** What `ensureTokens` returns. */
export interface EnsuredTokens {
  /** The tokens in the order of the labels; `undefined` for a label that is held. */
  readonly tokens: readonly (Token | undefined)[]
  /**
   * The announcements that were appended after `since`, oldest first, read after the tokens or together with them. `undefined` if they
   * are not known: there is no `since`, there is no log, or the log was trimmed beyond it.
   */
  readonly log: readonly Bytes[] | undefined
  /**
   * How long ago, in the store's clock, the last hold of any label ended; negative while one lasts. `undefined` if none lasted within the
   * last ten minutes.
   */
  readonly holdEndedAgoMs?: Milliseconds | undefined
}

/**
 * Keeps encoded entries and label tokens outside this process. The store conformance cases of `tiercache/testing` check an implementation.
 *
 * Absence is `undefined`, never a rejection. A rejection means that the store could not answer; its message and `code` say why. The store
 * may drop an entry before `keepMs` is over, but never keeps it longer. It compares stamps (the first 16 bytes) and reads no further.
 */
export interface RemoteStore {
  /** Whether a command could be sent now. Synchronous and cheap; while it is `false`, the cache sends nothing. */
  isReady(): boolean
  /** This process's estimate of the store's own clock, in ms. It does not depend on the wall clocks of the processes. */
  nowMs(): number
  /** Returns the values in the order of `keys`; `undefined` for a key that does not exist or has another type than a byte string. */
  read(keys: readonly string[]): Promise<readonly (Bytes | undefined)[]>
  /**
   * Plants a lease if nothing is under the key, and returns what is under the key afterwards. A planted lease begins with `lease` (16
   * bytes) and is unique: even the same command, executed a second time, plants another one. All its bytes are the fence of the load. A
   * lease or fence that would live for more than ten minutes, or without end, cannot come from a cache: it counts as nothing.
   */
  claim(key: string, lease: Bytes, leaseMs: Milliseconds): Promise<Bytes>
  /**
   * Compare-and-set. If the value of `key` begins with `expected` (a stamp, or a whole lease), it stores `next`, or removes the key if
   * `next` is `undefined`, and returns `undefined`. Otherwise it changes nothing and returns `'refused'`.
   */
  swap(key: string, expected: Bytes, next: Bytes | undefined, keepMs: Milliseconds): Promise<undefined | 'refused'>
  /**
   * Gives `key` a life of `keepMs` from now, longer or shorter than before, if its value begins with `expected`; else returns `'refused'`
   * and changes nothing. A key that is gone is not brought back.
   */
  extend(key: string, expected: Bytes, keepMs: Milliseconds): Promise<undefined | 'refused'>
  /**
   * Applies changes in order, then appends `announcement` to the log, if there is one. Label changes and the announcement are one atomic
   * step. Returns the results in the order of `changes`; it rejects only if no result is known. A change that was refused because of a
   * change by another process is sent again while this `attempt` lasts, but not later: newer changes may have been sent since.
   */
  apply(
    changes: readonly Change[],
    announcement: Bytes | undefined,
    attempt?: Attempt,
  ): Promise<readonly ChangeResult[]>
  /** Returns the current tokens in the order of `labels`; `undefined` for a label that has none or is held. One round trip. */
  readTokens(labels: readonly string[]): Promise<readonly (Token | undefined)[]>
  /**
   * Returns the current tokens, each of which then lives for at least `keepMs` from now. If `labels[i]` has none, a token is planted that
   * is derived from `candidates[i]` and is unique: even the same command, executed a second time, plants another one. A label that is held
   * gets none. With `since` (a position of the bus), it also returns what was announced after it. One round trip.
   */
  ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<EnsuredTokens>
  /**
   * Removes every key that begins with `prefix`, on every master, in bounded batches. Returns how many it removed; rejects when `signal`
   * aborts. `isMeant` selects keys by their value: it gets all bytes of the value, or at least the first 64 KB, and no bytes if the value
   * is not a byte string. For administration, not for the hot path.
   */
  deleteByPrefix(prefix: string, signal?: AbortSignal, isMeant?: (head: Bytes) => boolean): Promise<number>
  /** Resolves once commands can be sent; rejects when `signal` aborts. For start-up and tests. */
  whenReady(signal?: AbortSignal): Promise<void>
  /** Opens the store's own connection, if it has one, and starts to report to `events`. Called once, by `createCache`. */
  start(events: StoreEvents): void
  /** Closes the connections that the store opened itself; a connection of the application stays open. Never hangs, never rejects. */
  close(): Promise<void>
  /** Without it, each process that shares a stream waits for its end before it gets the first part. */
  readonly recordings?: RemoteRecordings | undefined
}

/** A recording of a stream: `key` is that of the entry it will become, `id` the lease of the load that records it, in hex. */
export interface RecordingName {
  readonly key: string
  readonly id: string
}

/** What `follow` found: chunks in order, the first of which has the index that was asked for. */
export type Followed = { readonly kind: 'absent' } | { readonly kind: 'chunks'; readonly chunks: readonly Bytes[] }

/**
 * Recordings of streams that go on, from which other processes read along. Chunks are numbered from 1. A recording lives for `keepMs` after its
 * last `append` and no longer. Names never repeat, so a command that is executed again, late or twice, brings nothing back that anybody reads.
 */
export interface RemoteRecordings {
  /**
   * Appends the chunk `index`, unless it is there already, and drops the chunks before `from`. Without a chunk it only renews the life. The
   * first chunk creates the recording. Returns how many processes follow it, or `'gone'` if it does not exist.
   */
  append(
    name: RecordingName,
    index: number,
    chunk: Bytes | undefined,
    keepMs: Milliseconds,
    from: number,
  ): Promise<number | 'gone'>
  /** Returns the chunks from `index` on, or some of them, and counts `follower` as following for `interestMs`. */
  follow(name: RecordingName, follower: string, index: number, interestMs: Milliseconds): Promise<Followed>
  /** `follower` does not follow any more. */
  leave(name: RecordingName, follower: string): Promise<void>
}

/** What a store reports to its cache. */
export interface StoreEvents {
  /** Commands can be sent (again). `'other'`: it is not the same server as before, so its last writes may be lost. */
  ready(server: 'same' | 'other'): void
  /** Commands cannot be sent now. */
  unready(reason: Error): void
  /** Something worth an event that fails no operation, such as a reloaded script or a fallback when the server is out of memory. */
  notice(code: string, detail: string, error?: Error): void
}

/** What a bus reports to its cache. */
export interface BusEvents {
  /** An announcement arrived, from any sender, including this process. */
  message(bytes: Bytes): void
  /** Keys of the store were changed by anyone, also by another program; `'all'` if the bus cannot say which keys (tracking bus). */
  changed(storeKeys: readonly string[] | 'all'): void
  /**
   * Everything that was announced before `sentAtMs` has been delivered. `sentAtMs` is the clock's time when the bus sent the request that
   * proves this. A bus that delivers before `publish` returns passes `Infinity`: it is trusted for ever.
   */
  heard(sentAtMs: number): void
  /** Announcements may have been missed, so all that is known locally has to be verified. */
  lost(reason: string): void
}

/**
 * Carries messages between processes. The bus conformance cases of `tiercache/testing` check an implementation.
 *
 * A bus delivers each announcement at least once and in order, or calls `lost`. It never rejects or throws because its link is down.
 */
export interface Bus {
  /**
   * How announcements are sent. `'store'`: `RemoteStore.apply` appends them. `'publish'`: the cache calls `publish` after the change.
   * `'none'`: the server announces changes by itself.
   */
  readonly announces: 'store' | 'publish' | 'none'
  /** The position of the last delivered announcement, if the bus reads a log that `ensureTokens` can read too. */
  position(): string | undefined
  /** Starts to listen. Called once, by `createCache`. `channel` is the name of the cache. */
  start(channel: string, events: BusEvents, clock: Clock): void
  /** Sends an announcement. A rejection means that it may not have been sent. */
  publish(bytes: Bytes): Promise<void>
  /** Stops listening and closes its own connection. Never hangs, never rejects. */
  close(): Promise<void>
}

/** Turns values into bytes and back. `decode(encode(v))` deeply equals `v` for every value that `encode` accepts. */
export interface Codec {
  /** 1 to 255, written into every envelope. 1 is msgpack; 64 and above are free for users. */
  readonly id: number
  readonly name: string
  /** Throws `CacheError('UNSUPPORTED_VALUE')` for a value that it cannot encode. */
  encode(value: unknown): Bytes
  /** May throw on bytes that it did not write; that is a miss. */
  decode(bytes: Bytes): unknown
}

/** Compresses payloads. Synchronous, because payloads are small and handing them to a thread would cost more. */
export interface Compressor {
  /** 1 to 15, written into every envelope. 1 is deflate; 8 and above are free for users. */
  readonly id: number
  readonly name: string
  compress(bytes: Bytes): Bytes
  /** Throws if the result would be larger than `maxBytes`. */
  decompress(bytes: Bytes, maxBytes: number): Bytes
}
