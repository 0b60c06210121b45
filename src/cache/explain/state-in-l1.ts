// What an entry of L1 is worth at this moment.
import type { Core } from '../../flow/core.js'
import { type Age, ageOf, type Entry } from '../../model/entry.js'

/** The age of an entry, or why it is not served whatever its age; see `ExplainedEntry.state`. */
export type L1State = Age | 'invalidated' | 'unverified'

/** The state of an entry of L1, given its age, its labels and whether the bus is trusted. */
export function stateInL1(core: Core, entry: Entry, nowMs: number): L1State {
  if (ageOf(entry, nowMs) === 'expired') return 'expired'
  const currency = core.tokens.verify(entry, nowMs)
  if (currency === 'invalidated') {
    return core.tokens.compare(entry.labels) === 'invalidated' ? 'invalidated' : 'unverified'
  }
  if (currency === 'expired') entry.expire(core.tokens.expiredAtMs(entry.labels, nowMs))
  return ageOf(entry, nowMs)
}
