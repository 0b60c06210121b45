// The operations that have begun and not ended, in no order.

/** An operation that knows its index in the `InFlightSet`. */
export interface Placed {
  /** -1 before it was added. */
  place: number
}

/**
 * An array whose items know their index. A Set would be rebuilt again and again when as many items leave it as enter it, and its old
 * tables keep the removed items alive beyond the young generation: with 64 reads of L2 in flight that took a third of the time.
 */
export class InFlightSet<T extends Placed> implements Iterable<T> {
  readonly #items: T[] = []

  add(item: T): void {
    item.place = this.#items.push(item) - 1
  }

  /** Removes `item`. Does nothing if it is not in the set. */
  delete(item: T): void {
    if (this.#items[item.place] !== item) return
    const last = this.#items.pop() as T
    if (last === item) return
    this.#items[item.place] = last
    last.place = item.place
  }

  /** Removes all items and returns them. */
  takeAll(): T[] {
    return this.#items.splice(0)
  }

  get size(): number {
    return this.#items.length
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values()
  }
}
