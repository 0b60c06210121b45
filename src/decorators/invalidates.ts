// `@invalidates`: after the method, what it has changed is invalidated.
import { type Cache, REPORT } from '../cache/cache.js'
import { checkKeys } from '../cache/check-arguments.js'
import type { OfArguments } from '../cache/wrap/options.js'
import { checkTags } from '../flow/entries/tags.js'
import { resultFailed } from '../model/failed-option.js'
import { checkNames, checkOneOf, invalid } from '../model/option-rules.js'
import { handleOf } from './cached.js'
import { type CacheOf, cacheOf } from './cached-method.js'
import { type CacheDecorator, decorate } from './decorate.js'

/**
 * What to invalidate. Functions of the arguments are called before the method, and what is wrong with them rejects the call, since
 * nothing has changed yet. Those that end in `Of` get the result, unless it is `undefined` or `null`; if they fail the caller has the
 * result all the same, and a notice reports it (`TAGS_FAILED`).
 */
export interface InvalidatesOptions<A extends readonly unknown[] = never[], V = unknown> {
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  readonly tagsOf?: ((result: NonNullable<V>, ...args: A) => readonly string[]) | undefined
  /** Keys of the cache itself. */
  readonly keys?: OfArguments<A, string | readonly string[]> | undefined
  /** A method of the same class that is decorated with `@cached`; `args` makes its arguments of this one's. */
  readonly method?: string | undefined
  readonly args?: ((...args: A) => readonly unknown[]) | undefined
  /**
   * 'success': not if the method rejects. 'settled': also then, for methods that may have changed something although they
   * failed, as when a commit timed out. Default 'success'.
   */
  readonly after?: 'success' | 'settled' | undefined
}

const OPTIONS: readonly string[] = ['tags', 'tagsOf', 'keys', 'method', 'args', 'after']

/**
 * A method after which entries must never be served again. It answers when that holds in this process and L2 was told, and what it
 * answers or rejects with is not changed. It has to answer a promise. Throws `INVALID_OPTION` at once for a wrong option.
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
  } = checkNames(options, OPTIONS, 'invalidates') as InvalidatesOptions<unknown[]>
  if ([tags, tagsOf, keys, target].every((one) => one === undefined)) {
    throw invalid('invalidates', 'told what to invalidate: tags, tagsOf, keys or method', options)
  }
  checkOneOf(after, 'after', ['success', 'settled'])
  if ((target === undefined) !== (argsFor === undefined)) {
    throw invalid('method', 'named together with args, which makes its arguments', target)
  }
  if (tags !== undefined && typeof tags !== 'function') checkTags(tags, 'tags')
  if (keys !== undefined && typeof keys !== 'function') checkKeys(keys)
  for (const [option, value] of [
    ['tagsOf', tagsOf],
    ['args', argsFor],
  ] as const) {
    if (value !== undefined && typeof value !== 'function') throw invalid(option, 'a function', value)
  }
  return decorate('invalidates', ({ method, name = 'the method' }) => {
    return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const home = cacheOf(cache as never, this, name)
      // What throws here throws before anything was changed.
      const knownTags = typeof tags === 'function' ? checkTags(tags(...args), 'the result of tags()') : (tags ?? [])
      const knownKeys = typeof keys === 'function' ? checkKeys(keys(...args)) : (keys ?? [])
      const call =
        target === undefined ? undefined : { handle: handleOf(this as object, target), args: argsFor?.(...args) }
      const invalidate = async (moreTags: readonly string[]) => {
        const allTags = [...knownTags, ...moreTags]
        await Promise.all([
          allTags.length > 0 && home.invalidateTags(allTags),
          knownKeys.length > 0 && home.delete(knownKeys),
          call && Reflect.apply(call.handle.of(this).invalidate, this, call.args ?? []),
        ])
      }
      let result: unknown
      try {
        result = await Reflect.apply(method, this, args)
      } catch (error) {
        // The caller is told of the method's failure, not of another one.
        if (after === 'settled') await invalidate([]).catch(() => undefined)
        throw error
      }
      await invalidate(tagsOfResult(home, name, tagsOf, result, args))
      return result
    }
  })
}

/** The method has done its work, and its caller is to know what came of it: tags that cannot be derived are reported, and none. */
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
      resultFailed('invalidates', name, 'tagsOf', error, 'Entries with these tags were not invalidated'),
    )
    return []
  }
}
