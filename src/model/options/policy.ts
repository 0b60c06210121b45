// The policy: the options of a call as numbers.

import type { Tier } from '../events/events.js'
import {
  checkBoolean,
  checkNames,
  checkNumber,
  checkOneOf,
  invalid,
  isSignal,
  unknownName,
  withoutEffect,
} from '../option-rules.js'
import { ownOptions } from '../own-options.js'
import type { FailureBackoffMs } from '../time/freshness.js'
import { isSchema, type StandardSchema } from '../values/schema.js'
import { type Duration, toMs } from './duration.js'
import type { FailureBackoff, PolicyOptions, SingleFlight, Tiers } from './options.js'

/** All policy options as numbers. Immutable, and shared by all calls with the same options. */
export interface Policy {
  /** 0: not cached. */
  readonly ttlMs: number
  /** How long a value lives without a read; Infinity: no limit. */
  readonly idleTtlMs: number
  /** The longest ttl in L1; Infinity: no limit. */
  readonly l1TtlMs: number
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  /** `undefined`: off. */
  readonly failureBackoff: FailureBackoffMs | undefined
  readonly jitter: number
  /** 0: off. */
  readonly earlyRefreshBeta: number
  /** The part of the ttl below which a read refreshes, 0 to 1. 0: off. */
  readonly refreshAhead: number
  readonly softTimeoutMs: number
  readonly hardTimeoutMs: number
  /** How long a load may go on after `hardTimeoutMs` for its value to be kept. 0: not at all. */
  readonly lateResultMs: number
  /** `undefined`: the same as `ttlMs`. */
  readonly absentTtlMs: number | undefined
  readonly tiers: Tiers
  /** The tier that the cache lacks. A call that asks for this tier alone is refused, since it would silently keep nothing. */
  readonly missingTier: Tier | undefined
  readonly singleFlight: SingleFlight
  readonly schema: StandardSchema | undefined
}

const DEFAULT_BACKOFF: FailureBackoffMs = { firstMs: 1_000, longestMs: 60_000 }

/**
 * The policy of a cache without options. A ttl of one minute is long enough to take the load of a hot key off the source, and short
 * enough that a forgotten invalidation is repaired soon.
 */
export const DEFAULT_POLICY: Policy = {
  ttlMs: 60_000,
  idleTtlMs: Number.POSITIVE_INFINITY,
  l1TtlMs: Number.POSITIVE_INFINITY,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  failureBackoff: DEFAULT_BACKOFF,
  jitter: 0,
  earlyRefreshBeta: 0,
  refreshAhead: 0,
  softTimeoutMs: Number.POSITIVE_INFINITY,
  hardTimeoutMs: 30_000,
  lateResultMs: 0,
  absentTtlMs: undefined,
  tiers: 'all',
  missingTier: undefined,
  singleFlight: 'fleet',
  schema: undefined,
}

/** The names of the policy options. */
export const POLICY_OPTIONS = [
  'ttl',
  'l1Ttl',
  'idleTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'failureBackoff',
  'jitter',
  'earlyRefresh',
  'refreshAhead',
  'softTimeout',
  'hardTimeout',
  'lateResult',
  'absentTtl',
  'tiers',
  'singleFlight',
  'schema',
] as const satisfies readonly (keyof PolicyOptions)[]

/** The policy options that concern a write; the others concern loading. */
export const WRITE_POLICY_OPTIONS = [
  'ttl',
  'l1Ttl',
  'idleTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'absentTtl',
  'tiers',
] as const satisfies readonly (keyof PolicyOptions)[]

/** All options of a call. Those that are not policy options are checked here and read elsewhere. */
const CALL_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'tags', 'version', 'signal', 'forceFresh']

type Draft = { -readonly [Name in keyof Policy]: Policy[Name] }

/**
 * Returns `defaults` with the changes of `options`, or `defaults` itself if there are none. Throws `INVALID_OPTION` for a wrong value, and
 * for a name that is not an option of a call, unless it is in `others`.
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
  if (draft === undefined) return defaults
  if (given.idleTtl !== undefined && !(defaults === DEFAULT_POLICY && given.ttl === undefined)) refuseLateIdle(draft)
  return draft
}

/**
 * Refuses an idle life that is never the first to end, which would be ignored silently. Options that are checked before the ttl of their
 * cache is known (`DEFAULT_POLICY` stands in for it) are checked again later.
 */
function refuseLateIdle({ idleTtlMs, ttlMs, staleWhileRevalidateMs, staleIfErrorMs }: Policy): void {
  const lifeMs = ttlMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs)
  if (idleTtlMs === Number.POSITIVE_INFINITY || idleTtlMs < lifeMs) return
  throw withoutEffect(
    `idleTtl (${idleTtlMs} ms)`,
    `where the ttl, with its stale windows, ends no later (${lifeMs} ms). ttl is the absolute end, and may be Infinity`,
  )
}

const NONE: readonly string[] = []

/** Whether `name` is an allowed option that is not a policy option. Its value is checked. */
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
    case 'forceFresh':
      checkBoolean(value, name)
      return true
    default:
      return others.includes(name)
  }
}

function apply(draft: Draft, name: keyof PolicyOptions, value: unknown): void {
  switch (name) {
    case 'ttl':
      draft.ttlMs = toMs(value as Duration, name)
      return
    case 'idleTtl':
      draft.idleTtlMs = toMs(value as Duration, name, 'positive')
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
    case 'refreshAhead':
      draft.refreshAhead = value === false ? 0 : checkNumber(value, name, 0, 1)
      return
    case 'softTimeout':
      draft.softTimeoutMs = toMs(value as Duration, name)
      return
    case 'hardTimeout':
      draft.hardTimeoutMs = toMs(value as Duration, name, 'positive')
      return
    case 'lateResult':
      draft.lateResultMs = toMs(value as Duration, name)
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

/**
 * A part that is not given keeps its value from `before`, unless it contradicts the given one: a given `first` above the longest pause
 * raises that, and a given `longest` below the first pause lowers that.
 */
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
