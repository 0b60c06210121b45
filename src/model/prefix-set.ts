// Whether a text begins with one of many prefixes: one look-up for each text, however many prefixes there are.

export class PrefixSet {
  /** In ascending order; none begins with another one. */
  readonly #sorted: readonly string[]

  constructor(prefixes: readonly string[]) {
    const sorted: string[] = []
    for (const prefix of [...prefixes].sort()) {
      const last = sorted.at(-1)
      if (last === undefined || !prefix.startsWith(last)) sorted.push(prefix)
    }
    this.#sorted = sorted
  }

  /** What `text` begins with is at most `text`, and nothing of the set lies in between: else that would begin with it, too. */
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
