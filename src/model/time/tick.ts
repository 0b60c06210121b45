// Runs work once at the end of the current tick, after everything that the tick still starts.
import { nextTick } from './real-timers.js'

/** A reaction to it is a microtask. `queueMicrotask` would make an async resource for each. */
const SETTLED = Promise.resolve()

/** Whether a batch is being passed on: the tick is at its end. */
let isAtEnd = false

/**
 * Calls `run` when no microtask is left, so that everything that one tick asks for, continuations included, is sent together.
 * First a microtask, so that synchronous code finishes; then `nextTick`, which Node runs only when no microtask is left.
 */
export function atEndOfTick(run: () => void): void {
  void SETTLED.then(() => nextTick(run))
}

/** Calls `run` after everything that runs at the end of the tick, and still before any I/O. */
export function afterEndOfTick(run: () => void): void {
  if (isAtEnd) nextTick(run)
  else atEndOfTick(() => nextTick(run))
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
    isAtEnd = true
    try {
      this.#send(items)
    } finally {
      isAtEnd = false
    }
  }
}
