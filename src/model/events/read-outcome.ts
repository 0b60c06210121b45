// The outcome of a read: every read has exactly one, which the path that ended it computes and reports once.
import type { Tier } from './events.js'

/**
 * How a read ended. The list is closed, so the outcomes of all reads add up to their number.
 *
 * - `hit`: a tier had a fresh value.
 * - `stale`: a value within `staleWhileRevalidate` was served, while a refresh runs.
 * - `staleIfError`: the load failed, now or a moment ago, and a value within `staleIfError` was served.
 * - `staleIfSlow`: `softTimeout` passed, and a value that is no longer fresh was served.
 * - `loaded`: no tier had a usable value, and the loader of this read returned one.
 * - `joined`: the value came from a load, or a read of L2, that another caller had begun.
 * - `absent`: a read that never loads found no value that may be served.
 * - `failed`: the read rejected, with the loader's error, because the cache was closed in the meantime, or because a `pull` could not
 *   reach L2.
 * - `timedOut`: `hardTimeout` passed.
 * - `aborted`: the caller's own signal ended it.
 */
export type ReadOutcome =
  | { readonly result: 'hit' | StaleResult; readonly tier: Tier }
  | { readonly result: 'loaded' | 'joined' | 'absent' | 'failed' | 'timedOut' | 'aborted' }

/** The outcomes in which a value that is no longer fresh was served. */
export type StaleResult = 'stale' | 'staleIfError' | 'staleIfSlow'

type ByTier = Readonly<Record<Tier, ReadOutcome>>

// The outcomes as shared objects, so that reporting a read allocates nothing.
export const HIT: ByTier = byTier('hit')
export const STALE: ByTier = byTier('stale')
export const STALE_IF_ERROR: ByTier = byTier('staleIfError')
export const STALE_IF_SLOW: ByTier = byTier('staleIfSlow')
export const LOADED: ReadOutcome = { result: 'loaded' }
export const JOINED: ReadOutcome = { result: 'joined' }
export const ABSENT: ReadOutcome = { result: 'absent' }
export const FAILED: ReadOutcome = { result: 'failed' }
export const TIMED_OUT: ReadOutcome = { result: 'timedOut' }
export const ABORTED: ReadOutcome = { result: 'aborted' }

/** The outcome of a flight for a caller that joined it: `joined` if it got a fresh value, else the same as for the first caller. */
export function asJoined(outcome: ReadOutcome): ReadOutcome {
  return outcome.result === 'loaded' || outcome.result === 'hit' ? JOINED : outcome
}

function byTier(result: 'hit' | StaleResult): ByTier {
  return { l1: { result, tier: 'l1' }, l2: { result, tier: 'l2' } }
}
