// The stamp: the first 16 bytes of every value stored under an entry key. A lease or a fence is nothing else.
// Compare-and-set in the store compares stamps, so two stamps never repeat: 8 of the bytes are random.
import { randomFillSync } from 'node:crypto'
import { LONGEST_LEASE_MS } from '../../model/limits.js'
import type { Bytes, Milliseconds } from '../../model/ports.js'
import { crc32OfRange } from './crc32.js'

/** What stands under an entry key: a promise to load, an entry, an entry that was expired softly, or a writer's fence. */
export type StampState = 'lease' | 'live' | 'expired' | 'fence'

export const STAMP_BYTES = 16
export const FORMAT_VERSION = 1
/** A stamp, and what a store adds to make it unique. */
const MAX_LEASE_BYTES = 64

const MAGIC = [0xc7, 0x1e] as const
const STATES: readonly StampState[] = ['lease', 'live', 'expired', 'fence']
/** Where the random part ends and the checksum begins. */
export const STAMP_CHECK_AT = 12
/** Where the random part begins. */
export const GENERATION_AT = 4
/** The second half of the random part. */
const EXPIRED_AT = 8

/** A fresh stamp. Its random part is drawn from a pool: a system call for each would cost more than all the rest. */
export function newStamp(state: StampState): Buffer {
  const stamp = Buffer.allocUnsafe(STAMP_BYTES)
  writeStamp(stamp, state)
  return stamp
}

/** Whether bytes begin with this stamp. */
export function beginsWithStamp(bytes: Bytes, stamp: Bytes): boolean {
  if (bytes.length < STAMP_BYTES) return false
  for (let i = 0; i < STAMP_BYTES; i++) if (bytes[i] !== stamp[i]) return false
  return true
}

/** What follows the stamp of a fence that no writer waits behind: a hold. */
const HOLD_MARK = Buffer.from('hold')

/** A fence that a deletion with a hold leaves. Readers see a write fence; its length tells stores that no writer will remove it. */
export function newHoldFence(): Buffer {
  return Buffer.concat([newStamp('fence'), HOLD_MARK])
}

/** Whether the bytes are a hold, of which `leftMs` is left. One that lives longer than any was not planted by a cache. */
export function isHold(bytes: Bytes, leftMs: Milliseconds): boolean {
  if (bytes.length <= STAMP_BYTES || !hasMagic(bytes) || bytes[2] !== FORMAT_VERSION) return false
  return STATES[bytes[3]!] === 'fence' && leftMs > 0 && leftMs <= LONGEST_LEASE_MS
}

const TICK_MS = 100
const TICKS = 2 ** 32
/** Two processes' estimates of the store's clock may differ by so much. */
const CLOCK_ERROR_MS = 60_000

/**
 * The stamp of a soft expiry at `storeMs` of the store's clock. The instant takes half of the random part, in tenths of a second: how
 * long `staleIfError` may still serve the entry counts from it, in every process.
 */
export function newExpiredStamp(storeMs: number): Buffer {
  const stamp = newStamp('expired')
  stamp.writeUInt32LE(Math.floor(storeMs / TICK_MS) % TICKS, EXPIRED_AT)
  writeChecksum(stamp)
  return stamp
}

/** Another stamp of the same soft expiry. */
export function renewedStamp(expired: Bytes): Buffer {
  const stamp = newStamp('expired')
  stamp.set(expired.subarray(EXPIRED_AT, STAMP_CHECK_AT), EXPIRED_AT)
  writeChecksum(stamp)
  return stamp
}

/**
 * How long ago the entry of this stamp was softly expired; `undefined` where the stamp does not say it: it was written by a release
 * that did not, or the time is not within the entry's own age.
 */
