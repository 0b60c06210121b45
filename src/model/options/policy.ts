// Options resolved into numbers: what one call goes by.

import type { Tier } from '../events/events.js'
import { checkNames, checkNumber, checkOneOf, invalid, isSignal, unknownName, withoutEffect } from '../option-rules.js'
import { ownOptions } from '../own-options.js'
import type { FailureBackoffMs } from '../time/freshness.js'
import { isSchema, type StandardSchema } from '../values/schema.js'
import { type Duration, toMs } from './duration.js'
import type { FailureBackoff, PolicyOptions, SingleFlight, Tiers } from './options.js'

/** Every decision that options allow, as numbers. Immutable, shared by all calls that say nothing else. */
export interface Policy {
  /** 0: not cached. */
  readonly ttlMs: number
  /** Upper limit of the ttl in L1; Infinity: none. */
  readonly l1TtlMs: number
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  /** `undefined`: off. */
  readonly failureBackoff: FailureBackoffMs | undefined
  readonly jitter: number
  /** 0: off. */
  readonly earlyRefreshBeta: number
  readonly softTimeoutMs: number
  readonly hardTimeoutMs: number
  /** `undefined`: as `ttlMs`. */
  readonly absentTtlMs: number | undefined
  readonly tiers: Tiers
  /** What the cache lacks: a call that asks for it alone would keep nothing, in silence. */
  readonly missingTier: Tier | undefined
  readonly singleFlight: SingleFlight
  readonly schema: StandardSchema | undefined
}

const DEFAULT_BACKOFF: FailureBackoffMs = { firstMs: 1_000, longestMs: 60_000 }

/**
 * The policy of a cache that was given no options. A minute is long enough to take the load of a hot key away and short enough
 * that a forgotten invalidation heals by itself.
 */
export const DEFAULT_POLICY: Policy = {
  ttlMs: 60_000,
  l1TtlMs: Number.POSITIVE_INFINITY,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  failureBackoff: DEFAULT_BACKOFF,
  jitter: 0,
  earlyRefreshBeta: 0,
  softTimeoutMs: Number.POSITIVE_INFINITY,
  hardTimeoutMs: 30_000,
  absentTtlMs: undefined,
  tiers: 'all',
  missingTier: undefined,
  singleFlight: 'fleet',
  schema: undefined,
}

/** The options that make a policy. */
export const POLICY_OPTIONS = [
  'ttl',
  'l1Ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'failureBackoff',
  'jitter',
  'earlyRefresh',
  'softTimeout',
  'hardTimeout',
  'absentTtl',
  'tiers',
  'singleFlight',
  'schema',
] as const satisfies readonly (keyof PolicyOptions)[]

/** Those of them that a write goes by; the others belong to loading. */
export const WRITE_POLICY_OPTIONS = [
  'ttl',
  'l1Ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'absentTtl',
  'tiers',
] as const satisfies readonly (keyof PolicyOptions)[]

/** What a call may say besides; checked here, read elsewhere. */
const CALL_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'tags', 'version', 'signal']

type Draft = { -readonly [Name in keyof Policy]: Policy[Name] }

/**
 * `defaults` changed by `options`; `defaults` itself when they change nothing. Throws `INVALID_OPTION` for a wrong value and for a
 * name that is no option of a call, unless it is one of `others`.
 */
export function resolvePolicy(
  defaults: Policy,
  options: PolicyOptions | undefined,
  others: readonly string[] = NONE,
): Policy {
  if (options === undefined) return defaults
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options)
  let draft: Draft | undefined
  const given = ownOptions(options) as Readonly<Record<string, unknown>>
  for (const name in given) {
    const value = given[name]
    if (value === undefined || isOther(name, value, others)) continue
    draft ??= { ...defaults }
    apply(draft, name as keyof PolicyOptions, value)
  }
  return draft ?? defaults
}

const NONE: readonly string[] = []

/** Whether `name` is an option that does not belong to the policy; its value is checked. */
function isOther(name: string, value: unknown, others: readonly string[]): boolean {
  switch (name) {
    case 'version':
      // Checked where it becomes part of a key.
      return true
    case 'tags':
      if (typeof value === 'function' || isListOfStrings(value)) return true
      throw invalid(name, 'an array of strings or a function of value and key that returns one', value)
    case 'signal':
      if (isSignal(value)) return true
      throw invalid(name, 'an AbortSignal', value)
    default:
      return others.includes(name)
  }
}

function apply(draft: Draft, name: keyof PolicyOptions, value: unknown): void {
  switch (name) {
    case 'ttl':
      draft.ttlMs = toMs(value as Duration, name)
      return
    case 'l1Ttl':
      draft.l1TtlMs = toMs(value as Duration, name)
      return
    case 'staleWhileRevalidate':
      draft.staleWhileRevalidateMs = toMs(value as Duration, name)
      return
    case 'staleIfError':
      draft.staleIfErrorMs = toMs(value as Duration, name)
      return
    case 'failureBackoff':
      draft.failureBackoff = value === false ? undefined : checkBackoff(value, draft.failureBackoff)
      return
    case 'jitter':
      draft.jitter = checkNumber(value, name, 0, 1)
      return
    case 'earlyRefresh':
      draft.earlyRefreshBeta = value === false ? 0 : checkBeta(value)
      return
    case 'softTimeout':
      draft.softTimeoutMs = toMs(value as Duration, name)
      return
    case 'hardTimeout':
      draft.hardTimeoutMs = toMs(value as Duration, name, 'positive')
      return
    case 'absentTtl':
      draft.absentTtlMs = toMs(value as Duration, name)
      return
    case 'tiers':
      draft.tiers = checkOneOf(value, name, ['all', 'l1', 'l2'])
      if (draft.tiers === draft.missingTier) {
        throw withoutEffect(`tiers: '${draft.tiers}'`, `in a cache that has no ${draft.tiers}`)
      }
      return
    case 'singleFlight':
      draft.singleFlight = checkOneOf(value, name, ['process', 'fleet'])
      return
    case 'schema':
      if (!isSchema(value)) throw invalid(name, "a Standard Schema v1, an object with '~standard'", value)
      draft.schema = value
      return
    default:
      name satisfies never
      throw unknownName(name, CALL_OPTIONS, 'a call')
  }
}

function checkBeta(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value
  throw invalid('earlyRefresh', "a number of 0 or more (XFetch's beta; 1 is usual) or false", value)
}

/** What is not given is as `before`; a first pause above the longest raises it, and a longest one below the first lowers that. */
function checkBackoff(value: unknown, before: FailureBackoffMs = DEFAULT_BACKOFF): FailureBackoffMs {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('failureBackoff', "{ first, longest }, such as { first: '1s', longest: '1m' }, or false", value)
  }
  const { first, longest } = checkNames(value as FailureBackoff, ['first', 'longest'], 'failureBackoff')
  const firstMs = first === undefined ? before.firstMs : toMs(first, 'failureBackoff.first', 'positive')
  const longestMs = longest === undefined ? before.longestMs : toMs(longest, 'failureBackoff.longest', 'positive')
  if (longestMs >= firstMs) return { firstMs, longestMs }
  if (longest === undefined) return { firstMs, longestMs: firstMs }
  if (first === undefined) return { firstMs: longestMs, longestMs }
  throw invalid('failureBackoff.longest', `at least failureBackoff.first (${firstMs} ms)`, longest)
}

function isListOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === 'string')
}
