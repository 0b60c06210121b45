// Which server had each slot of a cluster, so that a successor is noticed: a promoted replica may lack its predecessor's last writes.

export class SlotOwners {
  /** Per slot the id of the server last seen to own it. */
  readonly #idBySlot: (string | undefined)[] = []
  readonly #known = new Set<string>()

  /**
   * Notes that the server `id`, which the client calls `nodeKey`, owns its slots. Answers whether it is a newcomer among slots that
   * had an owner before. A slot that moved between servers already known took its keys along.
   */
  took(id: string, nodeKey: string, slots: readonly (readonly string[] | undefined)[]): boolean {
    const isNew = !this.#known.has(id)
    let hadOwner = false
    for (let slot = 0; slot < slots.length; slot++) {
      if (slots[slot]?.[0] !== nodeKey) continue
      if (this.#idBySlot[slot] !== undefined && this.#idBySlot[slot] !== id) hadOwner = true
      this.#idBySlot[slot] = id
    }
    this.#known.add(id)
    // Servers come and go for years in some places; only those that own slots matter.
    if (this.#known.size > 1_000) {
      this.#known.clear()
      for (const owner of this.#idBySlot) if (owner !== undefined) this.#known.add(owner)
    }
    return isNew && hadOwner
  }
}
