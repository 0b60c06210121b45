// How a `MemoryServer` executes each command: the semantics of the `RemoteStore` port, each command in one step.

import { createHash } from 'node:crypto'
import { canBeOurs, isHold } from '../../codec/envelope/stamp.js'
import { hadAnotherLife, heldAnotherType } from '../../model/events/notices.js'
import { LONGEST_LEASE_MS } from '../../model/limits.js'
import type { Bytes, Change, ChangeResult, EnsuredTokens, Hold, Milliseconds, Token } from '../../model/ports.js'
import { AnnouncementLog } from './announcement-log.js'
import { holdsKey, logKey, type MemoryServer, tokenKey } from './memory-server.js'

/** How many bytes compare-and-set compares: the first ones of every stored value. */
const STAMP_BYTES = 16
/** The digits of a token that `expireLabel` keeps. */
const HARD_DIGITS = 16

/** Reports what was done in another way than requested. */
type Notice = (code: 'OUT_OF_MEMORY' | 'WRONG_LIFE' | 'WRONG_TYPE', detail: string) => void

/** The circumstances in which changes were sent. */
interface Sending {
  /** Every change up to this position was made before they were sent. */
  readonly sentAt: number
  /** The time of the server's clock after which they are no longer executed. */
  readonly lateAtMs: number
  /** Why a change must not be executed, if so. */
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
    // Different at each execution.
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
    this.server.require('read') // If this fails, nothing is known of any change.
    const refusals = changes.map((change) => this.refusal(change, sending))
    const results = changes.map((change, i) => {
      return sending.failure(change) ?? refusals[i] ?? attempt(() => this.change(change))
    })
    const announced = announcement && attempt(() => this.append(announcement))
    if (announced !== undefined && changes.length === 0) throw announced
    // A change that others do not hear of does not count as made.
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
      if (this.leftOfLabelHold(key) > 0) return undefined
      const isThere = this.token(label) !== undefined
      if (!isThere && this.isFull) {
        this.notice('OUT_OF_MEMORY', `the token of ${label} was not planted`)
        return candidates[index]! // It is current in no other process, so no entry that carries it is kept.
      }
      const token = this.token(label) ?? this.tokenOf(candidates[index]!)
      this.server.keyspace.set(key, { type: 'token', token }, Math.max(keepMs, this.server.keyspace.leftMs(key) ?? 0))
      return token
    })
    const heldMs = this.server.keyspace.leftMs(holdsKey(this.name))
    return {
      tokens,
      log: since === undefined ? undefined : this.announcedAfter(since)?.announcements,
      holdEndedAgoMs: heldMs && LONGEST_LEASE_MS - heldMs,
    }
  }

  deleteByPrefix(prefix: string, isMeant: (head: Bytes) => boolean = () => true): number {
    this.server.require('write')
    const meant = this.server
      .keys()
      .filter((key) => key.startsWith(prefix) && isMeant(this.bytes(key) ?? Buffer.alloc(0)))
    const keys = meant.filter((key) => this.leftOfHold(key) === 0 && this.server.keyspace.delete(key))
    for (const key of keys) this.server.changed(key)
    return keys.length
  }

  /** Where a bus begins to listen: at a line of its own in the log, or at the last line if nothing can be written. */
  join(): string {
    const last = this.log()?.lastPosition
    this.server.require(last === undefined ? 'write' : 'read')
    return String(last !== undefined && this.server.condition === 'readOnly' ? last : this.append(undefined))
  }

  /** What was announced after `position`, and the position after that. `undefined` if the log no longer has all of it. */
  announcedAfter(position: string): { position: string; announcements: Bytes[] } | undefined {
    this.server.require('read')
    const lines = this.log()?.after(Number(position))
    if (lines === undefined) return undefined
    const announcements = lines.flatMap(({ bytes }) => (bytes === undefined ? [] : [Buffer.from(bytes)]))
    return { position: String(lines.at(-1)?.position ?? position), announcements }
  }

  /** A put or an expiry is executed once at most, and not after a later change of its key. Each change leaves its mark. */
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
        else if (!this.holds(change.key, change.bytes.subarray(0, STAMP_BYTES))) this.remove(change.key)
        return
      case 'delete':
        this.remove(change.key, change.hold)
        this.server.changed(change.key)
        return
      case 'expire':
        this.expire(change.key, change.stamp)
        this.server.changed(change.key)
        return
      case 'invalidateLabel':
        this.invalidateLabel(change.label, change.holdMs ?? 0)
        return
      case 'expireLabel':
        this.expireLabel(change.label, change.soft)
        return
      default:
        change satisfies never
    }
  }

  /** Without memory the previous value is removed all the same, so it is never kept past its time. */
  private put(key: string, bytes: Bytes, keepMs: Milliseconds): void {
    if (!this.isFull) {
      this.store(key, bytes, keepMs)
      return
    }
    this.notice('OUT_OF_MEMORY', `${key} was removed instead of stored`)
    this.remove(key)
  }

  /** Removes what stands there or holds the key. A hold that lives longer stays. */
  private remove(key: string, hold?: Hold): void {
    const leftMs = this.leftOfHold(key)
    if (hold !== undefined && hold.keepMs > leftMs) this.store(key, hold.fence, hold.keepMs)
    else if (leftMs === 0) this.server.keyspace.delete(key)
  }

  private leftOfHold(key: string): Milliseconds {
    const bytes = this.bytes(key)
    const leftMs = this.server.keyspace.leftMs(key) ?? 0
    return bytes !== undefined && isHold(bytes, leftMs) ? leftMs : 0
  }

  private invalidateLabel(label: string, holdMs: Milliseconds): void {
    const key = tokenKey(this.name, label)
    const { keyspace } = this.server
    const leftMs = this.leftOfLabelHold(key)
    if (holdMs > leftMs) keyspace.set(key, { type: 'hold' }, holdMs)
    else if (leftMs === 0) keyspace.delete(key)
    const keepMs = holdMs + LONGEST_LEASE_MS
    if (holdMs > 0 && keepMs > (keyspace.leftMs(holdsKey(this.name)) ?? 0)) {
      keyspace.set(holdsKey(this.name), { type: 'hold' }, keepMs)
    }
  }

  private leftOfLabelHold(key: string): Milliseconds {
    const { keyspace } = this.server
    return keyspace.get(key)?.type === 'hold' ? (keyspace.leftMs(key) ?? 0) : 0
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
      this.remove(key)
      return
    }
    bytes.set(stamp)
    this.server.keyspace.replace(key, { type: 'bytes', bytes })
  }

  /** Different at each execution, so that a repeated command does not restore what was invalidated in between. */
  private tokenOf(candidate: Token): Token {
    return createHash('sha1')
      .update(`${candidate}.${this.server.nextPosition()}`)
      .digest('hex')
      .slice(0, 2 * HARD_DIGITS)
  }

  private expireLabel(label: string, soft: string): void {
    const key = tokenKey(this.name, label)
    const token = this.token(label)
    if (this.leftOfLabelHold(key) > 0) return
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

  /** A copy, so that later changes of the bytes in a process have no effect here. */
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

/** Magic, format version, and a state of 1 (live) or 2 (softly expired). The rest is not read. */
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
