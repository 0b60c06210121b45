// The errors for functions among the options that failed. The caller gets its value all the same.
import { CacheError, type CacheErrorCode } from './errors.js'
import { foreignReason } from './text/foreign-text.js'

const CODES: readonly string[] = ['TAGS_FAILED', 'KEY_FAILED', 'OPTION_FAILED'] satisfies CacheErrorCode[]

/** Whether `code` says that a function among the options failed. */
export function isOptionFailure(code: string): boolean {
  return CODES.includes(code)
}

/**
 * The tags function of `owner` failed with `cause`. `owner` is the scope of a source, a wrapped function or a cache. The message goes to
 * logs, so it does not contain the key.
 */
export function tagsFailed(owner: string, cause: unknown): CacheError {
  return failure('TAGS_FAILED', `the option tags of ${owner} failed`, cause, 'an array of strings')
}

/** The function `option` failed, so what it derives for a value of `owner` is not known. */
export function optionFailed(owner: string, option: string, cause: unknown): CacheError {
  const code = option === 'tags' || option === 'tagsOf' ? 'TAGS_FAILED' : 'OPTION_FAILED'
  const returns = code === 'TAGS_FAILED' ? 'an array of strings' : 'what the option takes as a value'
  return failure(code, `the option ${option} of ${owner} failed`, cause, returns)
}

/** The function `option` of `owner`, which makes the key of a call, failed. */
export function keyFailed(owner: string, option: string, cause: unknown): CacheError {
  return failure('KEY_FAILED', `the option ${option} of ${owner} failed`, cause, 'a string')
}

/** A function of the result of a decorated method failed, after the method has run. `consequence` says what was not done. */
export function resultFailed(
  decorator: string,
  method: string,
  option: string,
  cause: unknown,
  consequence: string,
): CacheError {
  const code = option === 'tagsOf' ? 'TAGS_FAILED' : 'KEY_FAILED'
  const why = foreignReason(cause)
  const message = `${option} of @${decorator} at ${method} failed: ${why}. The caller got the result of the method; ${consequence}`
  return new CacheError(code, message, { cause })
}

function failure(code: CacheErrorCode, what: string, cause: unknown, returns: string): CacheError {
  const why = foreignReason(cause)
  const message = `${what}: ${why}. The value was served and kept in no tier; the function must return ${returns} and not a promise`
  return new CacheError(code, message, { cause })
}
