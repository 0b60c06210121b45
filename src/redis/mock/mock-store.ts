// L2 on ioredis-mock, for tests of applications: does to the mock's data what the store on Redis does with commands and scripts.

import { createHash } from 'node:crypto'
import { canBeOurs, isHold } from '../../codec/envelope/stamp.js'
import { asBuffer } from '../../model/as-buffer.js'
import { CacheError } from '../../model/errors.js'
import { hadAnotherLife, heldAnotherType } from '../../model/events/notices.js'
import { busKeyOf, holdsKeyOf, tokenKeyOf } from '../../model/keys/key.js'
import { LONGEST_LEASE_MS } from '../../model/limits.js'
import type {
  Bytes,
  Change,
  ChangeResult,
  Clock,
  EnsuredTokens,
  Hold,
  Milliseconds,
  RemoteStore,
  StoreEvents,
  Token,
} from '../../model/ports.js'
import { Readiness } from '../server/readiness.js'
import { toToken } from '../server/replies.js'
import { HELD_LABEL } from '../server/scripts.js'
import { type MockClient, MockData } from './mock-client.js'
import { MockLog } from './mock-log.js'

const STAMP_BYTES = 16
/** How many digits of a token a soft expiry leaves as they are. */
const HARD_DIGITS = 16

/** `RemoteStore` on one mock. Every method is one step, so nothing can come in between. Its result comes one microtask later. */
export class MockStore implements RemoteStore {
  readonly #client: MockClient
  readonly #data: MockData
  readonly #log: MockLog
  readonly #name: string
  readonly #clock: Clock
  /** The mock's own time is `Date`, which may jump, and ages must not jump with it. */
  readonly #offsetMs: number
  #events: StoreEvents | undefined
  #isClosed = false
  #planted = 0
  readonly #readiness = new Readiness(() => {
    if (this.isReady()) return 'ready'
    return this.#isClosed ? this.#notReady() : 'notYet'
  })

  constructor(client: MockClient, name: string, clock: Clock) {
    this.#client = client
    this.#data = new MockData(client)
    this.#log = new MockLog(this.#data, busKeyOf(name))
    this.#name = name
    this.#clock = clock
    this.#offsetMs = Date.now() - clock.nowMs()
  }

  start(events: StoreEvents): void {
    this.#events = events
    this.#client.on('ready', this.#onReady)
    this.#client.on('end', this.#onEnd)
    // A client with `lazyConnect` connects at its first command, and none is sent before it is connected.
    if (!this.#client.connected) this.#client.connect()
    // The mock emits `ready` in a tick that fake timers may hold back.
    void Promise.resolve().then(() => this.#onReady())
  }

  isReady(): boolean {
    return this.#client.connected && !this.#isClosed
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#offsetMs
  }

  async read(keys: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
    this.#assertReady()
    return keys.map((key) => this.#data.bytes(key))
  }

  async claim(key: string, lease: Bytes, leaseMs: Milliseconds): Promise<Bytes> {
    this.#assertReady()
    const standing = this.#data.bytes(key)
    if (standing !== undefined && canBeOurs(standing, this.#data.leftMs(key))) return standing
    if (standing !== undefined) this.#events?.notice('WRONG_LIFE', hadAnotherLife(key))
    else if (this.#data.has(key)) this.#events?.notice('WRONG_TYPE', heldAnotherType(key))
    const planted = Buffer.concat([lease, Buffer.from(`${++this.#planted}`.padStart(STAMP_BYTES, '0'))])
    this.#data.put(key, planted, leaseMs)
    return planted
  }

  async swap(
    key: string,
    expected: Bytes,
    next: Bytes | undefined,
    keepMs: Milliseconds,
  ): Promise<undefined | 'refused'> {
    this.#assertReady()
    if (!this.#holds(key, expected)) return 'refused'
    if (next === undefined) this.#data.delete(key)
    else this.#data.put(key, next, keepMs)
    return undefined
  }

  async extend(key: string, expected: Bytes, keepMs: Milliseconds): Promise<undefined | 'refused'> {
    this.#assertReady()
    if (!this.#holds(key, expected)) return 'refused'
    this.#data.keep(key, keepMs)
    return undefined
  }

  async apply(changes: readonly Change[], announcement: Bytes | undefined): Promise<readonly ChangeResult[]> {
    this.#assertReady()
    for (const change of changes) this.#change(change)
    if (announcement !== undefined) this.#log.append(announcement)
    return changes.map(() => undefined)
  }

  async readTokens(labels: readonly string[]): Promise<readonly (Token | undefined)[]> {
    this.#assertReady()
    return labels.map((label) => this.#token(label))
  }

  async ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<EnsuredTokens> {
    this.#assertReady()
    const tokens = labels.map((label, i) => {
      const key = tokenKeyOf(label, this.#name)
      if (this.#leftOfLabelHold(key) > 0) return undefined
      const token = this.#token(label) ?? this.#plantToken(key, candidates[i] as Token)
      const leftMs = this.#data.leftMs(key)
      if (leftMs < keepMs || leftMs === Number.POSITIVE_INFINITY) this.#data.keep(key, keepMs)
      return token
    })
    const heldMs = this.#data.leftMs(holdsKeyOf(this.#name))
    return {
      tokens,
      log: since === undefined ? undefined : this.#log.after(since)?.announcements,
      holdEndedAgoMs: heldMs <= 2 * LONGEST_LEASE_MS ? LONGEST_LEASE_MS - heldMs : undefined,
    }
  }

  async deleteByPrefix(prefix: string, signal?: AbortSignal, isMeant?: (head: Bytes) => boolean): Promise<number> {
    signal?.throwIfAborted()
    this.#assertReady()
    const keys = this.#data
      .keys()
      .filter((key) => key.startsWith(prefix) && isMeant?.(this.#data.bytes(key) ?? Buffer.alloc(0)) !== false)
      .filter((key) => this.#leftOfHold(key) === 0)
    for (const key of keys) this.#data.delete(key)
    return keys.length
  }

  whenReady(signal?: AbortSignal): Promise<void> {
    return this.#readiness.wait(signal)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#client.removeListener('ready', this.#onReady)
    this.#client.removeListener('end', this.#onEnd)
    this.#events = undefined
    this.#readiness.changed()
  }

  readonly #onReady = (): void => {
    if (!this.isReady()) return
    this.#events?.ready('same')
    this.#readiness.changed()
  }

  readonly #onEnd = (): void => this.#events?.unready(this.#notReady())

  #change(change: Change): void {
    switch (change.op) {
      case 'put':
        this.#data.put(change.key, change.bytes, change.keepMs)
        return
      case 'replace':
        if (this.#holds(change.key, change.expected)) this.#data.put(change.key, change.bytes, change.keepMs)
        else if (!this.#holds(change.key, change.bytes.subarray(0, STAMP_BYTES))) this.#remove(change.key, undefined)
        return
      case 'delete':
        this.#remove(change.key, change.hold)
        return
      case 'expire':
        this.#expire(change.key, change.stamp)
        return
      case 'invalidateLabel':
        this.#invalidateLabel(change.label, change.holdMs ?? 0)
        return
      case 'expireLabel':
        this.#expireLabel(change.label, change.soft)
        return
      default:
        change satisfies never
    }
  }

  #expire(key: string, stamp: Bytes): void {
    const bytes = this.#data.bytes(key)
    if (bytes !== undefined && isLiveEntry(bytes)) {
      bytes.set(stamp)
      this.#data.replace(key, bytes)
    } else this.#remove(key, undefined)
  }

  /** Removes what stands there or holds the key. A hold that lives longer stays. */
  #remove(key: string, hold: Hold | undefined): void {
    const leftMs = this.#leftOfHold(key)
    if (hold !== undefined && hold.keepMs > leftMs) this.#data.put(key, hold.fence, hold.keepMs)
    else if (leftMs === 0) this.#data.delete(key)
  }

  #leftOfHold(key: string): Milliseconds {
    const bytes = this.#data.bytes(key)
    const leftMs = this.#data.leftMs(key)
    return bytes !== undefined && isHold(bytes, leftMs) ? leftMs : 0
  }

  #invalidateLabel(label: string, holdMs: Milliseconds): void {
    const key = tokenKeyOf(label, this.#name)
    const leftMs = this.#leftOfLabelHold(key)
    if (holdMs > leftMs) this.#data.put(key, Buffer.from(HELD_LABEL), holdMs)
    else if (leftMs === 0) this.#data.delete(key)
    const holdsKey = holdsKeyOf(this.#name)
    const keepMs = holdMs + LONGEST_LEASE_MS
    const isLonger = !this.#data.has(holdsKey) || this.#data.leftMs(holdsKey) < keepMs
    if (holdMs > 0 && isLonger) this.#data.put(holdsKey, Buffer.from(HELD_LABEL), keepMs)
  }

  #leftOfLabelHold(key: string): Milliseconds {
    if (this.#data.bytes(key)?.toString('latin1') !== HELD_LABEL) return 0
    const leftMs = this.#data.leftMs(key)
    return leftMs <= LONGEST_LEASE_MS ? leftMs : 0
  }

  #expireLabel(label: string, soft: string): void {
    const key = tokenKeyOf(label, this.#name)
    const token = this.#token(label)
    if (this.#leftOfLabelHold(key) > 0) return
    if (token === undefined) this.#data.delete(key)
    else this.#data.replace(key, Buffer.from(token.slice(0, HARD_DIGITS) + this.#ofNow(soft).slice(0, HARD_DIGITS)))
  }

  #plantToken(key: string, candidate: Token): Token {
    const token = this.#ofNow(candidate).slice(0, 2 * HARD_DIGITS)
    this.#data.put(key, Buffer.from(token), 0)
    return token
  }

  /** Digits made of the moment, as on Redis: a second call with the same argument returns others. */
  #ofNow(digits: string): string {
    return createHash('sha1')
      .update(`${digits}.${Date.now()}.${++this.#planted}`)
      .digest('hex')
  }

  #token(label: string): Token | undefined {
    return toToken(this.#data.bytes(tokenKeyOf(label, this.#name)))
  }

  #holds(key: string, expected: Bytes): boolean {
    return this.#data.bytes(key)?.subarray(0, expected.length).equals(asBuffer(expected)) ?? false
  }

  #assertReady(): void {
    if (!this.isReady()) throw this.#notReady()
  }

  #notReady(): CacheError {
    const why = this.#isClosed ? 'the cache was closed' : 'the mock of ioredis is disconnected'
    return new CacheError('L2_UNAVAILABLE', `Redis is not connected: ${why}`)
  }
}

/** Magic, format version, and a state of 1 (live) or 2 (softly expired). */
function isLiveEntry(bytes: Buffer): boolean {
  if (bytes.length < STAMP_BYTES) return false
  return bytes[0] === 0xc7 && bytes[1] === 0x1e && bytes[2] === 1 && (bytes[3] === 1 || bytes[3] === 2)
}