export function expiredAgoMs(stamp: Bytes, storeMs: number, entryAgeMs: number): number | undefined {
  const at = new DataView(stamp.buffer, stamp.byteOffset).getUint32(EXPIRED_AT, true)
  const ticks = (Math.floor(storeMs / TICK_MS) - at) % TICKS
  const agoMs = (ticks < 0 ? ticks + TICKS : ticks) * TICK_MS
  if (agoMs <= entryAgeMs + CLOCK_ERROR_MS) return agoMs
  return agoMs >= TICKS * TICK_MS - CLOCK_ERROR_MS ? 0 : undefined
}

/** Writes a fresh stamp over the first 16 bytes of `target`. */
export function writeStamp(target: Bytes, state: StampState): void {
  target[0] = MAGIC[0]
  target[1] = MAGIC[1]
  target[2] = FORMAT_VERSION
  target[3] = STATES.indexOf(state)
  generations.drawInto(target)
  writeChecksum(target)
}

function writeChecksum(target: Bytes): void {
  const crc = crc32OfRange(target, 0, STAMP_CHECK_AT)
  for (let i = 0; i < 4; i++) target[STAMP_CHECK_AT + i] = crc >>> (8 * i)
}

/**
 * What the stamp says; `undefined` when the bytes do not begin with an intact stamp of this format version. A soft expiry is checked
 * by who opens the entry (`hasChecksum`): where entries are encrypted, it has a MAC in the place of the checksum.
 */
export function stateOf(bytes: Bytes): StampState | undefined {
  if (bytes.length < STAMP_BYTES || !hasMagic(bytes) || bytes[2] !== FORMAT_VERSION) return undefined
  const state = STATES[bytes[3]!]
  return state === 'expired' || hasChecksum(bytes) ? state : undefined
}

/** Whether the stamp is undamaged. */
export function hasChecksum(bytes: Bytes): boolean {
  return readUint32(bytes, STAMP_CHECK_AT) === crc32OfRange(bytes, 0, STAMP_CHECK_AT)
}

/** The unsigned number in the four bytes from `at` on, of which all must exist. */
export function readUint32(bytes: Bytes, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/**
 * Why `stateOf` does not know the bytes. `'later-format'` is not damage: a newer release wrote them, and they must be left alone.
 */
export function stampProblem(bytes: Bytes): 'foreign' | 'damaged-stamp' | 'later-format' {
  if (bytes.length < STAMP_BYTES || !hasMagic(bytes)) return 'foreign'
  return bytes[2]! > FORMAT_VERSION ? 'later-format' : 'damaged-stamp'
}

/**
 * Whether what stands under an entry's key may have been left there by a cache, by what is left of its life: `Infinity` where it has no
 * end. A lease or fence that lives longer than any would keep everybody waiting; a later format without an end, everybody from the key.
 */
export function canBeOurs(bytes: Bytes, leftMs: Milliseconds): boolean {
  if (bytes.length < STAMP_BYTES || !hasMagic(bytes)) return true
  if (bytes[2]! > FORMAT_VERSION) return leftMs !== Number.POSITIVE_INFINITY
  const state = bytes[2] === FORMAT_VERSION ? STATES[bytes[3]!] : undefined
  return (state !== 'lease' && state !== 'fence') || leftMs <= LONGEST_LEASE_MS
}

/** The first 16 bytes, copied, so that the whole reply need not be kept for them. */
export function stampOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.subarray(0, STAMP_BYTES))
}

/** A whole lease, copied: its stamp and the moment at which the store planted it. */
export function leaseOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.subarray(0, MAX_LEASE_BYTES))
}

function hasMagic(bytes: Bytes): boolean {
  return bytes[0] === MAGIC[0] && bytes[1] === MAGIC[1]
}

/** Random bytes drawn 4 KB at a time; none is ever handed out twice. */
class GenerationPool {
  private readonly pool = new Uint8Array(4096)
  private at = this.pool.length

  drawInto(target: Bytes): void {
    if (this.at === this.pool.length) {
      randomFillSync(this.pool)
      this.at = 0
    }
    for (let i = GENERATION_AT; i < STAMP_CHECK_AT; i++) target[i] = this.pool[this.at++]!
  }
}

const generations = new GenerationPool()
