// Many prefixes that a text is compared with in one binary search.

/** Says whether a text begins with one of its prefixes. */
export class PrefixSet {
  /** In ascending order; no prefix begins with another one. */
  readonly #sorted: readonly string[]

  constructor(prefixes: readonly string[]) {
    const sorted: string[] = []
    for (const prefix of [...prefixes].sort()) {
      const last = sorted.at(-1)
      if (last === undefined || !prefix.startsWith(last)) sorted.push(prefix)
    }
    this.#sorted = sorted
  }

  /**
   * Whether `text` begins with one of the prefixes. That prefix would be the greatest one that is not greater than `text`: any prefix
   * between the two would begin with it, and none does.
   */
  covers(text: string): boolean {
    let from = 0
    let to = this.#sorted.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((this.#sorted[middle] as string) <= text) from = middle + 1
      else to = middle
    }
    return from > 0 && text.startsWith(this.#sorted[from - 1] as string)
  }
}
