// Tags as users give them: listed, or derived from a value by a function.
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

/** The same for the tags of one entry, which has a bounded number of them: reads compare each. */
export function checkEntryTags(tags: unknown, where: string): readonly string[] {
  const checked = checkTags(tags, where)
  if (checked.length > MAX_TAGS) throw tooMany(checked.length, where)
  return checked
}

/** More tags than an entry may have; `where` they came from. */
export function tooMany(count: number, where: string): CacheError {
  return new CacheError(
    'INVALID_KEY',
    `an entry must have at most ${MAX_TAGS} tags; got ${count} in ${where}. Tag it with what its parts have in common`,
  )
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
  if (typeof tags !== 'function') return checkEntryTags(tags, 'tags')
  if (value === undefined || value === null) return NONE
  return checkEntryTags(tags(value as never, key), 'the result of tags()')
}

const NONE: readonly string[] = []

/** An async function was given where none can be: the message says so, and its rejection must not end the process. */
export function ignoreRejection(value: unknown): void {
  if (value instanceof Promise) value.catch(() => undefined)
}
