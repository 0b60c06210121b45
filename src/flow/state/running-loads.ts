// Which load a call comes from, so that a loader that waits for itself is told so.
import { AsyncLocalStorage } from 'node:async_hooks'
import { isThenable } from '../../model/thenable.js'
import type { Loading } from './flight.js'

/**
 * Follows loads through whatever they await. Before Node 24 that makes every promise of the process cost several times as much
 * (`AsyncLocalStorage` hooks into each), so it is done only while a load runs: a hit in L1 must not pay for it, and neither must what
 * is done with the value of a loader that answers at once.
 */
export class RunningLoads {
  readonly #storage = new AsyncLocalStorage<Loading>()
  #running = 0

  /** The load in whose course this is called. */
  getStore(): Loading | undefined {
    return this.#running === 0 ? undefined : this.#storage.getStore()
  }

  /** Throws what `load` throws; answers what it answers, at once or later. */
  run<A, R>(loading: Loading, load: (argument: A) => R | Promise<R>, argument: A): R | Promise<R> {
    this.#running++
    let isLater = false
    try {
      const answer = this.#storage.run(loading, load, argument)
      isLater = isThenable(answer)
      return isLater ? this.#followed(answer as Promise<R>) : answer
    } finally {
      if (!isLater) this.#ended()
    }
  }

  async #followed<R>(answer: Promise<R>): Promise<R> {
    try {
      return await answer
    } finally {
      this.#ended()
    }
  }

  #ended(): void {
    this.#running--
    if (this.#running === 0) this.#storage.disable()
  }

  /** Runs `work` as if no load had called it. */
  exit<R>(work: () => R): R {
    return this.#storage.exit(work)
  }
}
