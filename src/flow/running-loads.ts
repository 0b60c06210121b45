// Which load a call comes from, so that a loader that waits for itself is told so.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Loading } from './flight.js'

/**
 * Follows loads through whatever they await. Before Node 24 that makes every promise of the process cost about twice as much
 * (`AsyncLocalStorage` hooks into each), so it is done only while a load runs: a hit in L1 must not pay for it.
 */
export class RunningLoads {
  readonly #storage = new AsyncLocalStorage<Loading>()
  #running = 0
  #isEnding = false
  readonly #end = () => {
    this.#isEnding = false
    if (this.#running === 0) this.#storage.disable()
  }

  /** The load in whose course this is called. */
  getStore(): Loading | undefined {
    return this.#running === 0 ? undefined : this.#storage.getStore()
  }

  async run<A, R>(loading: Loading, load: (argument: A) => R | Promise<R>, argument: A): Promise<R> {
    this.#running++
    try {
      return await this.#storage.run(loading, load, argument)
    } finally {
      this.#running--
      // At the end of the turn: a burst of loads switches once.
      if (this.#running === 0 && !this.#isEnding) {
        this.#isEnding = true
        setImmediate(this.#end)
      }
    }
  }

  /** Runs `work` as if no load had called it. */
  exit<R>(work: () => R): R {
    return this.#storage.exit(work)
  }
}
