// Tags as users give them: listed, or derived from a value by a function.
import { CacheError, show } from '../model/errors.js'
import type { Tags } from '../model/options.js'

/** Returns `tags` if it is a list of strings, else throws `INVALID_KEY`; `where` names it in the message. The list is only read. */
export function checkTags(tags: unknown, where: string): readonly string[] {
  if (!Array.isArray(tags)) {
    ignoreRejection(tags)
    throw new CacheError('INVALID_KEY', `${where} must be an array of tags, such as ['org:7']; got ${show(tags)}`)
  }
  for (const tag of tags) {
    if (typeof tag !== 'string') {
      throw new CacheError('INVALID_KEY', `a tag must be a string such as 'org:7'; got ${show(tag)} in ${where}`)
    }
  }
  return tags
}

/** One tag or an array of them, as the methods of a cache take them; else throws `INVALID_KEY`. */
export function checkTagList(tags: unknown, where: string): readonly string[] {
  return checkTags(typeof tags === 'string' ? [tags] : tags, where)
}

/**
 * The tags of a value. A function is not called for an absent value, which has nothing to derive tags from and carries none; a list
 * is for all values. Throws what the function throws, and `INVALID_KEY` for what is no list of strings.
 */
export function tagsFor(tags: Tags<never> | undefined, value: unknown, key: string): readonly string[] {
  if (tags === undefined) return NONE
  if (typeof tags !== 'function') return tags
  if (value === undefined || value === null) return NONE
  return checkTags(tags(value as never, key), 'the result of tags()')
}

const NONE: readonly string[] = []

/** An async function was given where none can be: the message says so, and its rejection must not end the process. */
export function ignoreRejection(value: unknown): void {
  if (value instanceof Promise) value.catch(() => undefined)
}
