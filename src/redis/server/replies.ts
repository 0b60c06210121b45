// Replies of Redis as our own types. Their form depends on the client: nested arrays with RESP2, maps with RESP3, flat arrays with some
// mappings of RESP3.
import { types } from 'node:util'
import { asBuffer } from '../../model/as-buffer.js'
import { CacheError } from '../../model/errors.js'
import type { Bytes, Token } from '../../model/ports.js'

/** One entry of a stream: its id and the bytes of one of its fields, if it has that field. */
export interface StreamEntry {
  readonly id: string
  readonly bytes: Bytes | undefined
}

/** The stream field of an announcement. */
export const ANNOUNCEMENT_FIELD = 'm'
/** The stream field of an entry that only marks a place. */
export const PLACE_FIELD = 'p'

/** A moment of the server's clock as our scripts write it. */
const MOMENT = /^\d{16}$/
const STREAM_ID = /^\d{1,20}-\d{1,20}$/

/** An error for a reply that Redis never gives to `command`; it counts as an outage. The error does not show the contents of the reply. */
export function malformed(command: string, expected: string, reply: unknown): CacheError {
  const advice = 'Either something between this process and Redis replies in its place, or the server is not Redis'
  return new CacheError(
    'L2_UNAVAILABLE',
    `expected ${expected} as the reply to ${command}; got ${shapeOf(reply)}. ${advice}`,
  )
}

function shapeOf(reply: unknown): string {
  if (reply === null || reply === undefined) return 'nothing'
  if (types.isUint8Array(reply)) return `${reply.length} bytes`
  return Array.isArray(reply) ? `a list of ${reply.length}` : `a ${typeof reply}`
}

/** The elements of a list that must have `length` elements. */
export function listOf(reply: unknown, length: number, command: string): readonly unknown[] {
  if (Array.isArray(reply) && reply.length === length) return reply
  throw malformed(command, `a list of ${length}`, reply)
}

/** Bytes, or `undefined` if the reply is nothing. */
export function bytesIn(reply: unknown, command: string): Bytes | undefined {
  if (types.isUint8Array(reply)) return reply
  if (reply === null || reply === undefined) return undefined
  throw malformed(command, 'bytes or nothing', reply)
}

/** 1: done. 0: refused. */
export function doneOrRefused(reply: unknown, command: string): undefined | 'refused' {
  const digit = String(reply)
  if (digit === '1') return undefined
  if (digit === '0') return 'refused'
  throw malformed(command, '0 or 1', reply)
}

/** A whole number, 0 or more. */
export function countIn(reply: unknown, command: string): number {
  const count = Number(reply)
  if (reply !== null && reply !== '' && Number.isSafeInteger(count) && count >= 0) return count
  throw malformed(command, 'a count', reply)
}

export function momentIn(reply: unknown, command: string): string {
  const moment = types.isUint8Array(reply) && reply.length === 16 ? asBuffer(reply).toString('latin1') : ''
  if (MOMENT.test(moment)) return moment
  throw malformed(command, 'a moment of 16 digits', reply)
}

/** A token: 32 hex digits. `undefined` for everything else, which is not ours. */
export function toToken(reply: unknown): Token | undefined {
  if (!types.isUint8Array(reply) || reply.length !== 32) return undefined
  for (const digit of reply) if (!isHexDigit(digit)) return undefined
  return asBuffer(reply).toString('latin1')
}

/** 0 to 9, a to f. */
function isHexDigit(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102)
}

/** The id of an entry of a stream. */
export function streamIdIn(reply: unknown, command: string): string {
  const id = types.isUint8Array(reply) && reply.length <= 41 ? asBuffer(reply).toString('latin1') : ''
  if (STREAM_ID.test(id)) return id
  throw malformed(command, 'the id of an entry', reply)
}

/** The entries of an XRANGE reply. */
export function toEntries(reply: unknown): StreamEntry[] {
  if (!Array.isArray(reply)) throw malformed('XRANGE', 'a list of entries', reply)
  return reply.map((entry: unknown) => {
    const [id, fields] = listOf(entry, 2, 'XRANGE')
    return { id: streamIdIn(id, 'XRANGE'), bytes: announcementIn(fields) }
  })
}

/** The entries of an XREAD reply of one stream; none if nothing was appended within the block time. */
export function toReadEntries(reply: unknown): StreamEntry[] {
  if (reply === null || reply === undefined) return []
  const entries = entriesOfOne(reply)
  return entries === undefined ? [] : toEntries(entries)
}

function entriesOfOne(reply: unknown): unknown {
  if (reply instanceof Map) return [...reply.values()][0]
  if (typeof reply !== 'object' || reply === null || types.isUint8Array(reply))
    throw malformed('XREAD', 'the entries of a stream, or nothing', reply)
  if (!Array.isArray(reply)) return Object.values(reply)[0]
  const [first] = reply as unknown[]
  return Array.isArray(first) ? first[1] : reply[1]
}

/** Whether the stream id `id` was given after `other`. */
export function isLaterId(id: string, other: string): boolean {
  const [ms = '', sequence = ''] = id.split('-')
  const [otherMs = '', otherSequence = ''] = other.split('-')
  return ms === otherMs ? isLarger(sequence, otherSequence) : isLarger(ms, otherMs)
}

/** Compares whole numbers that may not fit into a double. */
function isLarger(digits: string, others: string): boolean {
  return digits.length === others.length ? digits > others : digits.length > others.length
}

function announcementIn(fields: unknown): Bytes | undefined {
  if (!Array.isArray(fields)) return undefined
  for (let i = 0; i < fields.length; i += 2) {
    if (String(fields[i]) === ANNOUNCEMENT_FIELD) return bytesIn(fields[i + 1], 'XRANGE')
  }
  return undefined
}
