// The deadlines of everything in flight, with one timer for all of them.
import type { AtMs } from '../model/entry.js'
import { InFlightSet, type Placed } from '../model/in-flight-set.js'
import type { Clock, Milliseconds } from '../model/ports.js'
import { clearImmediate, setImmediate } from '../model/time/real-timers.js'

/** Something that must be over at an instant. */
export interface Timed extends Placed {
  readonly dueAtMs: AtMs
  /** Called once, at `dueAtMs` or soon after, when it has been removed, unless it was removed before. Never if `dueAtMs` is Infinity. */
  onDue(): void
}

/** If the timer runs this much too late, the whole process was delayed. */
const DELAYED_MS: Milliseconds = 10

/**
 * Nearly every operation ends long before its deadline, and a timer of its own would be most of its cost. The one timer is set for the
 * deadline that is earliest at that time. It stays there when that operation ends.
 *
 * While the process was stopped or its event loop blocked, replies may have arrived in its sockets, and Node runs timers before it reads
 * them. So they are read before anything is given up; otherwise a healthy server would look like one that hangs.
 */
export class Deadlines<T extends Timed> implements Iterable<T> {
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

  [Symbol.iterator](): IterableIterator<T> {
    return this.#inFlight[Symbol.iterator]()
  }

  /** Removes and returns everything in flight, and cancels the timer. */
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
    if (this.clock.nowMs() - this.#setForMs < DELAYED_MS) {
      this.#check()
      return
    }
    // An immediate runs after the sockets were read. A timer without delay might run before.
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
    // Before `onDue`, which may begin another operation, with a deadline of its own.
    if (earliestMs < Number.POSITIVE_INFINITY) this.#set(earliestMs)
    for (const timed of due) timed.onDue()
  }
}
