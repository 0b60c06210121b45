// A slot of `reserve` that ends without a fill: its flight serves nobody, and whoever waited for it starts anew.

import type { Flight } from '../flights/flight.js'
import type { LocalState } from '../state/local-state.js'

/** The reason with which a released flight rejects. It never reaches a caller. */
export const RELEASED = new DOMException('the slot was released, or its time limit passed', 'AbortError')

/** Ends the flight of a slot that was not filled. It is detached first, so that those who start anew do not join it again. */
export function releaseSlot(local: Pick<LocalState, 'detachFlight'>, flight: Flight): void {
  if (flight.hasLoaded) return
  local.detachFlight(flight)
  flight.abort(RELEASED)
}
