// Keys and tags as listeners, logs and notices see them: they may be personal data, and logs are kept for long and read by many.
import { createHash } from 'node:crypto'
import { isShortened, shortened } from '../keys/long-key.js'

/**
 * `'plain'`: as they are, those above 1,024 characters as their beginning and a hash. `'hashed'`: `sha256:` and the first 24 hex digits
 * of their SHA-256 (UTF-8). `'omitted'`: `(omitted)`.
 */
export type EventKeys = 'plain' | 'hashed' | 'omitted'

const DIGITS = 24

/** What shows a key or tag. */
export function shownAs(keys: EventKeys): (key: string) => string {
  switch (keys) {
    case 'plain':
      return plain
    case 'hashed':
      return (key) => `sha256:${createHash('sha256').update(plain(key)).digest('hex').slice(0, DIGITS)}`
    case 'omitted':
      return () => '(omitted)'
    default:
      return keys satisfies never
  }
}

function plain(key: string): string {
  return isShortened(key) ? key : shortened(key)
}
