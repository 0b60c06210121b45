// L2 on Redis: standalone, Sentinel and Cluster. Every method takes one round trip as a rule.

import { asBuffer } from '../../model/as-buffer.js'
import { CacheError } from '../../model/errors.js'
import { busKeyOf, holdsKeyOf, markKeyOf, tokenKeyOf } from '../../model/keys/key.js'
import type {
  Attempt,
  Bytes,
  Change,
  ChangeResult,
  Clock,
  EnsuredTokens,
  Milliseconds,
  RemoteStore,
  StoreEvents,
  Token,
} from '../../model/ports.js'
import { faultBehind, toCacheError } from '../client/classify-error.js'
import type { Argument, RedisConnection } from '../client/client.js'
import type { ClientSource } from '../client/client-source.js'
import type { Connection, ConnectionEvents } from '../connection/connection.js'
import { connectionOf } from '../connection/connection-of.js'
import { Readiness } from '../server/readiness.js'
import { bytesIn, countIn, listOf } from '../server/replies.js'
import { READ_HEAD, REMOVE, type Script } from '../server/scripts.js'
import { ServerTime } from '../server/server-time.js'
import { StoreClock } from '../server/store-clock.js'
import { applyChanges } from './apply-changes.js'
import { deleteByPrefix } from './delete-by-prefix.js'
import { Fences } from './fences.js'
import type { OwnChanges } from './own-changes.js'
import { readKeys } from './read-keys.js'
import { RedisRecordings } from './recordings.js'
import { TokenKeys } from './token-keys.js'

const FOR_EVER: Attempt = { isOver: false }
/** No entry lives longer, so that nothing stays for ever. */
const MAX_KEEP_MS: Milliseconds = 365 * 24 * 3_600_000

export interface RedisStoreOptions {
  /** The cache's name. */
  readonly name: string
  readonly clock: Clock
  readonly source: ClientSource
  /** How long a lent client may be silent while commands wait, before a link of our own stands in for it. */
  readonly silenceMs: Milliseconds
  /** Whether announcements are appended to a stream: only if a stream bus listens. */
  readonly log: 'stream' | 'none'
  /** Records the changes of this store, for a tracking bus. */
  readonly own?: OwnChanges | undefined
}

/**
 * `RemoteStore` on one client. In addition to its contract:
 *
 * - On a cluster, keys whose master cannot be reached are read as absent (notice `PARTIAL_READ`). If no master replies, the read rejects.
 * - A key of ours that holds another type is replaced by the lease when it is claimed (notice `WRONG_TYPE`).
 * - If the server is out of memory and cannot store a value, the old value is removed (notice `OUT_OF_MEMORY`): a miss, never an outdated
 *   value.
 */
