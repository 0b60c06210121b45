// The clocks of a cache: of ages, of deadlines, and of the present turn.
import type { Clock } from '../../model/ports.js'
import { AgingClock } from '../../model/time/aging-clock.js'
import { systemClock } from '../../model/time/clock.js'
import { Deadlines, type Timed } from '../../tiers/deadlines.js'
import { TurnClock } from './turn-clock.js'
import { WaitingCallers } from './waiting-callers.js'

export interface Clocks {
  /** Of ages. */
  readonly clock: Clock
  /** What takes real time has real limits, whatever a test does to its own time. */
  readonly deadlineClock: Clock
  /** The clock of what ends a caller's waiting. */
  readonly callers: WaitingCallers
  /** What ends loads that take too long. */
  readonly limits: Deadlines<Timed>
  /** Sampled once per turn of the event loop: for hits only. */
  readonly turnClock: { nowMs(): number }
}

/** A clock of the user's, such as a fake one, is asked every time. */
export function makeClocks(given: Clock | undefined): Clocks {
  const aging = new AgingClock()
  const deadlineClock = given ?? systemClock
  const callers = new WaitingCallers(deadlineClock)
  return {
    clock: given ?? aging,
    deadlineClock,
    callers,
    limits: new Deadlines<Timed>(callers),
    turnClock: given ?? new TurnClock(aging),
  }
}
