// The local keys of what was asked for last in namespaces, sources and wrapped functions: to encode, join and hash a key costs more than the
// rest of a hit.
import type { Space } from '../../model/keys/key.js'

/** Where a key or id means something: each namespace, source and wrapped function is an owner of its own. */
export interface KeyOwner {
  readonly space: Space
}

/** A power of two. */
const SLOTS = 4_096
/** Longer ones, in characters, would make the table large. */
export const LONGEST_RECENT = 128
/** Keys differ most in their last characters. */
const HASHED_CHARACTERS = 8

/**
 * A table of fixed size, in which a key overwrites another one of the same slot. What it returns was noted for exactly this owner and key,
 * so it is only ever absent, never wrong.
 */
export class RecentKeys {
  #owners: (KeyOwner | undefined)[] = []
  #ids: (string | number)[] = []
  #localKeys: string[] = []

  /** The local key of a key or id, if it was noted. */
  of(owner: KeyOwner, id: string | number): string | undefined {
    const slot = slotOf(owner, id)
    return this.#ids[slot] === id && this.#owners[slot] === owner ? this.#localKeys[slot] : undefined
  }

  note(owner: KeyOwner, id: string | number, localKey: string): void {
    // 0 equals -0, which is another id.
    if (id === 0 || localKey.length > 2 * LONGEST_RECENT) return
    if (this.#ids.length === 0) this.#allocate()
    const slot = slotOf(owner, id)
    this.#owners[slot] = owner
    this.#ids[slot] = id
    this.#localKeys[slot] = localKey
  }

  /** Only for the first key: a cache without namespaces, sources and wrapped functions has no table. */
  #allocate(): void {
    this.#owners = new Array<KeyOwner | undefined>(SLOTS).fill(undefined)
    this.#ids = new Array<string | number>(SLOTS).fill('')
    this.#localKeys = new Array<string>(SLOTS).fill('')
  }
}

function slotOf({ space }: KeyOwner, id: string | number): number {
  let hash = space.localPrefix.length
  if (typeof id === 'number') hash = Math.imul(hash ^ id, 0x9e3779b1)
  else {
    for (let i = Math.max(0, id.length - HASHED_CHARACTERS); i < id.length; i++) {
      hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
    }
  }
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}
