// Many loads, one call: collects the ids of the loads that have begun, and passes them to a batch loader together.
//
// The idea is DataLoader's (https://github.com/graphql/dataloader): the loads of one tick go into one call. But here a cache comes
// first, and the keys of one tick pass through it at different speeds: L1 has some at once, L2 has some after a round trip, and each
// of the rest must first get the right to load. So a batch is not simply sent at the end of the tick in which it began. It waits until
// no get of the same tick as one of its members is pending, but never for long.
//
// A batch serves several callers, and the async context of one of them (its tenant, its rights, its transaction) must not decide what
// the others get. So its loader runs in the context in which the batcher was made, unless `context` says otherwise.
import { AsyncResource } from 'node:async_hooks'
import { CacheError, show } from '../../model/errors.js'
import type { LoadContext } from '../../model/options/options.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import { atEndOfTick } from '../../model/time/tick.js'
import type { Loading } from '../flights/loading.js'
import type { RunningLoads } from '../flights/running-loads.js'

/** What a batch loader receives beside the ids. */
export interface BatchContext {
  /** Aborts once no caller waits for any id of the batch. */
  readonly signal: AbortSignal
  /** The context of each id, in the order of the ids. It is what a loader of single values receives: stale value, `ttl()`, `tags()`, … */
  readonly each: readonly LoadContext[]
}

/**
 * Loads many values in one call. Returns one result per id, in the order of `ids`: the value, or an `Error` for an id that failed alone.
 * Another number of results rejects all callers with `BATCH_MISMATCH`. What the loader throws reaches all callers.
 */
export type BatchLoader<Id, V> = (
  ids: readonly Id[],
  context: BatchContext,
) => readonly (V | Error)[] | Promise<readonly (V | Error)[]>

export interface BatcherOptions<Id, V> {
  readonly loadMany: BatchLoader<Id, V>
  /** Used for a batch of one, if given. */
  readonly load: ((id: Id, context: LoadContext) => V | Promise<V>) | undefined
  readonly maxBatch: number
  /** How long a batch collects after its first member. 0: as long as the head of this file says. */
  readonly windowMs: Milliseconds
  readonly clock: Clock
  readonly running: RunningLoads
  /** The async context in which loaders run: that in which the batcher was made, or that of a batch's first caller. */
  readonly context: 'made' | 'caller'
}

interface Waiting<Id, V> {
  readonly id: Id
  readonly context: LoadContext
  readonly loading: Loading | undefined
  readonly resolve: (value: V | Promise<V>) => void
  readonly reject: (error: unknown) => void
}

/** Gets that began in the same tick. */
interface Burst {
  pendingGets: number
}

/** The longest that a batch waits for gets of the same tick: some of them may wait for the load of another process. */
const LONGEST_WAIT_MS: Milliseconds = 5

export class Batcher<Id, V> {
  readonly #options: BatcherOptions<Id, V>
  #waiting: Waiting<Id, V>[] = []
  /** Bursts with some gets in this batch and some pending. */
  readonly #incomplete = new Set<Burst>()
  /** The burst of the current tick. */
  #burst: Burst | undefined
  #isCheckScheduled = false
  #cancelTimer: (() => void) | undefined
  /** The context of the next batch; `undefined` until its first caller determines it. */
  #context: AsyncResource | undefined

  constructor(options: BatcherOptions<Id, V>) {
    this.#options = options
    if (options.context !== 'caller') this.#context = currentContext()
  }

