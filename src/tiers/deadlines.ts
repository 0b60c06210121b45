// The deadlines of what is under way, with one timer for all of them.
import type { AtMs } from '../model/entry.js'
import { InFlightSet, type Placed } from '../model/in-flight-set.js'
import type { Clock, Milliseconds } from '../model/ports.js'
import { clearImmediate, setImmediate } from '../model/time/real-timers.js'

/** Something that must be over at an instant. */
export interface Timed extends Placed {
  readonly dueAtMs: AtMs
  /** Called once, at `dueAtMs` or soon after, unless it was removed before. */
  onDue(): void
}

/** A timer that runs so much too late was held up with the whole process. */
const HELD_UP_MS: Milliseconds = 10

/**
 * Nearly everything ends long before its deadline: a timer of its own for each would be most of its cost. The one timer stands at the
 * earliest deadline when it was set; what has ended since leaves it where it is.
 *
 * When the process was held up (stopped, or its event loop blocked), answers that arrived meanwhile lie in its sockets, and Node runs
 * timers before it reads those: they are heard first, or a healthy server would look like one that hangs.
 */
export class Deadlines<T extends Timed> {
  readonly #inFlight = new InFlightSet<T>()
  #setForMs: AtMs = Number.POSITIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(private readonly clock: Clock) {}

  add(timed: T): void {
    this.#inFlight.add(timed)
    if (timed.dueAtMs < this.#setForMs) this.#set(timed.dueAtMs)
  }

  remove(timed: T): void {
    this.#inFlight.delete(timed)
  }

  /** All that is under way, removed; no timer is left. */
  takeAll(): T[] {
    this.#cancel?.()
    this.#cancel = undefined
    this.#setForMs = Number.POSITIVE_INFINITY
    return this.#inFlight.takeAll()
  }

  #set(atMs: AtMs): void {
    this.#cancel?.()
    this.#setForMs = atMs
    this.#cancel = this.clock.after(atMs - this.clock.nowMs(), this.#look)
  }

  readonly #look = (): void => {
    if (this.clock.nowMs() - this.#setForMs < HELD_UP_MS) {
      this.#check()
      return
    }
    // It runs when the sockets were read. A timer without delay may run before.
    const immediate = setImmediate(this.#check)
    this.#cancel = () => clearImmediate(immediate)
  }

  readonly #check = (): void => {
    const nowMs = this.clock.nowMs()
    this.#cancel = undefined
    this.#setForMs = Number.POSITIVE_INFINITY
    let earliestMs = Number.POSITIVE_INFINITY
    const due: T[] = []
    for (const timed of this.#inFlight) {
      if (timed.dueAtMs <= nowMs) due.push(timed)
      else earliestMs = Math.min(earliestMs, timed.dueAtMs)
    }
    for (const timed of due) this.#inFlight.delete(timed)
    // Before anybody is told: who is told may begin something, with a deadline of its own.
    if (earliestMs < Number.POSITIVE_INFINITY) this.#set(earliestMs)
    for (const timed of due) timed.onDue()
  }
}
