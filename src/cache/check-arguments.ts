// Checks the arguments of the public methods at the door.
import { CacheError, show } from '../model/errors.js'

/** Answers a list of keys; each key is checked where it is used. The list is only read. */
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

/** Answers `prefix` if it is a string; every key begins with the empty one. */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix === 'string') return prefix
  throw new CacheError('INVALID_KEY', `a prefix must be a string such as 'user:'; got ${show(prefix)}`)
}

/** Answers key-value pairs as a list of their own. */
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
