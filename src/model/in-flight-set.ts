// What has begun and not ended, in no order.

/** Knows where `InFlightSet` has it. */
export interface Placed {
  /** -1 before it was added. */
  place: number
}

/**
 * An array in which each thing knows its place. A Set from which as much goes as comes is rebuilt again and again, and its earlier
 * tables keep what has gone alive beyond the young generation: with 64 reads of L2 in flight that was a third of the time.
 */
export class InFlightSet<T extends Placed> implements Iterable<T> {
  readonly #things: T[] = []

  add(thing: T): void {
    thing.place = this.#things.push(thing) - 1
  }

  /** What is not there is left alone. */
  delete(thing: T): void {
    if (this.#things[thing.place] !== thing) return
    const last = this.#things.pop() as T
    if (last === thing) return
    this.#things[thing.place] = last
    last.place = thing.place
  }

  /** All of it, removed. */
  takeAll(): T[] {
    return this.#things.splice(0)
  }

  get size(): number {
    return this.#things.length
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#things.values()
  }
}
