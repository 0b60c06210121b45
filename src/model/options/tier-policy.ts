// The options of an L2, checked and turned into numbers.

import { LONGEST_LEASE_MS } from '../limits.js'
import { checkCount, checkNames, invalid } from '../option-rules.js'
import { ownOptions } from '../own-options.js'
import type { Milliseconds } from '../ports.js'
import { type Duration, toMs } from './duration.js'
import type { BreakerOptions, TierOptions } from './tier-definition.js'

/** When the circuit breaker opens, and for how long. */
export interface BreakerPolicy {
  /** How many failures in a row open it, timeouts and slow replies included. */
  readonly failures: number
  /** A reply that took longer than this is used, but counts as a failure. */
  readonly slowAfterMs: Milliseconds
  /** The first pause before a try. It doubles up to `maxOpenForMs`, with jitter. */
  readonly openForMs: Milliseconds
  readonly maxOpenForMs: Milliseconds
}

/** The options of an L2 as numbers, with the defaults filled in. */
export interface TierPolicy {
  /** The longest that a caller waits for L2. */
  readonly timeoutMs: Milliseconds
  /** The longest that calls wait for the first connection. */
  readonly connectTimeoutMs: Milliseconds
  /** How long a lease lives without renewal. */
  readonly leaseMs: Milliseconds
  /** `undefined`: no breaker, so every operation may take up to its timeout. */
  readonly breaker: BreakerPolicy | undefined
}

const NAMES: Readonly<Record<keyof TierOptions, true>> = {
  timeout: true,
  connectTimeout: true,
  leaseTtl: true,
  breaker: true,
  codec: true,
  compress: true,
  encrypt: true,
  maxValueBytes: true,
}

/** The names of the options that every kind of L2 has. */
export const TIER_OPTIONS: readonly string[] = Object.keys(NAMES)

/** Checks the options of an L2 and fills in the defaults. Throws `INVALID_OPTION`. The entry codec checks its own options. */
export function resolveTierOptions(given: TierOptions): TierPolicy {
  const options = ownOptions(given)
  const timeoutMs = toMs(options.timeout ?? '200ms', 'timeout', 'positive')
  return {
    timeoutMs,
    connectTimeoutMs: toMs(options.connectTimeout ?? '5s', 'connectTimeout', 'positive'),
    leaseMs: readLeaseTtl(options.leaseTtl ?? '2s'),
    breaker: options.breaker === false ? undefined : resolveBreaker(options.breaker ?? {}, timeoutMs),
  }
}

/** A lease that would live longer counts as foreign, so it is refused as an option too. */
function readLeaseTtl(leaseTtl: Duration): Milliseconds {
  const leaseMs = toMs(leaseTtl, 'leaseTtl', 'positive')
  if (leaseMs <= LONGEST_LEASE_MS) return leaseMs
  throw invalid('leaseTtl', `a duration above 0 and up to ${LONGEST_LEASE_MS} ms`, leaseTtl)
}

function resolveBreaker(given: BreakerOptions, timeoutMs: Milliseconds): BreakerPolicy {
  const options = checkNames(given, ['failures', 'slowAfter', 'openFor', 'maxOpenFor'], 'breaker')
  const openForMs = toMs(options.openFor ?? '1s', 'breaker.openFor', 'positive')
  return {
    failures: checkCount(options.failures ?? 3, 'breaker.failures', 1, 1_000_000),
    slowAfterMs: toMs(options.slowAfter ?? timeoutMs, 'breaker.slowAfter', 'positive'),
    openForMs,
    maxOpenForMs: Math.max(openForMs, toMs(options.maxOpenFor ?? '15s', 'breaker.maxOpenFor', 'positive')),
  }
}
