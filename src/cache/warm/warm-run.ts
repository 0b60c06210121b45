// Warms many items with bounded concurrency, and reports what happened.
import { checkCount, checkOptions } from '../../model/option-rules.js'

/** Options of `warm`. */
export interface WarmOptions<T = unknown> {
  /** How many items are read or loaded at the same time. Default 16; for a source one batch. */
  readonly concurrency?: number | undefined
  /** Called after each item with the report so far. */
  readonly onProgress?: ((report: WarmReport<T>) => void) | undefined
  /** The position of the first item to warm: `next` of an earlier report on the same items. Default 0. */
  readonly from?: number | undefined
  /** Stops the run after the items under way. The report says where to continue. */
  readonly signal?: AbortSignal | undefined
}

/** What a run of `warm` has done so far. */
export interface WarmReport<T = unknown> {
  /** How many items were found in a tier, or loaded by another caller in the meantime. */
  readonly hits: number
  /** How many items this run loaded. */
  readonly loads: number
  /** How many loads failed. They do not stop the others. */
  readonly failed: number
  /** The first hundred failures. */
  readonly failures: readonly { readonly item: T; readonly error: unknown }[]
  /** Every item before this position is done. Pass it as `from` to continue after an interruption. */
  readonly next: number
  /** Whether all items are done. */
  readonly isComplete: boolean
}

/** Brings one item into the cache, and returns whether it had to be loaded. */
export type Warmer<T> = (item: T) => Promise<'hit' | 'load'>

/** The names of the options of `warm`. */
export const WARM_OPTIONS: readonly string[] = ['concurrency', 'from', 'signal', 'onProgress']
const DEFAULT_CONCURRENCY = 16
const MAX_FAILURES_KEPT = 100

/**
 * Warms all items. It takes an item only when a worker is free for it, so `items` can be a cursor over a whole table.
 * Rejects only with what `items` or `onProgress` threw, after the items under way have ended.
 */
export async function warmAll<T>(
  items: Iterable<T> | AsyncIterable<T>,
  warm: Warmer<T>,
  options: WarmOptions<T> = {},
): Promise<WarmReport<T>> {
  const own = checkOptions(options, WARM_OPTIONS, 'warm')
  const { concurrency = DEFAULT_CONCURRENCY, from = 0, signal, onProgress } = own
  checkCount(concurrency, 'concurrency', 1, Number.POSITIVE_INFINITY)
  checkCount(from, 'from', 0, Number.MAX_SAFE_INTEGER)
  const progress = new Progress<T>(from)
  let isComplete = true
  async function* takeItems(): AsyncGenerator<{ readonly item: T; readonly position: number }> {
    let position = 0
    for await (const item of items) {
      if (signal?.aborted === true) {
        isComplete = false
        return
      }
      if (position >= from) yield { item, position }
      position++
    }
  }
  // One queue for all workers: a generator serves concurrent calls of `next()` one after the other.
  const queue = takeItems()
  const workers: Promise<void>[] = []
  const errors: unknown[] = []
  async function work(): Promise<void> {
    try {
      for await (const { item, position } of queue) {
        if (workers.length < concurrency) workers.push(work())
        progress.add(position, item, await outcomeOf(warm, item))
        onProgress?.(progress.report(false))
      }
    } catch (error) {
      errors.push(error)
    }
  }
  workers.push(work())
  for (const worker of workers) await worker
  if (errors.length > 0) throw errors[0]
  return progress.report(isComplete)
}

type Outcome =
  | { readonly kind: 'hit' }
  | { readonly kind: 'load' }
  | { readonly kind: 'failed'; readonly error: unknown }

async function outcomeOf<T>(warm: Warmer<T>, item: T): Promise<Outcome> {
  try {
    return { kind: await warm(item) }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

class Progress<T> {
  #hits = 0
  #loads = 0
  #failed = 0
  readonly #failures: { item: T; error: unknown }[] = []
  #next: number
  /** Positions after `#next` that are done already. */
  readonly #ahead = new Set<number>()

  constructor(from: number) {
    this.#next = from
  }

  add(position: number, item: T, outcome: Outcome): void {
    if (outcome.kind === 'hit') this.#hits++
    else if (outcome.kind === 'load') this.#loads++
    else {
      this.#failed++
      if (this.#failures.length < MAX_FAILURES_KEPT) this.#failures.push({ item, error: outcome.error })
    }
    this.#ahead.add(position)
    while (this.#ahead.delete(this.#next)) this.#next++
  }

  report(isComplete: boolean): WarmReport<T> {
    return {
      hits: this.#hits,
      loads: this.#loads,
      failed: this.#failed,
      failures: [...this.#failures],
      next: this.#next,
      isComplete,
    }
  }
}
