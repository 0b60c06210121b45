// How events, logs and notices show keys and tags. Those may be personal data, and logs are kept for long and read by many people.
import { createHash } from 'node:crypto'
import { isShortened, shortened } from '../keys/long-key.js'

/**
 * How events and logs show a key or tag. `'plain'`: as it is; above 1,024 characters its beginning and a hash. `'hashed'`: `sha256:` and
 * the first 24 hex digits of its SHA-256 (UTF-8). `'omitted'`: `(omitted)`.
 */
export type EventKeys = 'plain' | 'hashed' | 'omitted'

const DIGITS = 24

/** Returns the function that makes the shown form of a key or tag. */
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
