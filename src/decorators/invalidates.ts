// `@invalidates`: invalidates entries after a method has run.
import { type Cache, REPORT } from '../cache/cache.js'
import { checkKeys } from '../cache/check-arguments.js'
import { heldBy } from '../cache/wrap/invalidate-held.js'
import type { OfArguments } from '../cache/wrap/options.js'
import { checkTags } from '../flow/entries/tags.js'
import { resultFailed } from '../model/failed-option.js'
import { checkNames, checkOneOf, invalid } from '../model/option-rules.js'
import { type HoldOptions, holdMsOf } from '../model/options/hold.js'
import { handleOf } from './cached.js'
import { type AnyWrapped, type CacheOf, cacheOf } from './cached-method.js'
import { type CacheDecorator, decorate } from './decorate.js'

/**
 * What `@invalidates` invalidates. Functions of the arguments run before the method; if one fails, the call rejects and nothing has changed.
 * Functions whose name ends in `Of` also get the result, unless it is `undefined` or `null`; if one fails, the caller still gets the
 * result, and a notice (`TAGS_FAILED`) reports it.
 */
export interface InvalidatesOptions<A extends readonly unknown[] = never[], V = unknown> extends HoldOptions {
  /** Tags whose entries are invalidated. */
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  /** More tags, derived from the result. */
  readonly tagsOf?: ((result: NonNullable<V>, ...args: A) => readonly string[]) | undefined
  /** Keys of the cache itself whose entries are deleted. */
  readonly keys?: OfArguments<A, string | readonly string[]> | undefined
  /** The name of a method of the same class that is decorated with `@cached`; `args` has to be given too. */
  readonly method?: string | undefined
  /** Derives the arguments of `method`, whose cached result is invalidated, from the arguments of this method. */
  readonly args?: ((...args: A) => readonly unknown[]) | undefined
  /**
   * 'success': invalidates only if the method succeeds. 'settled': also if it rejects, for methods that may have changed something
   * although they failed, such as when a commit timed out. Default 'success'.
   */
  readonly after?: 'success' | 'settled' | undefined
}

const OPTIONS: readonly string[] = ['tags', 'tagsOf', 'keys', 'method', 'args', 'after', 'hold']

/**
 * Invalidates entries after a method has run. The decorated method resolves once the entries are invalidated in this process and in L2 (or
 * the change is queued for an L2 that cannot be reached). Its result or error is that of the method, which must return a promise. Throws
 * `INVALID_OPTION` at once for a wrong option.
 */
export function invalidates<A extends readonly unknown[] = never[], V = unknown, This = unknown>(
  cache: NoInfer<CacheOf<This>>,
  options: NoInfer<InvalidatesOptions<A, V>>,
): CacheDecorator<A, V, This> {
  const {
    tags,
    tagsOf,
    keys,
    method: target,
    args: argsFor,
    after = 'success',
    hold,
  } = checkNames(options, OPTIONS, 'invalidates') as InvalidatesOptions<unknown[]>
  if ([tags, tagsOf, keys, target].every((one) => one === undefined)) {
    throw invalid('the argument of invalidates', 'an object with tags, tagsOf, keys or method', options)
  }
  checkOneOf(after, 'after', ['success', 'settled'])
  const holdMs = holdMsOf(hold)
  if ((target === undefined) !== (argsFor === undefined)) {
    throw invalid('method', 'given together with args, which derives its arguments', target)
  }
  if (tags !== undefined && typeof tags !== 'function') checkTags(tags, 'tags')
  if (keys !== undefined && typeof keys !== 'function') checkKeys(keys)
  for (const [option, value] of [
    ['tagsOf', tagsOf],
    ['args', argsFor],
  ] as const) {
    if (value !== undefined && typeof value !== 'function') throw invalid(option, 'a function', value)
  }
  const invalidateCall = (wrapped: AnyWrapped, self: unknown, args: readonly unknown[]) =>
    holdMs > 0
      ? Reflect.apply(heldBy(wrapped), self, [holdMs, args])
      : Reflect.apply(wrapped.invalidate, self, [...args])
  return decorate('invalidates', ({ method, name = 'the method' }) => {
    return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const home = cacheOf(cache as never, this, name)
      // Errors up to here are thrown before anything has changed.
      const knownTags = typeof tags === 'function' ? checkTags(tags(...args), 'the result of tags()') : (tags ?? [])
      const knownKeys = typeof keys === 'function' ? checkKeys(keys(...args)) : (keys ?? [])
      const call =
        target === undefined ? undefined : { handle: handleOf(this as object, target), args: argsFor?.(...args) }
      const invalidate = async (moreTags: readonly string[]) => {
        const allTags = [...knownTags, ...moreTags]
        await Promise.all([
          allTags.length > 0 && home.invalidateTags(allTags, { hold }),
          knownKeys.length > 0 && home.delete(knownKeys, { hold }),
          call && invalidateCall(call.handle.of(this), this, call.args ?? []),
        ])
      }
      let result: unknown
      try {
        result = await Reflect.apply(method, this, args)
      } catch (error) {
        // The caller gets the error of the method, not that of the invalidation.
        if (after === 'settled') await invalidate([]).catch(() => undefined)
        throw error
      }
      await invalidate(tagsOfResult(home, name, tagsOf, result, args))
      return result
    }
  })
}

/** The tags from the result. The method has run, so its caller must get the result: if `tagsOf` fails, it is reported and gives no tags. */
function tagsOfResult(
  home: Cache,
  name: string,
  tagsOf: ((result: NonNullable<unknown>, ...args: unknown[]) => readonly string[]) | undefined,
  result: unknown,
  args: unknown[],
): readonly string[] {
  if (tagsOf === undefined || result === undefined || result === null) return []
  try {
    return checkTags(tagsOf(result, ...args), 'the result of tagsOf()')
  } catch (error) {
    home[REPORT](
      name,
      resultFailed('invalidates', name, 'tagsOf', error, 'entries with these tags were not invalidated'),
    )
    return []
  }
}