export class RedisStore implements RemoteStore {
  readonly #name: string
  readonly #source: ClientSource
  readonly #clock: Clock
  readonly #storeClock: StoreClock
  /** The clock of each server, by `Connection.serverOf`. */
  readonly #times = new Map<string, ServerTime>()
  readonly #busKey: string
  readonly #log: 'stream' | 'none'
  readonly #silenceMs: Milliseconds
  readonly #own: OwnChanges | undefined
  readonly #tokens: TokenKeys
  #events: StoreEvents | undefined
  #connection: Connection | undefined
  #openError: CacheError | undefined
  #isClosed = false
  readonly #readiness = new Readiness(() => {
    if (this.isReady()) return 'ready'
    return this.#isClosed || this.#openError !== undefined ? this.#notReady() : 'notYet'
  })

  readonly recordings: RedisRecordings
  readonly #fences = new Fences({
    connection: () => this.#ready(),
    mayShare: () => this.#connection?.order === 'one',
    run: (script, keys, args) => this.#run(script, keys, args),
    runKnown: (script, keys, args) => this.#runKnown(script, keys, args),
    notice: (code, detail) => this.#notice(code, detail),
  })

  constructor({ name, clock, source, log, silenceMs, own }: RedisStoreOptions) {
    this.#name = name
    this.#source = source
    this.#clock = clock
    this.#storeClock = new StoreClock(clock)
    this.#busKey = busKeyOf(name)
    this.#log = log
    this.#silenceMs = silenceMs
    this.#own = own
    this.recordings = new RedisRecordings({
      name,
      keyPrefix: () => this.#ready().keyPrefix,
      run: (script, keys, args) => this.#run(script, keys, args),
    })
    this.#tokens = new TokenKeys({
      busKey: this.#busKey,
      holdsKey: holdsKeyOf(name),
      keyOf: (label) => tokenKeyOf(label, name),
      run: (script, keys, args) => this.#run(script, keys, args),
      notice: (code, detail) => this.#notice(code, detail),
    })
  }

  start(events: StoreEvents): void {
    this.#events = events
    this.#source.open().then(
      (client) => this.#opened(client),
      (error: unknown) => this.#failedToOpen(toCacheError(error, 'be opened')),
    )
  }

  isReady(): boolean {
    return this.#connection?.isReady() ?? false
  }

  nowMs(): number {
    return this.#storeClock.nowMs()
  }

  read(keys: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
    const connection = this.isReady() ? this.#connection : undefined
    if (connection === undefined) return Promise.reject(this.#notReady())
    if (keys.length === 0) return Promise.resolve([])
    return readKeys(connection, keys, (code, detail) => this.#notice(code, detail))
  }

  claim(key: string, lease: Bytes, leaseMs: Milliseconds): Promise<Bytes> {
    if (!this.isReady()) return Promise.reject(this.#notReady())
    this.#own?.wrote(key, lease)
    return this.#fences.claim({ key, bytes: asBuffer(lease), keepMs: wholeMs(leaseMs) })
  }

  swap(key: string, expected: Bytes, next: Bytes | undefined, keepMs: Milliseconds): Promise<undefined | 'refused'> {
    if (!this.isReady()) return Promise.reject(this.#notReady())
    const stamp = asBuffer(expected)
    if (next === undefined) this.#own?.removed(key)
    else this.#own?.wrote(key, next)
    if (next === undefined) return this.#fences.remove(key, stamp)
    return this.#fences.swap({ key, expected: stamp, bytes: asBuffer(next), keepMs: wholeMs(keepMs) })
  }

  extend(key: string, expected: Bytes, keepMs: Milliseconds): Promise<undefined | 'refused'> {
    if (!this.isReady()) return Promise.reject(this.#notReady())
    this.#own?.wrote(key, expected)
    return this.#fences.extend({ key, bytes: asBuffer(expected), keepMs: wholeMs(keepMs) })
  }

  apply(
    changes: readonly Change[],
    announcement: Bytes | undefined,
    attempt: Attempt = FOR_EVER,
  ): Promise<readonly ChangeResult[]> {
    const connection = this.isReady() ? this.#connection : undefined
    if (connection === undefined) return Promise.reject(this.#notReady())
    for (const change of changes) this.#own?.changed(change)
    return applyChanges(changes, this.#log === 'stream' ? announcement : undefined, {
      inOrder: connection.order === 'one',
      busKey: this.#busKey,
      holdsKey: holdsKeyOf(this.#name),
      tokenKeyOf: (label) => tokenKeyOf(label, this.#name),
      markKeyOf: (key) => markKeyOf(key, this.#name, connection.keyPrefix),
      attempt,
      timeOf: (key) => this.#timeOf(connection.serverOf(key)),
      send: (key, command, args) => connection.send(key, command, args),
      run: (script, keys, args) => this.#run(script, keys, args),
      wholeMs,
      notice: (code, detail) => this.#notice(code, detail),
    })
  }

  async readTokens(labels: readonly string[]): Promise<readonly (Token | undefined)[]> {
    const connection = this.#ready()
    if (labels.length === 0) return []
    const tokens = await this.#tokens.read(connection, labels)
    this.#own?.found(labels, tokens)
    return tokens
  }

  async ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<EnsuredTokens> {
    this.#ready()
    this.#own?.found(labels, candidates)
    const ensured = await this.#tokens.ensure(labels, candidates, wholeMs(keepMs), since)
    // If the call renewed the life of a token, that is a change of its key that does not matter.
    this.#own?.found(labels, ensured.tokens)
    return ensured
  }

  /** The first 32 bytes of the value under a key now; empty if there is none. */
  async readHead(key: string): Promise<Bytes> {
    return bytesIn(await this.#run(READ_HEAD, [key], []), 'GETRANGE') ?? Buffer.alloc(0)
  }

  async deleteByPrefix(prefix: string, signal?: AbortSignal, isMeant?: (head: Bytes) => boolean): Promise<number> {
    const connection = this.#ready()
    const remove = async (keys: readonly string[]): Promise<number> => {
      const marked = keys.flatMap((key) => [key, markKeyOf(key, this.#name, connection.keyPrefix)])
      const [, count] = listOf(await this.#run(REMOVE, marked, []), 2, 'a removal')
      return countIn(count, 'a removal')
    }
    return deleteByPrefix({ connection, remove, isMeant }, prefix, signal)
  }

  whenReady(signal?: AbortSignal): Promise<void> {
    return this.#readiness.wait(signal)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#connection?.stop()
    this.#connection = undefined
    this.#readiness.changed()
    await this.#source.close()
  }

  #opened(client: RedisConnection): void {
    if (this.#isClosed) return
    const events: ConnectionEvents = {
      ready: (server) => {
        // Another server has another clock, even at the same address.
        if (server === 'other') this.#times.clear()
        this.#events?.ready(server)
        this.#readiness.changed()
      },
      unready: (reason) => this.#events?.unready(reason),
      notice: (code, detail, error) => this.#notice(code, detail, error),
      timed: (sample) => {
        this.#storeClock.learn(sample)
        this.#timeOf(connection.serverOf(this.#busKey)).learn(sample)
      },
      unusable: () => undefined, // `RelievedConnection` handles it.
    }
    const { origin } = this.#source
    const plan = { client, origin, homeKey: this.#busKey, clock: this.#clock, silenceMs: this.#silenceMs }
    const connection = connectionOf(plan, events)
    this.#connection = connection
    connection.start()
  }

  #timeOf(server: string): ServerTime {
    let time = this.#times.get(server)
    if (time === undefined) {
      time = new ServerTime(this.#clock)
      this.#times.set(server, time)
    }
    return time
  }

  #failedToOpen(error: CacheError): void {
    if (this.#isClosed) return
    this.#openError = error
    this.#events?.unready(error)
    this.#readiness.changed()
  }

  #ready(): Connection {
    if (this.#connection === undefined || !this.isReady()) throw this.#notReady()
    return this.#connection
  }

  #notReady(): CacheError {
    if (this.#openError !== undefined) return this.#openError
    return new CacheError('L2_UNAVAILABLE', `Redis is not connected${this.#isClosed ? ': the cache was closed' : ''}`)
  }

  /** Sends only the hash of the script. The caller has another way if the server does not have the script. */
  #runKnown(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.#ready().send(keys[0] as string, 'evalsha', [script.sha, keys.length, ...keys, ...args])
  }

  /** Sends the hash of the script, and its text if the server does not have it (after `SCRIPT FLUSH`, a restart, a failover). */
  async #run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#runKnown(script, keys, args)
    } catch (error) {
      if (faultBehind(error) !== 'scriptMissing') throw error
      this.#notice('SCRIPT_MISSING', 'the server no longer had a script; it was sent again')
      return this.#ready().send(keys[0] as string, 'eval', [script.body, keys.length, ...keys, ...args])
    }
  }

  #notice(code: string, detail: string, error?: Error): void {
    this.#events?.notice(code, detail, error)
  }
}

/** Redis takes whole milliseconds, 1 or more. */
function wholeMs(ms: Milliseconds): number {
  return Math.min(Math.max(Math.ceil(ms), 1), MAX_KEEP_MS)
}
