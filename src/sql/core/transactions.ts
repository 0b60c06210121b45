// Whether results may be kept at all now: not within a transaction, and not while changes of others go unheard.
import { AsyncLocalStorage } from 'node:async_hooks'

/** What forbids to keep results, whatever the statement. */
export class Transactions {
  readonly #within = new AsyncLocalStorage<true>()
  /** Listeners that do not hear the database at the moment. */
  readonly #deaf = new Set<object>()

  /** Why nothing is read from the cache or kept now, as the end of "it …". */
  get bypass(): string | undefined {
    if (this.#within.getStore() === true) return 'was read within a transaction'
    if (this.#deaf.size > 0) return 'was read while the database is not heard (LISTEN was lost)'
    return undefined
  }

  /** Runs `fn`, in which reads pass the cache by. */
  run<T>(fn: () => T): T {
    return this.#within.run(true, fn)
  }

  /** Says whether a listener hears the database. */
  setHearing(listener: object, hears: boolean): void {
    if (hears) this.#deaf.delete(listener)
    else this.#deaf.add(listener)
  }
}
