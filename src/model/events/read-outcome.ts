// What came of a read: exactly one outcome for each, computed by the path that ended it and reported once.
import type { Tier } from './events.js'

/**
 * How a read ended. Closed, so that the outcomes of all reads add up to their number.
 *
 * - `hit`: a tier had a fresh value.
 * - `stale`: a value within `staleWhileRevalidate`; a refresh runs behind it.
 * - `staleIfError`: the load failed, now or a moment ago, and a value within `staleIfError` was served.
 * - `staleIfSlow`: `softTimeout` passed, and a value that is no longer fresh was served.
 * - `loaded`: no tier had a usable value, and this read's loader brought one.
 * - `joined`: a load or a read of L2 that another caller had begun brought the value.
 * - `absent`: a read that never loads found no value that may be served.
 * - `failed`: the read rejected, with the loader's error or because the cache was closed meanwhile.
 * - `timedOut`: `hardTimeout` passed.
 * - `aborted`: the caller's own signal ended it.
 */
export type ReadOutcome =
  | { readonly result: 'hit' | StaleResult; readonly tier: Tier }
  | { readonly result: 'loaded' | 'joined' | 'absent' | 'failed' | 'timedOut' | 'aborted' }

/** The outcomes in which a value that is no longer fresh was served. */
export type StaleResult = 'stale' | 'staleIfError' | 'staleIfSlow'

type ByTier = Readonly<Record<Tier, ReadOutcome>>

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

/** What a flight's outcome is to a caller that joined it: whoever was served something fresh joined; the rest is shared. */
export function asJoined(outcome: ReadOutcome): ReadOutcome {
  return outcome.result === 'loaded' || outcome.result === 'hit' ? JOINED : outcome
}

function byTier(result: 'hit' | StaleResult): ByTier {
  return { l1: { result, tier: 'l1' }, l2: { result, tier: 'l2' } }
}
