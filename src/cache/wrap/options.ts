// The options of `cache.wrap` and `@cached`, and the checks that need no call.

import { CacheError } from '../../model/errors.js'
import type { Version } from '../../model/keys/key.js'
import { checkNames, invalid } from '../../model/option-rules.js'
import type { Duration } from '../../model/options/duration.js'
import type { CallOptions, PolicyOptions } from '../../model/options/options.js'
import { DEFAULT_POLICY, POLICY_OPTIONS, resolvePolicy } from '../../model/options/policy.js'
import type { StandardSchema } from '../../model/values/schema.js'
import { whyUnstable } from './stable-name.js'

/** An option that is a value, or a function that derives it from the arguments of a call. */
export type OfArguments<A extends readonly unknown[], T> = T | ((...args: A) => T)

/** Every policy option except `schema`, as a value or as a function of the arguments. */
type PolicyOfArguments<A extends readonly unknown[]> = {
  readonly [Name in Exclude<keyof PolicyOptions, 'schema'>]?:
    | OfArguments<A, NonNullable<PolicyOptions[Name]>>
    | undefined
}

/**
 * Options of `wrap`. Functions of the arguments run once per call, before the cache is read. Functions of the result run after a load,
 * unless the result is `undefined` or `null`.
 *
 * If one of them throws or returns something wrong, the caller still gets the result, but no tier keeps it (notice `TAGS_FAILED`,
 * `KEY_FAILED` or `OPTION_FAILED`). Verbs that need the derived value, such as `invalidate` and `set`, reject.
 */
export interface WrapOptions<A extends readonly unknown[] = readonly never[], V = unknown, This = unknown>
  extends PolicyOfArguments<A> {
  /**
   * The name of the entries, the same in every process and release. Default: the name of the function. That is refused
   * (`NAME_REQUIRED`) if it may change with the next build, as that of a bound or minified function. Always pass a name in minified code.
   */
  readonly name?: string | undefined
  /** Part of the keys: raise it when the shape of the result changes. Entries of another version are never served. */
  readonly version?: Version | undefined
  /** Makes the key of a call. Default: all arguments, encoded so that different arguments never share an entry. */
  readonly key?: ((...args: A) => string) | undefined
  /** For a function that reads its `this`: returns the part of `this` on which the result depends, such as a tenant. Default: none. */
  readonly per?: ((self: This) => unknown) | undefined
  /** Tags of the result, known before the function runs. So no invalidation of them can be missed. */
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  /** More tags, derived from the result. Not called for an absent result. */
  readonly tagsOf?: ((result: NonNullable<V>, ...args: A) => readonly string[]) | undefined
  /** The ttl, derived from the result; it overrides `ttl`. Not called for an absent result, for which `absentTtl` decides. */
  readonly ttlOf?: ((result: NonNullable<V>, ...args: A) => Duration) | undefined
  /** Validates every result once, whether it comes from the function, from `set` or from L2. */
  readonly schema?: StandardSchema<V> | undefined
}

/** A function of any signature. */
export type AnyFunction = (...args: never[]) => unknown
/** The options without the types of one function: the same code wraps them all. */
export type AnyWrapOptions = WrapOptions<unknown[], unknown, unknown>

const FUNCTION_OPTIONS = ['key', 'per', 'tagsOf', 'ttlOf'] as const
const WRAP_OPTIONS: readonly string[] = [...POLICY_OPTIONS, ...FUNCTION_OPTIONS, 'name', 'version', 'tags']

/** Returns the options, without properties of a polluted `Object.prototype`. Throws `INVALID_OPTION` for mistakes that need no call to be seen. */
export function checkWrapOptions(given: AnyWrapOptions): AnyWrapOptions {
  const options = checkNames(given, WRAP_OPTIONS, 'wrap')
  for (const name of FUNCTION_OPTIONS) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalid(name, 'a function', options[name])
  }
  const tags = typeof options.tags === 'function' ? undefined : options.tags
  resolvePolicy(DEFAULT_POLICY, { ...policyOf(options).fixed, tags } as CallOptions)
  return options
}

/** The policy options that are values, and the names of those that are functions of the arguments. */
export function policyOf(options: AnyWrapOptions): {
  readonly fixed: PolicyOptions
  readonly varying: readonly (keyof PolicyOptions)[]
} {
  const varying = POLICY_OPTIONS.filter((name) => name !== 'schema' && typeof options[name] === 'function')
  const fixed = POLICY_OPTIONS.filter((name) => !varying.includes(name)).map((name) => [name, options[name]])
  return { fixed: Object.fromEntries(fixed), varying }
}

/** The name of a function's entries. Throws `NAME_REQUIRED` if none was passed and its own name is not stable. */
export function nameOf(fn: AnyFunction, name: string | undefined): string {
  if (name !== undefined) return name
  const why = whyUnstable(fn.name, Function.prototype.toString.call(fn))
  if (why === undefined) return fn.name
  throw new CacheError(
    'NAME_REQUIRED',
    `a wrapped function needs a name that is the same in every process and every build, since Redis keys begin with it; ${why}. ` +
      "Pass the option name, as in wrap(fn, { name: 'quote' })",
  )
}
