// Long keys inside this process. Tables of local keys would contain them whole, perhaps a thousand keys of a megabyte. And V8 hashes strings
// of more than 16,383 characters by their length alone: a Map with 4,000 of one length took half a minute. So a key of more than
// `LONGEST_WHOLE` characters is replaced by its beginning and its SHA-256, for which nobody can construct a collision.
import { createHash } from 'node:crypto'

/** The most characters of a key that is not shortened. */
export const LONGEST_WHOLE = 1_024
const MARK = '#'
const HASH_DIGITS = 64
/** The length of every shortened key. A whole key is never that long, so the two cannot be confused. */
const SHORTENED = LONGEST_WHOLE + MARK.length
const HEAD = SHORTENED - MARK.length - HASH_DIGITS

/** Returns `key`, or its shortened form if it is long. Call it once: the shortened form would be shortened again, to another key. */
export function shortened(key: string): string {
  if (key.length <= LONGEST_WHOLE) return key
  // Copied through bytes, because a slice would keep the whole key in memory.
  const head = Buffer.from(key.slice(0, HEAD), 'utf16le').toString('utf16le')
  return `${head}${MARK}${sha256Of(key)}`
}

/** Whether `key` is a shortened one. */
export function isShortened(key: string): boolean {
  return key.length === SHORTENED
}

/** The SHA-256 of the long key, from its shortened form. */
export function hashInShortened(key: string): string {
  return key.slice(-HASH_DIGITS)
}

/** The SHA-256 of the UTF-16 units of `text`, in hex. In UTF-8 all lone surrogates would become the same replacement character. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex')
}
