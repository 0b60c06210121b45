// Filling a cache ahead of its readers: so many reads at once and no more, with a report of what came of them.
import pLimit from 'p-limit'
import { checkCount, checkOptions } from '../../model/option-rules.js'

/** Options of `warm`. */
export interface WarmOptions<T = unknown> {
  /** How many are read or loaded at once. Default 16. */
  readonly concurrency?: number | undefined
  /** Called after each item with what was done so far. */
  readonly onProgress?: ((report: WarmReport<T>) => void) | undefined
  /** Where to go on: the `next` of an earlier report on the same items. Default 0. */
  readonly from?: number | undefined
  /** Stops after the items under way; the report says where. */
  readonly signal?: AbortSignal | undefined
}

/** What came of warming so far. */
export interface WarmReport<T = unknown> {
  /** Found in a tier, or loaded by somebody else meanwhile. */
  readonly hits: number
  readonly loads: number
  /** Loads that failed; the others went on. */
  readonly failed: number
  /** The first hundred of them. */
  readonly failures: readonly { readonly item: T; readonly error: unknown }[]
  /** Every item before this position is done: pass it as `from` to go on after an interruption. */
  readonly next: number
  /** Whether the last item is done. */
  readonly isComplete: boolean
}

/** Brings one item into the cache; says whether it had to be loaded. */
export type Warmer<T> = (item: T) => Promise<'hit' | 'load'>

/** The names of its options. */
export const WARM_OPTIONS: readonly string[] = ['concurrency', 'from', 'signal', 'onProgress']
const DEFAULT_CONCURRENCY = 16
const MAX_FAILURES_KEPT = 100

/**
 * Warms item after item, taking them from `items` only as fast as they are done, so that a cursor over a whole table fits.
 * Rejects only with what `items` or `onProgress` threw, once what was under way is over.
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
  const limit = pLimit(concurrency)
  const progress = new Progress<T>(from)
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  let wake: () => void = () => undefined
  const warmOne = async (item: T, position: number) => {
    progress.add(position, item, await outcomeOf(warm, item))
    onProgress?.(progress.report(false))
  }
  const start = (item: T, position: number) => {
    const task = limit(warmOne, item, position)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .then(() => {
        running.delete(task)
        wake()
      })
    running.add(task)
  }
  let position = 0
  let isComplete = true
  try {
    for await (const item of items) {
      if (signal?.aborted === true || failure !== undefined) {
        isComplete = false
        break
      }
      if (position >= from) start(item, position)
      position++
      // As many wait for their turn as run, so that none is idle while the next items are fetched.
      if (running.size >= 2 * concurrency) await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    await Promise.all(running)
  }
  if (failure !== undefined) throw failure.error
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
  /** Positions done ahead of `#next`: never more than are under way. */
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
