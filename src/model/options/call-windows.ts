// The windows that the options of one call give. They limit which stored values the call accepts, and never lengthen the life of one.
import { type Age, type AtMs, ageOf, type Entry } from '../entry.js'
import type { PolicyOptions } from './options.js'
import type { Policy } from './policy.js'

/** The windows of one call; `undefined` for an option that the call does not give. */
export interface CallWindows {
  readonly ttlMs: number | undefined
  readonly absentTtlMs: number | undefined
  readonly l1TtlMs: number | undefined
  readonly staleWhileRevalidateMs: number | undefined
  readonly staleIfErrorMs: number | undefined
}

/** The windows among the options of a call, as `policy` has resolved them; `undefined` if the call gives none. */
export function windowsOf(options: PolicyOptions | undefined, policy: Policy): CallWindows | undefined {
  if (options === undefined) return undefined
  const { ttl, absentTtl, l1Ttl, staleWhileRevalidate, staleIfError } = options
  const given = ttl ?? absentTtl ?? l1Ttl ?? staleWhileRevalidate ?? staleIfError
  if (given === undefined) return undefined
  return {
    ttlMs: ttl === undefined ? undefined : policy.ttlMs,
    absentTtlMs: absentTtl === undefined ? undefined : policy.absentTtlMs,
    l1TtlMs: l1Ttl === undefined ? undefined : policy.l1TtlMs,
    staleWhileRevalidateMs: staleWhileRevalidate === undefined ? undefined : policy.staleWhileRevalidateMs,
    staleIfErrorMs: staleIfError === undefined ? undefined : policy.staleIfErrorMs,
  }
}

/** The age of an entry for a call with these windows. */
export function ageWithin(entry: Entry, windows: CallWindows | undefined, nowMs: AtMs): Age {
  if (windows === undefined) return ageOf(entry, nowMs)
  const isAbsent = entry.value === undefined || entry.value === null
  const ttlMs = (isAbsent ? (windows.absentTtlMs ?? windows.ttlMs) : windows.ttlMs) ?? Infinity
  // A call with the ttl 0 accepts no stale value either.
  const staleForMs = ttlMs === 0 ? 0 : (windows.staleWhileRevalidateMs ?? Infinity)
  const usableForMs = windows.staleIfErrorMs ?? Infinity
  const freshUntilMs = Math.min(entry.freshUntilMs, entry.createdAtMs + ttlMs)
  const ownStaleMs = lengthOf(entry.freshUntilMs, entry.staleUntilMs)
  const staleUntilMs = Math.min(entry.staleUntilMs, freshUntilMs + Math.min(ownStaleMs, staleForMs))
  // For a soft-expired entry the time counts from its expiry, which came before the end of its ttl.
  const endedAtMs = Math.min(freshEndOf(entry), entry.createdAtMs + ttlMs)
  const usableUntilMs = Math.min(entry.usableUntilMs, endedAtMs + Math.min(entry.staleIfErrorMs, usableForMs))
  const { idleUntilMs } = entry
  return ageOf({ freshUntilMs, staleUntilMs, usableUntilMs: Math.max(usableUntilMs, staleUntilMs), idleUntilMs }, nowMs)
}

/** When an entry stopped, or stops, being fresh. */
function freshEndOf(entry: Entry): AtMs {
  return entry.isSoftExpired ? entry.usableUntilMs - entry.staleIfErrorMs : entry.freshUntilMs
}

function lengthOf(fromMs: AtMs, untilMs: AtMs): number {
  return untilMs === Infinity ? Infinity : untilMs - fromMs
}
