// Tags as users pass them: a list, or a function that derives them from a value.
import { CacheError, show } from '../../model/errors.js'
import { MAX_TAG_CHARACTERS, MAX_TAGS } from '../../model/limits.js'
import type { Tags } from '../../model/options/options.js'

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
    if (tag.length > MAX_TAG_CHARACTERS) throw tooLong(tag, where)
  }
  return tags
}

function tooLong(tag: string, where: string): CacheError {
  return new CacheError(
    'INVALID_KEY',
    `a tag must have at most ${MAX_TAG_CHARACTERS} characters; got ${tag.length} in ${where}: ${show(tag)}. Use a hash of it as the tag`,
  )
}

/** The same for the tags of one entry. Their number is bounded, since reads compare each of them. */
export function checkEntryTags(tags: unknown, where: string): readonly string[] {
  const checked = checkTags(tags, where)
  if (checked.length > MAX_TAGS) throw tooMany(checked.length, where)
  return checked
}

/** The error for more tags than an entry may have; `where` says where they came from. */
export function tooMany(count: number, where: string): CacheError {
  return new CacheError(
    'INVALID_KEY',
    `an entry must have at most ${MAX_TAGS} tags; got ${count} in ${where}. Use fewer tags, each for a larger group of entries`,
  )
}

/** One tag or an array of them, as the methods of a cache take them; else throws `INVALID_KEY`. */
export function checkTagList(tags: unknown, where: string): readonly string[] {
  return checkTags(typeof tags === 'string' ? [tags] : tags, where)
}

/**
 * The tags of a value. A list applies to all values. A function is not called for an absent value, which carries no tags. Throws what
 * the function throws, and `INVALID_KEY` if the tags are not a list of strings.
 */
export function tagsFor(tags: Tags<never> | undefined, value: unknown, key: string): readonly string[] {
  if (tags === undefined) return NONE
  if (typeof tags !== 'function') return checkEntryTags(tags, 'tags')
  if (value === undefined || value === null) return NONE
  return checkEntryTags(tags(value as never, key), 'the result of tags()')
}

const NONE: readonly string[] = []

/** An async function was passed where a plain one is expected. An error reports that; its own rejection must not end the process. */
export function ignoreRejection(value: unknown): void {
  if (value instanceof Promise) value.catch(() => undefined)
}
