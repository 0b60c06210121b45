// What the core needs from outside: a store, a bus, a codec, a compressor, a clock. A port never names what stands above it.

/** Raw bytes; a Node Buffer is one. */
export type Bytes = Uint8Array

/** Milliseconds, always a duration. */
export type Milliseconds = number

/**
 * The only source of time. `nowMs` is monotonic and has no meaning outside this process; `after` is for deadlines and back-off.
 * The fake one of `tiercache/testing` moves by hand.
 */
export interface Clock {
  /** Monotonic instant in milliseconds. It never goes back when the wall clock is set. */
  nowMs(): number
  /** Calls `run` once after `delayMs` and returns what cancels it. It never keeps the process alive. */
  after(delayMs: Milliseconds, run: () => void): () => void
  /**
   * Keeps the process alive until what it answers is called. Asked for only while a caller awaits what a timer will answer;
   * a clock that is moved by hand has no use for it.
   */
  keepAlive?(): () => void
}

/**
 * One change of the store. Executed again later, whatever else came in between, it undoes nothing: a `put` or an `expire` is executed
 * once at most, and not at all after a later change of its key; a removal that comes again leaves a miss.
 */
export type Change =
  /** Stores an entry unconditionally, whatever was there, of whatever type. */
  | { readonly op: 'put'; readonly key: string; readonly bytes: Bytes; readonly keepMs: Milliseconds }
  /**
   * Stores an entry if the value of `key` begins with `expected` (16 bytes) or is that entry already; else removes whatever stands
   * there. Both count as applied: whoever lost the fence leaves a miss.
   */
  | {
      readonly op: 'replace'
      readonly key: string
      readonly expected: Bytes
      readonly bytes: Bytes
      readonly keepMs: Milliseconds
    }
  /** Removes an entry, a lease or a fence. */
  | { readonly op: 'delete'; readonly key: string }
  /** Overwrites the 16-byte stamp of a live entry and keeps its life; removes anything else that stands there. */
  | { readonly op: 'expire'; readonly key: string; readonly stamp: Bytes }
  /** Removes the token of a label: every entry that carries it is no longer current. */
  | { readonly op: 'invalidateLabel'; readonly label: string }
  /** Replaces the soft half of a label's token, if there is one, by one made of `soft`, another at each execution. Where it cannot be replaced, the token is removed. */
  | { readonly op: 'expireLabel'; readonly label: string; readonly soft: string }

/** What came of one change: `undefined` when it was applied, else why that is not known. */
export type ChangeResult = Error | undefined

/** Whether anybody still waits for what was sent. */
export interface Attempt {
  readonly isOver: boolean
}

/** A label's random value: 32 hex digits, hard half then soft half (see `model/labels.ts`). */
export type Token = string

/** The answer of `ensureTokens`. */
export interface EnsuredTokens {
  /** In the order asked. */
  readonly tokens: readonly Token[]
  /**
   * The announcements appended after `since`, oldest first, read after (or together with) the tokens;
   * `undefined` when the log cannot tell (no `since`, no log, trimmed beyond it).
   */
  readonly log: readonly Bytes[] | undefined
}

/**
 * Keeps encoded entries and label tokens outside this process. Checked by the store conformance cases of `tiercache/testing`.
 *
 * Absence is `undefined`, never a rejection. A rejection means that the store could not answer (its message and `code` say why).
 * It may forget earlier than `keepMs`, never later. It compares stamps (the first 16 bytes) and never reads further.
 */
