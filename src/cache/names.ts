// Which names of a cache are taken by what: two things under one name would share entries without knowing of each other.
import { CacheError } from '../model/errors.js'

/** Names of wrapped functions, page lists and the like of one cache, by their scope. */
export class Names {
  readonly #owners = new Map<string, { readonly what: string; readonly owner: unknown }>()

  /**
   * Takes `scope` for `owner`, such as the function that loads its entries; taking it again for the same owner changes nothing.
   * Throws `INVALID_OPTION` if it is somebody else's. `what` names the owner in messages.
   */
  claim(scope: string, what: string, owner: unknown): void {
    const taken = this.#owners.get(scope)
    if (taken === undefined) {
      this.#owners.set(scope, { what, owner })
      return
    }
    if (taken.what === what && taken.owner === owner) return
    throw new CacheError(
      'INVALID_OPTION',
      `the name ${scope} belongs to ${taken.what} already, and ${what} would share its entries. ` +
        'Give it another name; make what you wrap once, not at each call',
    )
  }
}
