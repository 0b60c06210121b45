// The option `hold` of invalidations.
import { CacheError, show } from '../errors.js'
import { LONGEST_LEASE_MS } from '../limits.js'
import type { Milliseconds } from '../ports.js'
import { type Duration, toMs } from './duration.js'

/** Options of an invalidation whose source may still return the old state for a while. */
export interface HoldOptions {
  /**
   * For so long, at most `'10m'`, loads serve their callers and are kept nowhere, in every process: for a commit that is not visible yet, or a
   * replica that lags. It counts from the call. Default 0.
   */
  readonly hold?: Duration | undefined
}

/** Returns `hold` in milliseconds, 0 if there is none. Throws `INVALID_OPTION` for a wrong one. */
export function holdMsOf(hold: Duration | undefined): Milliseconds {
  const holdMs = hold === undefined ? 0 : toMs(hold, 'hold')
  if (holdMs <= LONGEST_LEASE_MS) return holdMs
  throw new CacheError(
    'INVALID_OPTION',
    `hold must be at most '10m', since nothing is kept while it lasts; got ${show(hold)}. If the source needs longer, invalidate again`,
  )
}
