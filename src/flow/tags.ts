// Checks what users give as tags, at the door.
import { CacheError, show } from '../model/errors.js'

/** Answers `tags` if it is a list of strings, else throws `INVALID_KEY`; `where` says what was wrong. The list is only read. */
export function checkTags(tags: unknown, where: string): readonly string[] {
  if (!Array.isArray(tags)) {
    throw new CacheError('INVALID_KEY', `${where} must be an array of tags, such as ['org:7']; got ${show(tags)}`)
  }
  for (const tag of tags) {
    if (typeof tag !== 'string') {
      throw new CacheError('INVALID_KEY', `a tag must be a string such as 'org:7'; got ${show(tag)} in ${where}`)
    }
  }
  return tags
}