  /**
   * A get begins that may need a load, and the batch of its tick waits for it. One of the two functions must be called: `load` when the
   * load begins, `settled` when none was needed or the get is over. `settled` may also follow `load`; then it changes nothing.
   */
  expect(): { readonly load: (id: Id, context: LoadContext) => Promise<V>; readonly settled: () => void } {
    const burst = this.#currentBurst()
    burst.pendingGets++
    let isPending = true
    const arrive = () => {
      if (!isPending) return
      isPending = false
      burst.pendingGets--
      if (burst.pendingGets === 0 && this.#incomplete.delete(burst)) this.#checkAtEndOfTick()
    }
    return {
      load: (id, context) => {
        arrive()
        if (burst.pendingGets > 0) this.#incomplete.add(burst)
        return this.load(id, context)
      },
      settled: arrive,
    }
  }

  #currentBurst(): Burst {
    if (this.#burst !== undefined) return this.#burst
    atEndOfTick(() => {
      this.#burst = undefined
    })
    this.#burst = { pendingGets: 0 }
    return this.#burst
  }

  /** Adds one load to the current batch. Rejects with what the batch loader threw, or with the `Error` that it returned for this id. */
  load(id: Id, context: LoadContext): Promise<V> {
    return new Promise((resolve, reject) => {
      const loading = this.#options.running.getStore()
      this.#context ??= currentContext()
      this.#waiting.push({ id, context, loading, resolve, reject })
      if (this.#waiting.length >= this.#options.maxBatch) this.#send()
      else this.#checkAtEndOfTick()
    })
  }

  #checkAtEndOfTick(): void {
    if (this.#isCheckScheduled) return
    this.#isCheckScheduled = true
    atEndOfTick(() => {
      this.#isCheckScheduled = false
      this.#sendOrWait()
    })
  }

  #sendOrWait(): void {
    const { windowMs, clock } = this.#options
    if (this.#waiting.length === 0) return
    if (windowMs === 0 && this.#incomplete.size === 0) this.#send()
    else this.#cancelTimer ??= clock.after(windowMs === 0 ? LONGEST_WAIT_MS : windowMs, () => this.#send())
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#incomplete.clear()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (waiting.length > 0) this.#takeContext().runInAsyncScope(() => this.#load(waiting))
  }

  #takeContext(): AsyncResource {
    const context = this.#context ?? currentContext()
    if (this.#options.context === 'caller') this.#context = undefined
    return context
  }

  #load(waiting: readonly Waiting<Id, V>[]): void {
    const { load, running } = this.#options
    const [first] = waiting
    if (waiting.length === 1 && first !== undefined && load !== undefined) this.#loadOne(first, load)
    else void this.#loadMany(waiting, running)
  }

  #loadOne({ id, context, loading, resolve }: Waiting<Id, V>, load: NonNullable<BatcherOptions<Id, V>['load']>): void {
    const call = async () => load(id, context)
    resolve(loading === undefined ? call() : this.#options.running.run(loading, call, undefined))
  }

  async #loadMany(waiting: readonly Waiting<Id, V>[], running: RunningLoads): Promise<void> {
    // Each load waits for the batch, and the batch for the loads that its loader needs. So a cycle is found.
    const batch: Loading = { waitsFor: new Set() }
    for (const { loading } of waiting) loading?.waitsFor.add(batch)
    const ids = waiting.map(({ id }) => id)
    try {
      const context = new Context(waiting.map((one) => one.context))
      const results = await running.run(batch, async (given) => this.#options.loadMany(ids, given), context)
      if (!Array.isArray(results) || results.length !== ids.length) throw mismatch(results, ids.length)
      waiting.forEach(({ resolve, reject }, i) => {
        const result = results[i] as V | Error
        if (result instanceof Error) reject(result)
        else resolve(result)
      })
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    } finally {
      for (const { loading } of waiting) loading?.waitsFor.delete(batch)
    }
  }
}

function currentContext(): AsyncResource {
  // No destroy hook has to run, so Node need not watch its garbage collection.
  return new AsyncResource('tiercache.batch', { requireManualDestroy: true })
}

class Context implements BatchContext {
  #signal: AbortSignal | undefined

  constructor(readonly each: readonly LoadContext[]) {}

  /** Created only when the loader reads it: most do not. */
  get signal(): AbortSignal {
    this.#signal ??= whenAllAbort(this.each.map(({ signal }) => signal))
    return this.#signal
  }
}

function whenAllAbort(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  let left = signals.length
  for (const signal of signals) {
    const leave = () => {
      left--
      if (left === 0) controller.abort(signal.reason)
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  }
  return controller.signal
}

function mismatch(results: unknown, count: number): CacheError {
  return new CacheError(
    'BATCH_MISMATCH',
    `the batch loader must return an array with one result per key, in their order: expected ${count}; got ${
      Array.isArray(results) ? `${results.length}` : typeof results === 'string' ? 'a string' : show(results)
    }. Put undefined where a key has no value, and an Error where it failed`,
  )
}
