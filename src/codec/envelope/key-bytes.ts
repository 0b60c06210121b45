// The bytes of a logical key that checksum and encryption bind an envelope to.

import { isWellFormed } from '../../model/text/well-formed.js'
import { crc32, crc32OfAscii } from './crc32.js'

/** UTF-8, or UTF-16 for a key that UTF-8 would damage: there two different keys must not become one. */
export function keyBytes(key: string): Buffer {
  return Buffer.from(key, isWellFormed(key) ? 'utf8' : 'utf16le')
}

/** A longer text takes less time as bytes, with the CRC-32 of Node. */
const SHORT_CHARACTERS = 64

/** The CRC-32 of `keyBytes(key)`, without making them for a short ASCII key. */
export function crc32OfKey(key: string): number {
  return crc32OfShort(key, 0) ?? crc32(keyBytes(key))
}

/** `undefined` for a long text, and one that is not ASCII. */
function crc32OfShort(text: string, start: number): number | undefined {
  return text.length > SHORT_CHARACTERS ? undefined : crc32OfAscii(text, start)
}

/** What full keys of one scope begin with: `<scope>:`, which is always ASCII. */
export class KeyPrefix {
  readonly crc: number

  constructor(readonly text: string) {
    this.crc = crc32OfKey(text)
  }
}

/** A full key in two parts. Most envelopes are opened with its checksum alone, for which the parts need not be joined. */
export class FullKey {
  constructor(
    private readonly prefix: KeyPrefix,
    private readonly rest: string,
  ) {}

  get text(): string {
    return this.prefix.text + this.rest
  }

  /** The CRC-32 of `keyBytes(text)`. */
  get crc(): number {
    return crc32OfShort(this.rest, this.prefix.crc) ?? crc32OfKey(this.text)
  }
}
