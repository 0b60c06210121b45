// Runs work once at the end of the current tick, after everything that the tick still starts.
import { nextTick, queueMicrotask } from './real-timers.js'

/**
 * Calls `run` when no microtask is left, so that everything that one tick asks for, continuations included, is sent together.
 * First a microtask, so that synchronous code finishes; then `nextTick`, which Node runs only when no microtask is left.
 */
export function atEndOfTick(run: () => void): void {
  queueMicrotask(() => nextTick(run))
}

/** Collects the items of one tick and passes them all on at its end. */
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
