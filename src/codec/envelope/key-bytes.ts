// The bytes of a logical key that checksum and encryption bind an envelope to.

import { isWellFormed } from '../../model/text/well-formed.js'
import { crc32, crc32OfRange } from './crc32.js'

/** UTF-8, or UTF-16 for a key that UTF-8 would damage: there two different keys must not become one. */
export function keyBytes(key: string): Buffer {
  return Buffer.from(key, isWellFormed(key) ? 'utf8' : 'utf16le')
}

const SHORT_CHARACTERS = 48

/** The CRC-32 of `keyBytes(key)`, without making them for a short ASCII key. */
export function crc32OfKey(key: string): number {
  if (key.length > SHORT_CHARACTERS) return crc32(keyBytes(key))
  const bytes = SCRATCH
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    if (unit > 0x7f) return crc32(keyBytes(key))
    bytes[i] = unit
  }
  return crc32OfRange(bytes, 0, key.length)
}

/** Written and read within one call only. */
const SCRATCH = new Uint8Array(SHORT_CHARACTERS)
