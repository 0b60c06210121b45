// Checks arguments of the public methods.
import { CacheError, show } from '../model/errors.js'

/** Returns the keys as a list. The caller's array is only read. Throws `INVALID_KEY` for anything but strings; their length is checked later. */
export function checkKeys(keys: unknown): readonly string[] {
  const list: unknown = typeof keys === 'string' ? [keys] : keys
  if (!Array.isArray(list)) {
    throw new CacheError(
      'INVALID_KEY',
      `keys must be an array of strings such as ['user:1', 'user:2']; got ${show(keys)}`,
    )
  }
  for (const key of list) {
    if (typeof key !== 'string') {
      throw new CacheError('INVALID_KEY', `a key must be a string; got ${show(key)} among the keys`)
    }
  }
  return list
}

/** Returns `prefix` if it is a string. The empty prefix is allowed: every key begins with it. */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix === 'string') return prefix
  throw new CacheError('INVALID_KEY', `a prefix must be a string such as 'user:'; got ${show(prefix)}`)
}

/** Returns the key-value pairs as a new list. Throws `INVALID_OPTION` for anything else. */
export function checkEntries<V>(entries: Iterable<readonly [string, V]>): readonly (readonly [string, V])[] {
  if (entries === null || typeof entries !== 'object' || typeof entries[Symbol.iterator] !== 'function') {
    throw new CacheError(
      'INVALID_OPTION',
      `setMany expects an array or Map of [key, value] pairs; got ${show(entries)}`,
    )
  }
  const pairs = [...entries]
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
      throw new CacheError(
        'INVALID_OPTION',
        `setMany expects [key, value] pairs with a string as key; got ${show(pair)}`,
      )
    }
  }
  return pairs
}
