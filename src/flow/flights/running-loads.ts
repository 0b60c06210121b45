// Finds the load that a call comes from, so that a loader that would wait for itself gets an error.
import { AsyncLocalStorage } from 'node:async_hooks'
import { isThenable } from '../../model/thenable.js'
import type { Loading } from './loading.js'

/**
 * Follows loads through everything that they await. Before Node 24 that makes every promise of the process several times slower
 * (`AsyncLocalStorage` hooks into each), so it is active only while a load runs. A hit in L1 must not pay for it, nor must the work that
 * follows a loader that returns synchronously.
 */
export class RunningLoads {
  readonly #storage = new AsyncLocalStorage<Loading>()
  #running = 0

  /** The load that the current call comes from. */
  getStore(): Loading | undefined {
    return this.#running === 0 ? undefined : this.#storage.getStore()
  }

  /** Throws what `load` throws, and returns what it returns, a promise included. */
  run<A, R>(loading: Loading, load: (argument: A) => R | Promise<R>, argument: A): R | Promise<R> {
    this.#running++
    let isAsync = false
    try {
      const result = this.#storage.run(loading, load, argument)
      isAsync = isThenable(result)
      return isAsync ? this.#follow(loading, Promise.resolve(result)) : result
    } finally {
      if (!isAsync) this.#ended()
    }
  }

  /** A loader that hangs, or a slot that is never filled, is followed until its flight is aborted. Otherwise the storage would stay enabled. */
  #follow<R>(loading: Loading, result: Promise<R>): Promise<R> {
    let isFollowed = true
    const end = () => {
      if (isFollowed) this.#ended()
      isFollowed = false
    }
    loading.stopFollowing = end
    result.then(end, end)
    return result
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
