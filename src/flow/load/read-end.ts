// How one read ended.
import type { Entry } from '../../model/entry.js'
import type { ReadOutcome } from '../../model/events/read-outcome.js'
import type { Recorder } from '../events/recorder.js'
import type { Flight } from '../flights/flight.js'
import type { LoadRequest } from '../flights/load-request.js'

/** The record of one read, for a caller that asks where its value came from. Plain reads have none, so they allocate nothing for it. */
export class ReadEnd {
  outcome: ReadOutcome | undefined
  /** The entry that was served; `undefined` if the value was loaded. */
  entry: Entry | undefined
  /** The flight that the read began or joined. */
  flight: Flight | undefined
}

/** One call, and the record of how its read ends. */
export interface ReadRequest extends LoadRequest {
  /** Filled in when the read ends, for a caller that asks where its value came from. */
  readonly end: ReadEnd | undefined
}

/** Reports a read that has ended; `entry` is what was served, if the value was not loaded. */
export function report(
  recorder: Pick<Recorder, 'read'>,
  { scope, userKey, end }: ReadRequest,
  outcome: ReadOutcome,
  entry: Entry | undefined,
  flight?: Flight,
): void {
  recorder.read(scope, userKey, outcome, entry?.createdAtMs)
  if (end === undefined) return
  end.outcome = outcome
  end.entry = entry
  end.flight = flight
}
