// Long keys inside this process. Every table of local keys would hold them whole, a thousand times a megabyte, and a Map finds strings
// of more than 16,383 characters by their length alone (V8 hashes no further): 4,000 of one length cost it half a minute. So a longer
// key goes by its beginning and its SHA-256, which nobody can choose to collide.
import { createHash } from 'node:crypto'

/** A longer key is shortened. */
export const LONGEST_WHOLE = 1_024
const MARK = '#'
const HASH_DIGITS = 64
/** No key that stays whole is as long, and every shortened one is: so neither can be taken for the other. */
const SHORTENED = LONGEST_WHOLE + MARK.length
const HEAD = SHORTENED - MARK.length - HASH_DIGITS

/** `key`, or what stands for it where it is long. Of what was shortened it returns another: do it once. */
export function shortened(key: string): string {
  if (key.length <= LONGEST_WHOLE) return key
  // Through bytes: a slice would keep the whole key in memory.
  const head = Buffer.from(key.slice(0, HEAD), 'utf16le').toString('utf16le')
  return `${head}${MARK}${sha256Of(key)}`
}

/** Whether this is what stands for a long key. */
export function isShortened(key: string): boolean {
  return key.length === SHORTENED
}

/** The SHA-256 of the long key for which `key` stands. */
export function hashInShortened(key: string): string {
  return key.slice(-HASH_DIGITS)
}

/** In hex, over UTF-16 units: in UTF-8 all lone surrogates would become the same replacement character. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex')
}
