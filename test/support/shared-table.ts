// A table that several caches read and write as sources, one step at a time, so that every interleaving can be tested.
import type { Cache, Source, SourceDefinition } from 'tiercache'
import { deferred } from 'tiercache/testing'

type Options = Omit<SourceDefinition<number, string>, 'load' | 'loadMany' | 'save' | 'remove'>

/** A change of the table that stops before and after its commit until the test continues it. */
export interface HeldChange {
  /** Whether the cache has called `save` or `remove`. */
  readonly hasBegun: () => boolean
  readonly commit: () => void
  /** Lets the call return, or reject with an error. */
  readonly answer: (error?: Error) => void
}

/** A load that has read the table and returns when the test continues it. */
export interface HeldLoad {
  readonly hasBegun: () => boolean
  readonly answer: () => void
}

export class SharedTable {
  readonly rows = new Map<number, string>()
  loads = 0
  changes = 0
  readonly #heldChanges: { begin: () => void; toCommit: Promise<void>; toAnswer: Promise<Error | undefined> }[] = []
  readonly #heldLoads: { begin: () => void; toAnswer: Promise<void> }[] = []

  constructor(rows: Record<number, string> = { 1: 'first' }) {
    for (const [id, value] of Object.entries(rows)) this.rows.set(Number(id), value)
  }

  sourceOf(cache: Cache, options: Options = {}): Source<number, string | undefined> {
    return cache.source('rows', {
      load: (id: number) => this.#load(id),
      save: (id, value) => this.#change(() => this.rows.set(id, value)),
      remove: (id) => this.#change(() => this.rows.delete(id)),
      ...options,
    })
  }

  /** The next change stops at each step. */
  holdChange(): HeldChange {
    const [toCommit, toAnswer] = [deferred<void>(), deferred<Error | undefined>()]
    let hasBegun = false
    const begin = () => {
      hasBegun = true
    }
    this.#heldChanges.push({ begin, toCommit: toCommit.promise, toAnswer: toAnswer.promise })
    return { hasBegun: () => hasBegun, commit: () => toCommit.resolve(), answer: (error) => toAnswer.resolve(error) }
  }

  /** The next load reads the table at once and returns later. */
  holdLoad(): HeldLoad {
    const toAnswer = deferred<void>()
    let hasBegun = false
    const begin = () => {
      hasBegun = true
    }
    this.#heldLoads.push({ begin, toAnswer: toAnswer.promise })
    return { hasBegun: () => hasBegun, answer: () => toAnswer.resolve() }
  }

  /** Loads that were to be held but have not begun are no longer held. */
  releaseLoads(): void {
    this.#heldLoads.length = 0
  }

  async #load(id: number): Promise<string | undefined> {
    this.loads++
    const value = this.rows.get(id)
    const held = this.#heldLoads.shift()
    held?.begin()
    await held?.toAnswer
    return value
  }

  async #change(commit: () => void): Promise<void> {
    this.changes++
    const held = this.#heldChanges.shift()
    held?.begin()
    await held?.toCommit
    commit()
    const error = await held?.toAnswer
    if (error !== undefined) throw error
  }
}
