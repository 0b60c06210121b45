// Which server had each slot of a cluster. A promoted replica may lack its predecessor's last writes, so successors must be noticed.

export class SlotOwners {
  /** For each slot the id of its last known owner. */
  readonly #idBySlot: (string | undefined)[] = []
  readonly #known = new Set<string>()

  /**
   * Notes that the server `id`, which the client names `nodeKey`, owns its slots. Returns whether it is a new server that took over a slot
   * of another one. A slot that moved between known servers took its keys along.
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
    // A long-lived process may see many servers. Only those that own slots matter.
    if (this.#known.size > 1_000) {
      this.#known.clear()
      for (const owner of this.#idBySlot) if (owner !== undefined) this.#known.add(owner)
    }
    return isNew && hadOwner
  }
}
