// What a transaction changed so far: announced after its commit, forgotten at its rollback, with savepoints in between.
import type { Writes } from './writes.js'

/** Tags that become known soon: the order of statements is that of their `add`. */
type Pending = Promise<readonly string[]>

/** The changes of one transaction. */
export class Changes {
  readonly #writes: Writes
  readonly #pending: Pending[] = []
  /** Savepoints from the outermost to the innermost, with the number of changes before each. */
  readonly #savepoints: { readonly name: string; readonly at: number }[] = []

  constructor(writes: Writes) {
    this.#writes = writes
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0
  }

  /** Adds what a statement changes. */
  add(tags: Pending): void {
    this.#pending.push(tags)
  }

  /** Begins a savepoint. One of the same name hides an earlier one. */
  savepoint(name: string): void {
    this.#savepoints.push({ name, at: this.#pending.length })
  }

  /** Ends a savepoint and those within it; what they changed belongs to what is around them. */
  release(name: string): void {
    const index = this.#indexOf(name)
    if (index !== -1) this.#savepoints.length = index
  }

  /** Forgets what was changed since a savepoint, which stays. An unknown name forgets nothing. */
  rollbackTo(name: string): void {
    const index = this.#indexOf(name)
    const savepoint = this.#savepoints[index]
    if (savepoint === undefined) return
    this.#savepoints.length = index + 1
    this.#pending.length = savepoint.at
  }

  /** Announces everything: after a commit, or after an end that nobody knows. */
  async commit(): Promise<void> {
    const tags = await Promise.all(this.#take())
    await this.#writes.announce(tags.flat())
  }

  /** Forgets everything: after a rollback. */
  drop(): void {
    this.#take()
  }

  #take(): Pending[] {
    this.#savepoints.length = 0
    return this.#pending.splice(0)
  }

  #indexOf(name: string): number {
    return this.#savepoints.findLastIndex((savepoint) => savepoint.name === name)
  }
}
