// The clocks of a cache: for ages, for deadlines, and for the current turn of the event loop.
import type { Clock } from '../../model/ports.js'
import { AgingClock } from '../../model/time/aging-clock.js'
import { systemClock } from '../../model/time/clock.js'
import { TurnClock } from './turn-clock.js'
import { WaitingCallers } from './waiting-callers.js'

export interface Clocks {
  /** For the ages of entries. */
  readonly clock: Clock
  /** For deadlines: real work needs real limits, even in a test that fakes the timers of Node. */
  readonly deadlineClock: Clock
  /** The clock for timers that end a caller's wait. */
  readonly callers: WaitingCallers
  /** Sampled once per turn of the event loop; for hits only. */
  readonly turnClock: { nowMs(): number }
}

/** A clock that the user passes, such as a fake one, is read every time and not once per turn. */
export function makeClocks(given: Clock | undefined): Clocks {
  const aging = new AgingClock()
  const deadlineClock = given ?? systemClock
  const callers = new WaitingCallers(deadlineClock)
  return {
    clock: given ?? aging,
    deadlineClock,
    callers,
    turnClock: given ?? new TurnClock(aging),
  }
}
