// How one read ended.
import type { Entry } from '../../model/entry.js'
import type { ReadOutcome } from '../../model/events/read-outcome.js'
import type { Flight } from '../state/flight.js'

/** The record of one read, for a caller that asks where its value came from. Plain reads have none, so they allocate nothing for it. */
export class ReadEnd {
  outcome: ReadOutcome | undefined
  /** The entry that was served; `undefined` if the value was loaded. */
  entry: Entry | undefined
  /** The flight that the read began or joined. */
  flight: Flight | undefined
}
