// Finds the waiting values that carry a label. Without it, an invalidation of many labels would go through the journal for each.
import type { Label } from '../../model/labels.js'

const NONE: ReadonlySet<string> = new Set()

export class LabelIndex {
  readonly #idsOf = new Map<Label, Set<string>>()

  add(id: string, labels: readonly Label[]): void {
    for (const label of labels) {
      const ids = this.#idsOf.get(label)
      if (ids === undefined) this.#idsOf.set(label, new Set([id]))
      else ids.add(id)
    }
  }

  remove(id: string, labels: readonly Label[]): void {
    for (const label of labels) {
      const ids = this.#idsOf.get(label)
      if (ids?.delete(id) === true && ids.size === 0) this.#idsOf.delete(label)
    }
  }

  clear(): void {
    this.#idsOf.clear()
  }

  /** The ids of the values that carry `label`. */
  with(label: Label): ReadonlySet<string> {
    return this.#idsOf.get(label) ?? NONE
  }
}
