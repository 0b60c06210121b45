// What a `MemoryServer` does with each command: the semantics of the `RemoteStore` port, each command in one step.

import { createHash } from 'node:crypto'
import { canBeOurs } from '../../codec/envelope/stamp.js'
import { hadAnotherLife, heldAnotherType } from '../../model/events/notices.js'
import type { Bytes, Change, ChangeResult, EnsuredTokens, Milliseconds, Token } from '../../model/ports.js'
import { AnnouncementLog } from './announcement-log.js'
import { logKey, type MemoryServer, tokenKey } from './memory-server.js'

/** Length of what compare-and-set compares: the first bytes of every stored value. */
const STAMP_BYTES = 16
/** Digits of the half of a token that `expireLabel` leaves. */
const HARD_DIGITS = 16

/** Told of what was done in another way than asked. */
type Notice = (code: 'OUT_OF_MEMORY' | 'WRONG_LIFE' | 'WRONG_TYPE', detail: string) => void

/** How changes are on their way. */
interface Sending {
  /** Every change up to this position was made before they were sent. */
  readonly sentAt: number
  /** Of the server's clock: later they are not executed any more. */
  readonly lateAtMs: number
  /** Why a change is not to be executed, if it is not. */
  readonly failure: (change: Change) => Error | undefined
}

const NOW: Sending = {
  sentAt: Number.POSITIVE_INFINITY,
  lateAtMs: Number.POSITIVE_INFINITY,
  failure: () => undefined,
}

/** The result of a change that came too late, or a second time. */
export const REFUSED = new Error('the key was changed after this was sent')

/** The commands of one cache `name`. */
export class MemoryCommands {
  constructor(
    private readonly server: MemoryServer,
    private readonly name: string,
    private readonly notice: Notice = () => {},
  ) {}

  read(keys: readonly string[]): (Bytes | undefined)[] {
    this.server.require('read')
    return keys.map((key) => this.bytes(key))
  }

  claim(key: string, lease: Bytes, leaseMs: Milliseconds): Bytes {
    this.server.require('write')
    const standing = this.bytes(key)
    if (standing !== undefined && canBeOurs(standing, this.server.keyspace.leftMs(key) ?? 0)) return standing
    // Another one at each execution.
    const planted = Buffer.concat([lease, Buffer.from(`${this.server.nextPosition()}`.padStart(16, '0'))])
    this.plant(key, planted, leaseMs)
    return planted
  }

  swap(key: string, expected: Bytes, next: Bytes | undefined, keepMs: Milliseconds): undefined | 'refused' {
    this.server.require('write')
    if (!this.holds(key, expected)) return 'refused'
    if (next === undefined) this.server.keyspace.delete(key)
    else this.put(key, next, keepMs)
    return undefined
  }

  extend(key: string, expected: Bytes, keepMs: Milliseconds): undefined | 'refused' {
    this.server.require('write')
    if (!this.holds(key, expected)) return 'refused'
    this.server.keyspace.set(key, this.server.keyspace.get(key)!, keepMs)
    return undefined
  }

  apply(changes: readonly Change[], announcement: Bytes | undefined, sending: Sending = NOW): readonly ChangeResult[] {
    this.server.require('read') // nothing is known of any change if this fails
    const refusals = changes.map((change) => this.refusal(change, sending))
    const results = changes.map((change, i) => {
      return sending.failure(change) ?? refusals[i] ?? attempt(() => this.change(change))
    })
    const announced = announcement && attempt(() => this.append(announcement))
    if (announced !== undefined && changes.length === 0) throw announced
    // Unheard by the others is not done: a change whose announcement failed is not known to hold.
    return results.map((result) => result ?? announced)
  }

