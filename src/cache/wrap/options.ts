// What `cache.wrap` and `@cached` take, and what can be checked of it without a call.

import { CacheError } from '../../model/errors.js'
import type { Version } from '../../model/keys/key.js'
import { checkNames, invalid } from '../../model/option-rules.js'
import type { Duration } from '../../model/options/duration.js'
import type { CallOptions, PolicyOptions } from '../../model/options/options.js'
import { DEFAULT_POLICY, POLICY_OPTIONS, resolvePolicy } from '../../model/options/policy.js'
import type { StandardSchema } from '../../model/values/schema.js'
import { whyUnstable } from './stable-name.js'

/** A value, or a function of the call's arguments that returns it. */
export type OfArguments<A extends readonly unknown[], T> = T | ((...args: A) => T)

/** Every option of a call but `schema`, as a value or as a function of the arguments. */
type PolicyOfArguments<A extends readonly unknown[]> = {
  readonly [Name in Exclude<keyof PolicyOptions, 'schema'>]?:
    | OfArguments<A, NonNullable<PolicyOptions[Name]>>
    | undefined
}

/**
 * Options of `wrap`. Functions of the arguments are called once per call, before the cache is asked; functions of the result after a
 * load, unless the result is `undefined` or `null`. One that throws, or returns anything but what it must, never costs the caller the
 * result: that is served and kept in no tier (notice `TAGS_FAILED`, `KEY_FAILED` or `OPTION_FAILED`). Only the verbs, which need
 * what it derives, reject.
 */
export interface WrapOptions<A extends readonly unknown[] = readonly never[], V = unknown, This = unknown>
  extends PolicyOfArguments<A> {
  /**
   * Names the entries, in every process and release. Default: the function's own name, which is refused (`NAME_REQUIRED`) where it
   * may change with the next build: that of a bound or minified function. Always pass it in code that is minified.
   */
  readonly name?: string | undefined
  /** Another version is another set of entries: raise it when the shape of the result changes. */
  readonly version?: Version | undefined
  /** Makes the key of a call. Default: all arguments, encoded so that different ones never share an entry. */
  readonly key?: ((...args: A) => string) | undefined
  /** Of a function that uses its `this`: what of it the result depends on, such as a tenant. Default: nothing. */
  readonly per?: ((self: This) => unknown) | undefined
  /** Known before the function runs: no invalidation of them can be missed. */
  readonly tags?: OfArguments<A, readonly string[]> | undefined
  /** More tags, derived from the result. An absent result has none of them. */
  readonly tagsOf?: ((result: NonNullable<V>, ...args: A) => readonly string[]) | undefined
  /** The ttl, derived from the result; goes before `ttl`. Of an absent result `absentTtl` decides. */
  readonly ttlOf?: ((result: NonNullable<V>, ...args: A) => Duration) | undefined
  readonly schema?: StandardSchema<V> | undefined
}

export type AnyFunction = (...args: never[]) => unknown
/** The options with their types put aside: one wrapping serves all. */
export type AnyWrapOptions = WrapOptions<unknown[], unknown, unknown>

const FUNCTION_OPTIONS = ['key', 'per', 'tagsOf', 'ttlOf'] as const
const WRAP_OPTIONS: readonly string[] = [...POLICY_OPTIONS, ...FUNCTION_OPTIONS, 'name', 'version', 'tags']
/** The options, as `ownOptions` says. Throws `INVALID_OPTION` for what can be told without a call. */
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

/** The name of a function's entries. Throws `NAME_REQUIRED` if it was given none and has none that lasts. */
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