export interface RemoteStore {
  /** Whether a command sent now would go out now. `false` costs nothing to ask; nothing is sent then. */
  isReady(): boolean
  /** This process's estimate of the store's own clock in ms: the same for every process, whatever their wall clocks say. */
  nowMs(): number
  /** Reads in the order of `keys`. What is not a string of bytes (another type) is `undefined`. */
  read(keys: readonly string[]): Promise<readonly (Bytes | undefined)[]>
  /**
   * Returns what stands there then. Where nothing stood, that is a lease which begins with `lease` (16 bytes) and was never planted
   * before, not even by this very command, should it be executed again: all of it is the fence of the load. What no cache can have left
   * there by what is left of its life (a lease or fence of more than ten minutes, or without an end) counts as nothing.
   */
  claim(key: string, lease: Bytes, leaseMs: Milliseconds): Promise<Bytes>
  /**
   * Compare-and-set: if the value of `key` begins with `expected` (a stamp, or a whole lease), stores `next` (or removes the key when it is
   * `undefined`) and answers `undefined`; else changes nothing and answers `'refused'`.
   */
  swap(key: string, expected: Bytes, next: Bytes | undefined, keepMs: Milliseconds): Promise<undefined | 'refused'>
  /** Renews the life of `key` if its value begins with `expected`; else answers `'refused'`. */
  extend(key: string, expected: Bytes, keepMs: Milliseconds): Promise<undefined | 'refused'>
  /**
   * Applies changes in order, then appends `announcement` to the log (where there is one). Label changes and the announcement are
   * one atomic step. Results in the order of `changes`; it rejects only if nothing is known of any of them. What another process's
   * change refused is sent again while somebody waits for this `attempt`, never later: newer changes may have gone out since.
   */
  apply(
    changes: readonly Change[],
    announcement: Bytes | undefined,
    attempt?: Attempt,
  ): Promise<readonly ChangeResult[]>
  /** Current tokens in the order of `labels`; `undefined` where there is none. One round trip. */
  readTokens(labels: readonly string[]): Promise<readonly (Token | undefined)[]>
  /**
   * Current tokens, each kept for at least `keepMs` from now. Where `labels[i]` has none, one is planted that is made of
   * `candidates[i]` and was never planted before: not even by this very command, should it be executed twice. One round trip.
   * With `since` (a position of the bus) the answer also holds what was announced after it.
   */
  ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<EnsuredTokens>
  /**
   * Removes every key that begins with `prefix`, on every master, in bounded batches; answers how many, rejects when `signal` aborts.
   * With `isMeant` only those for which it returns true, given what the value begins with: all of it, or 64 KB at least; no bytes where
   * none stand there. Administration, not hot path.
   */
  deleteByPrefix(prefix: string, signal?: AbortSignal, isMeant?: (head: Bytes) => boolean): Promise<number>
  /** Resolves once commands can be sent, rejects when `signal` aborts. For start-up and tests. */
  whenReady(signal?: AbortSignal): Promise<void>
  /** Opens the connection, if the store has one of its own, and begins to report. Called once, by `createCache`. */
  start(events: StoreEvents): void
  /** Ends what the store itself opened; a connection that was lent stays open. Never hangs, never rejects. */
  close(): Promise<void>
}

/** What a store reports by itself. */
export interface StoreEvents {
  /** Commands can be sent (again). `server: 'other'` when it is not the server of before: its last writes may be lost. */
  ready(server: 'same' | 'other'): void
  /** Commands cannot be sent now. */
  unready(reason: Error): void
  /** Something worth an event that is nobody's failure: a script reloaded, an out-of-memory fallback. */
  notice(code: string, detail: string, error?: Error): void
}

/** What a bus tells its cache. */
export interface BusEvents {
  /** An announcement arrived, of whatever sender, this one included. */
  message(bytes: Bytes): void
  /** Keys and labels of the store changed by whoever; `'all'` when the bus cannot say which (tracking bus). */
  changed(storeKeys: readonly string[] | 'all'): void
  /**
   * Everything announced before `sentAtMs` (the clock's time at which the proof was asked for) has been delivered.
   * `Infinity` from a bus that delivers before `publish` returns: it is heard for ever.
   */
  heard(sentAtMs: number): void
  /** Announcements may have been missed: whatever is known locally must be verified. */
  lost(reason: string): void
}

/**
 * Messages between processes. Checked by the bus conformance cases of `tiercache/testing`.
 *
 * A bus delivers each announcement at least once and in order, or says `lost`. It never rejects or throws because its link is down.
 */
export interface Bus {
  /** `'store'`: announcements travel with `RemoteStore.apply`. `'publish'`: the cache calls `publish` after the change. `'none'`: the server itself announces. */
  readonly announces: 'store' | 'publish' | 'none'
  /** The last announcement delivered, when the bus reads a log that `ensureTokens` can read too. */
  position(): string | undefined
  /** Begins to listen. Called once, by `createCache`. `channel` is the cache's name. */
  start(channel: string, events: BusEvents, clock: Clock): void
  /** Sends an announcement. A rejection means that it may not have been sent. */
  publish(bytes: Bytes): Promise<void>
  /** Stops listening and ends its own connection. Never hangs, never rejects. */
  close(): Promise<void>
}

/** Turns values into bytes and back. `decode(encode(v))` deeply equals `v` for whatever `encode` accepts. */
export interface Codec {
  /** 1 to 255, written into every envelope; 1 is msgpack, 64 and above are free for users. */
  readonly id: number
  readonly name: string
  /** Throws `CacheError('UNSUPPORTED_VALUE')` for what it cannot keep. */
  encode(value: unknown): Bytes
  /** May throw on bytes that it did not write; the caller makes that a miss. */
  decode(bytes: Bytes): unknown
}

/** Makes payloads smaller. Synchronous: payloads are small and a thread hop costs more. */
export interface Compressor {
  /** 1 to 15, written into every envelope; 1 is deflate, 8 and above are free for users. */
  readonly id: number
  readonly name: string
  compress(bytes: Bytes): Bytes
  /** Throws rather than return more than `maxBytes`. */
  decompress(bytes: Bytes, maxBytes: number): Bytes
}
