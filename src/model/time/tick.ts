// Runs work once at the end of the present turn, after everything that the turn still issues.
import { nextTick, queueMicrotask } from './real-timers.js'

/**
 * Calls `run` when the running microtasks have settled: what one tick asks for, continuations included, then travels together.
 * A microtask first (so that a synchronous caller finishes), then `nextTick`, which Node runs only when no microtask is left.
 */
export function atEndOfTick(run: () => void): void {
  queueMicrotask(() => nextTick(run))
}

/** Collects what one tick asks for and hands all of it over at its end. */
export class TickBatch<T> {
  #items: T[] = []
  readonly #send: (items: readonly T[]) => void

  constructor(send: (items: readonly T[]) => void) {
    this.#send = send
  }

  add(item: T): void {
    if (this.#items.push(item) === 1) atEndOfTick(this.#flush)
  }

  readonly #flush = (): void => {
    const items = this.#items
    this.#items = []
    this.#send(items)
  }
}
