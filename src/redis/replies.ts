// Replies of Redis into our own shapes. Clients differ: RESP2 answers nested arrays, RESP3 maps, and mappings of it flat arrays.
import { types } from 'node:util'
import { asBuffer } from '../model/as-buffer.js'
import type { Bytes, Token } from '../model/ports.js'

/** One entry of a stream: its id and the bytes of one of its fields, if it has that field. */
export interface StreamEntry {
  readonly id: string
  readonly bytes: Bytes | undefined
}

/** The field of an announcement. */
export const ANNOUNCEMENT_FIELD = 'm'
/** The field of an entry that only marks a place. */
export const PLACE_FIELD = 'p'

export function toBytes(reply: unknown): Bytes | undefined {
  return types.isUint8Array(reply) ? reply : undefined
}

/** 32 hex digits, or it is not a token of ours. */
export function toToken(reply: unknown): Token | undefined {
  if (!types.isUint8Array(reply) || reply.length !== 32) return undefined
  for (const digit of reply) if (!isHexDigit(digit)) return undefined
  return asBuffer(reply).toString('latin1')
}

/** 0 to 9, a to f. */
function isHexDigit(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102)
}

/** The entries of an XRANGE reply. */
export function toEntries(reply: unknown): StreamEntry[] {
  if (!Array.isArray(reply)) return []
  return reply.map((entry: [unknown, unknown]) => ({ id: String(entry[0]), bytes: announcementIn(entry[1]) }))
}

/** The entries of an XREAD reply of one stream; none when it waited in vain. */
export function toReadEntries(reply: unknown): StreamEntry[] {
  if (reply === null || typeof reply !== 'object') return []
  if (reply instanceof Map) return toEntries([...reply.values()][0])
  if (!Array.isArray(reply)) return toEntries(Object.values(reply)[0])
  const [first] = reply as unknown[]
  return toEntries(Array.isArray(first) ? first[1] : reply[1])
}

/** Whether the stream id `id` was given after `other`. */
export function isLaterId(id: string, other: string): boolean {
  const [ms = '', sequence = ''] = id.split('-')
  const [otherMs = '', otherSequence = ''] = other.split('-')
  return ms === otherMs ? isLarger(sequence, otherSequence) : isLarger(ms, otherMs)
}

/** Of whole numbers that may not fit into a double. */
function isLarger(digits: string, others: string): boolean {
  return digits.length === others.length ? digits > others : digits.length > others.length
}

function announcementIn(fields: unknown): Bytes | undefined {
  if (!Array.isArray(fields)) return undefined
  for (let i = 0; i < fields.length; i += 2) {
    if (String(fields[i]) === ANNOUNCEMENT_FIELD) return toBytes(fields[i + 1])
  }
  return undefined
}
