// CRC-32 (IEEE 802.3, the one of zip and png) that can be continued, over bytes.
import * as zlib from 'node:zlib'
import type { Bytes } from '../../model/ports.js'

/** Node's own, from 20.15 on: several times faster than tables on large input, but a call costs as much as about 300 bytes of tables. */
const native: ((bytes: Bytes, start?: number) => number) | undefined = zlib.crc32

const SHORT_BYTES = 320

/** Eight tables in one array: what a byte adds to the sum if 0 to 7 others follow it ("slicing by 8", Kounavis and Berry 2005). */
const TABLES = buildTables()

/** The CRC-32 of `bytes` from `from` on, continuing from `start`, the CRC-32 of what came before. Always an unsigned 32-bit integer. */
export function crc32(bytes: Bytes, start = 0, from = 0): number {
  if (native === undefined || bytes.length - from < SHORT_BYTES) return crc32OfRange(bytes, from, bytes.length, start)
  return native(from === 0 ? bytes : bytes.subarray(from), start)
}

/** The same by tables over a part of `bytes`: for few bytes, where a view and a native call would cost more. */
export function crc32OfRange(bytes: Bytes, from: number, to: number, start = 0): number {
  const t = TABLES
  let crc = ~start
  let i = from
  for (const end = to - 7; i < end; i += 8) {
    crc =
      t[0x700 | ((crc ^ bytes[i]!) & 0xff)]! ^
      t[0x600 | (((crc >>> 8) ^ bytes[i + 1]!) & 0xff)]! ^
      t[0x500 | (((crc >>> 16) ^ bytes[i + 2]!) & 0xff)]! ^
      t[0x400 | ((crc >>> 24) ^ bytes[i + 3]!)]! ^
      t[0x300 | bytes[i + 4]!]! ^
      t[0x200 | bytes[i + 5]!]! ^
      t[0x100 | bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!
  }
  for (; i < to; i++) crc = t[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** The CRC-32 of the characters of `text`, continuing from `start`; `undefined` if not all of them are ASCII. */
export function crc32OfAscii(text: string, start: number): number | undefined {
  let crc = ~start
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return undefined
    crc = TABLES[(crc ^ unit) & 0xff]! ^ (crc >>> 8)
  }
  return ~crc >>> 0
}

function buildTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!
    tables[i] = (before >>> 8) ^ tables[before & 0xff]!
  }
  return tables
}