  readTokens(labels: readonly string[]): (Token | undefined)[] {
    this.server.require('read')
    return labels.map((label) => this.token(label))
  }

  ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): EnsuredTokens {
    this.server.require('write')
    const tokens = labels.map((label, index) => {
      const key = tokenKey(this.name, label)
      const isThere = this.token(label) !== undefined
      if (!isThere && this.isFull) {
        this.notice('OUT_OF_MEMORY', `the token of ${label} was not planted`)
        return candidates[index]! // current for nobody: what carries it is not kept
      }
      const token = this.token(label) ?? this.tokenOf(candidates[index]!)
      this.server.keyspace.set(key, { type: 'token', token }, Math.max(keepMs, this.server.keyspace.leftMs(key) ?? 0))
      return token
    })
    return { tokens, log: since === undefined ? undefined : this.announcedAfter(since)?.announcements }
  }

  deleteByPrefix(prefix: string, isMeant: (head: Bytes) => boolean = () => true): number {
    this.server.require('write')
    const meant = this.server
      .keys()
      .filter((key) => key.startsWith(prefix) && isMeant(this.bytes(key) ?? Buffer.alloc(0)))
    const keys = meant.filter((key) => this.server.keyspace.delete(key))
    for (const key of keys) this.server.changed(key)
    return keys.length
  }

  /** Where a bus begins to listen: a line of its own in the log, or the last one where nothing can be written. */
  join(): string {
    const last = this.log()?.lastPosition
    this.server.require(last === undefined ? 'write' : 'read')
    return String(last !== undefined && this.server.condition === 'readOnly' ? last : this.append(undefined))
  }

  /** What was announced after `position`, and the position after that; `undefined` when the log cannot tell. */
  announcedAfter(position: string): { position: string; announcements: Bytes[] } | undefined {
    this.server.require('read')
    const lines = this.log()?.after(Number(position))
    if (lines === undefined) return undefined
    const announcements = lines.flatMap(({ bytes }) => (bytes === undefined ? [] : [Buffer.from(bytes)]))
    return { position: String(lines.at(-1)?.position ?? position), announcements }
  }

  /** A put or an expiry is executed once at most, and not at all after a later change of its key: each leaves its mark. */
  private refusal(change: Change, { sentAt, lateAtMs }: Sending): Error | undefined {
    if (change.op !== 'put' && change.op !== 'expire') return undefined
    const isOvertaken = this.server.changedAt(change.key) > sentAt
    return isOvertaken || this.server.nowMs() > lateAtMs ? REFUSED : undefined
  }

  private change(change: Change): void {
    this.server.require('write')
    switch (change.op) {
      case 'put':
        this.put(change.key, change.bytes, change.keepMs)
        this.server.changed(change.key)
        return
      case 'replace':
        if (this.holds(change.key, change.expected)) this.put(change.key, change.bytes, change.keepMs)
        else if (!this.holds(change.key, change.bytes.subarray(0, STAMP_BYTES))) this.server.keyspace.delete(change.key)
        return
      case 'delete':
        this.server.keyspace.delete(change.key)
        this.server.changed(change.key)
        return
      case 'expire':
        this.expire(change.key, change.stamp)
        this.server.changed(change.key)
        return
      case 'invalidateLabel':
        this.server.keyspace.delete(tokenKey(this.name, change.label))
        return
      case 'expireLabel':
        this.expireLabel(change.label, change.soft)
        return
      default:
        change satisfies never
    }
  }

  /** Without memory the value of before goes all the same: it is forgotten, never kept past its time. */
  private put(key: string, bytes: Bytes, keepMs: Milliseconds): void {
    if (!this.isFull) {
      this.store(key, bytes, keepMs)
      return
    }
    this.notice('OUT_OF_MEMORY', `${key} was removed instead of stored`)
    this.server.keyspace.delete(key)
  }

  private plant(key: string, lease: Bytes, leaseMs: Milliseconds): void {
    const standing = this.server.keyspace.get(key)
    if (standing?.type === 'bytes') this.notice('WRONG_LIFE', hadAnotherLife(key))
    else if (standing !== undefined) this.notice('WRONG_TYPE', heldAnotherType(key))
    this.store(key, lease, leaseMs)
  }

  private expire(key: string, stamp: Bytes): void {
    const bytes = this.bytes(key)
    if (!isLiveEntry(bytes)) {
      this.server.keyspace.delete(key)
      return
    }
    bytes.set(stamp)
    this.server.keyspace.replace(key, { type: 'bytes', bytes })
  }

  /** Another one at each execution, so that a repeated command plants nothing that was invalidated in between. */
  private tokenOf(candidate: Token): Token {
    return createHash('sha1')
      .update(`${candidate}.${this.server.nextPosition()}`)
      .digest('hex')
      .slice(0, 2 * HARD_DIGITS)
  }

  private expireLabel(label: string, soft: string): void {
    const key = tokenKey(this.name, label)
    const token = this.token(label)
    if (token === undefined) this.server.keyspace.delete(key)
    else
      this.server.keyspace.replace(key, {
        type: 'token',
        token: token.slice(0, HARD_DIGITS) + this.tokenOf(soft).slice(0, HARD_DIGITS),
      })
  }

  private append(bytes: Bytes | undefined): number {
    this.server.require('write')
    const log = this.log() ?? AnnouncementLog.empty(this.server.maxLogLines)
    const position = this.server.nextPosition()
    log.append(position, bytes)
    this.server.keyspace.set(logKey(this.name), { type: 'log', log }, Number.POSITIVE_INFINITY)
    this.server.appended(this.name)
    return position
  }

  private get isFull(): boolean {
    return this.server.condition === 'outOfMemory'
  }

  private log(): AnnouncementLog | undefined {
    const value = this.server.keyspace.get(logKey(this.name))
    return value?.type === 'log' ? value.log : undefined
  }

  private token(label: string): Token | undefined {
    const value = this.server.keyspace.get(tokenKey(this.name, label))
    return value?.type === 'token' ? value.token : undefined
  }

  /** A copy: what a process does with its bytes is nobody else's business. */
  private bytes(key: string): Buffer | undefined {
    const value = this.server.keyspace.get(key)
    return value?.type === 'bytes' ? Buffer.from(value.bytes) : undefined
  }

  private store(key: string, bytes: Bytes, keepMs: Milliseconds): void {
    this.server.keyspace.set(key, { type: 'bytes', bytes: Buffer.from(bytes) }, keepMs)
  }

  private holds(key: string, expected: Bytes): boolean {
    return this.bytes(key)?.subarray(0, expected.length).equals(expected) ?? false
  }
}

/** Magic, format version, and a state of 1 (live) or 2 (softly expired). Nothing else is read. */
function isLiveEntry(bytes: Buffer | undefined): bytes is Buffer {
  if (bytes === undefined || bytes.length < STAMP_BYTES) return false
  return bytes[0] === 0xc7 && bytes[1] === 0x1e && bytes[2] === 1 && (bytes[3] === 1 || bytes[3] === 2)
}

function attempt(run: () => unknown): Error | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return error as Error
  }
}
