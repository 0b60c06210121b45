// Many loads, one call: collects the ids whose loads have begun and asks a batch loader for them together.
//
// The idea is DataLoader's (https://github.com/graphql/dataloader): what one tick asks for travels together. Here a cache stands in
// front, and the keys of one tick come through it at different speeds: L1 answers some at once, L2 some after a round trip, and
// of the rest each first gets the right to load. So a batch does not simply leave at the end of the tick in which it began: it
// waits until no get that began together with one of its members is still on its way, and never long.
//
// A batch belongs to no one of its callers, and what stands in the async context of one (a tenant, its rights, its transaction) must
// not decide what the others get. So its loader runs in the context in which the batcher was made.
import { AsyncResource } from 'node:async_hooks'
import { CacheError, show } from '../../model/errors.js'
import type { LoadContext } from '../../model/options/options.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import { atEndOfTick } from '../../model/time/tick.js'
import type { Loading } from '../state/flight.js'
import type { RunningLoads } from '../state/running-loads.js'

/** What a batch loader is given besides the ids. */
export interface BatchContext {
  /** Aborts once nobody waits for any id of the batch any more. */
  readonly signal: AbortSignal
  /** What a loader of single values is given, for each id, in their order: its stale value, its ttl, its tags. */
  readonly each: readonly LoadContext[]
}

/** Loads many values at once: in the order of `ids`, an `Error` where a single id failed. */
export type BatchLoader<Id, V> = (
  ids: readonly Id[],
  context: BatchContext,
) => readonly (V | Error)[] | Promise<readonly (V | Error)[]>

export interface BatcherOptions<Id, V> {
  readonly loadMany: BatchLoader<Id, V>
  /** Used for a batch of one, if given. */
  readonly load: ((id: Id, context: LoadContext) => V | Promise<V>) | undefined
  readonly maxBatch: number
  /** How long a batch collects from its first member on; 0: as the head of this file says. */
  readonly windowMs: Milliseconds
  readonly clock: Clock
  readonly running: RunningLoads
  /** In whose async context the loaders run: `'made'`, that in which the batcher was made, or that of a batch's first caller. */
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
  onTheirWay: number
}

/** How long a batch waits for gets that began with it: some may wait for the load of another process. */
const LONGEST_WAIT_MS: Milliseconds = 5

export class Batcher<Id, V> {
  readonly #options: BatcherOptions<Id, V>
  #waiting: Waiting<Id, V>[] = []
  /** Bursts of which some wait here and some are on their way. */
  readonly #incomplete = new Set<Burst>()
  /** The burst of the present tick. */
  #burst: Burst | undefined
  #isLookingAtEndOfTick = false
  #cancelTimer: (() => void) | undefined
  /** Where the next batch runs; `undefined` while its first caller decides that. */
  #context: AsyncResource | undefined

  constructor(options: BatcherOptions<Id, V>) {
    this.#options = options
    if (options.context !== 'caller') this.#context = presentContext()
  }

  /**
   * A get begins that may need a load; the batch of those that begin in the same tick waits for it. Of the two functions one must be
   * called: `load` where the load begins, `settled` where none was needed or it is over. Whatever is called later changes nothing.
   */
  expect(): { readonly load: (id: Id, context: LoadContext) => Promise<V>; readonly settled: () => void } {
    const burst = this.#presentBurst()
    burst.onTheirWay++
    let isOnItsWay = true
    const arrive = () => {
      if (!isOnItsWay) return
      isOnItsWay = false
      burst.onTheirWay--
      if (burst.onTheirWay === 0 && this.#incomplete.delete(burst)) this.#lookAtEndOfTick()
    }
    return {
      load: (id, context) => {
        arrive()
        if (burst.onTheirWay > 0) this.#incomplete.add(burst)
        return this.load(id, context)
      },
      settled: arrive,
    }
  }

  #presentBurst(): Burst {
    if (this.#burst !== undefined) return this.#burst
    atEndOfTick(() => {
      this.#burst = undefined
    })
    this.#burst = { onTheirWay: 0 }
    return this.#burst
  }

  /** Adds one load to the present batch. Rejects with what the batch loader threw, or answered in its place. */
  load(id: Id, context: LoadContext): Promise<V> {
    return new Promise((resolve, reject) => {
      const loading = this.#options.running.getStore()
      this.#context ??= presentContext()
      this.#waiting.push({ id, context, loading, resolve, reject })
      if (this.#waiting.length >= this.#options.maxBatch) this.#send()
      else this.#lookAtEndOfTick()
    })
  }

  #lookAtEndOfTick(): void {
    if (this.#isLookingAtEndOfTick) return
    this.#isLookingAtEndOfTick = true
    atEndOfTick(() => {
      this.#isLookingAtEndOfTick = false
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
    const context = this.#context ?? presentContext()
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
    // Each load waits for the batch, and the batch for what its loader asks the cache for: so a cycle is seen.
    const batch: Loading = { waitsFor: new Set() }
    for (const { loading } of waiting) loading?.waitsFor.add(batch)
    const ids = waiting.map(({ id }) => id)
    try {
      const context = new Context(waiting.map((one) => one.context))
      const answers = await running.run(batch, async (given) => this.#options.loadMany(ids, given), context)
      if (!Array.isArray(answers) || answers.length !== ids.length) throw mismatch(answers, ids.length)
      waiting.forEach(({ resolve, reject }, i) => {
        const answer = answers[i] as V | Error
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      })
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    } finally {
      for (const { loading } of waiting) loading?.waitsFor.delete(batch)
    }
  }
}

function presentContext(): AsyncResource {
  // Nothing is to be destroyed, so nothing has to watch for its end.
  return new AsyncResource('tiercache.batch', { requireManualDestroy: true })
}

class Context implements BatchContext {
  #signal: AbortSignal | undefined

  constructor(readonly each: readonly LoadContext[]) {}

  /** Made only when the loader looks at it: most do not. */
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

function mismatch(answers: unknown, count: number): CacheError {
  return new CacheError(
    'BATCH_MISMATCH',
    `the batch loader must answer an array with one result per key, in their order: expected ${count}; got ${
      Array.isArray(answers) ? `${answers.length}` : typeof answers === 'string' ? 'a text' : show(answers)
    }. Put undefined where a key has no value, and an Error where it failed`,
  )
}
