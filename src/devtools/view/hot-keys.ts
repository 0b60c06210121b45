// Finds the keys that are read most, in little memory, however many keys there are.

/**
 * Counts names in a table of `room` places (Misra and Gries, "Finding repeated elements", 1982): a name that finds no place takes one
 * from every count instead. Of n names, each that came more often than n / room is in the table, and its count is at most n / room too
 * low. A step over the whole table is paid by as many earlier additions, so an addition costs the same on average.
 */
export class HotKeys {
  readonly #counts = new Map<string, number>()

  constructor(private readonly room: number) {}

  add(name: string): void {
    const count = this.#counts.get(name)
    if (count !== undefined) this.#counts.set(name, count + 1)
    else if (this.#counts.size < this.room) this.#counts.set(name, 1)
    else this.#takeOneFromAll()
  }

  #takeOneFromAll(): void {
    for (const [name, count] of this.#counts) {
      if (count === 1) this.#counts.delete(name)
      else this.#counts.set(name, count - 1)
    }
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** The `most` names with the highest counts, the highest first. */
  top(most: number): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].sort((a, b) => b[1] - a[1]).slice(0, most)
  }

  clear(): void {
    this.#counts.clear()
  }
}
