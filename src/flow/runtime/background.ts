// The one place for work that no caller awaits. It is counted, bounded and drained, and never becomes an unhandled rejection.
import pLimit from 'p-limit'
import type { BackgroundPolicy } from '../../model/options/cache-policy.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

/** Work that starts later, such as writes that are collected to be sent together. */
export interface WaitingWork {
  /** Tries all of it now, once. Never rejects. */
  flush(): Promise<void>
  /** Gives all of it up. Returns how much it was. */
  end(): number
}

/** Runs work that goes on after its caller has a result, and counts what must end before the cache is drained. */
export class Background {
  /** A count instead of a Set: V8 keeps the dead entries of a busy Set or Map alive (see `InFlightSet`). */
  #running = 0
  readonly #waitForIdle: (() => void)[] = []
  readonly #waiting: WaitingWork[] = []
  readonly #refreshLimit: ReturnType<typeof pLimit>
  #writes = 0
  #writeBytes = 0
  #isEnded = false

  constructor(
    private readonly policy: BackgroundPolicy,
    /** Reports work that failed. */
    readonly failed: (what: string, error: unknown) => void,
  ) {
    this.#refreshLimit = pLimit(policy.concurrency)
  }

  /** How many pieces of work run or wait for a free place. */
  get size(): number {
    return this.#running
  }

  /** Work begins that calls `ended` when it is over. */
  began(): void {
    this.#running++
  }

  /** Work that was counted by `began` is over. */
  ended(): void {
    this.#ended()
  }

  /** Starts `work` now. */
  run(what: string, work: () => Promise<unknown>): void {
    this.#track(start(work), (error) => this.failed(what, error))
  }

  /** Starts `work` now. Returns its result, or `instead` if it fails. */
  guard<T>(what: string, work: () => Promise<T>, instead: T): Promise<T> {
    const result = start(work)
    this.#track(result, (error) => this.failed(what, error))
    return result.catch(() => instead)
  }

  /** Counts work whose caller waits for it and handles its failure. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#track(work, () => undefined)
    return work
  }

  #track(work: Promise<unknown>, failed: (error: unknown) => void): void {
    this.#running++
    work.then(this.#ended, (error: unknown) => {
      failed(error)
      this.#ended()
    })
  }

  readonly #ended = (): void => {
    this.#running--
    if (this.#running === 0) for (const resolve of this.#waitForIdle.splice(0)) resolve()
  }

  /** Whether one more refresh may run or wait for a free place. */
  get hasRoomForRefresh(): boolean {
    const { activeCount, pendingCount, concurrency } = this.#refreshLimit
    return !this.#isEnded && (activeCount + pendingCount < concurrency || pendingCount < this.policy.maxPending)
  }

  /** Starts `work` once fewer than `concurrency` refreshes run; never after `end()`. Check `hasRoomForRefresh` first. */
  refresh(what: string, work: () => Promise<unknown>): void {
    this.run(what, () => this.#refreshLimit(async () => (this.#isEnded ? undefined : work())))
  }

  /**
   * Admits one write of `bytes` bytes to L2. Returns a function to call when the write is over, or `undefined` if too many writes
   * are in flight: then the caller must give this one up.
   */
  admitWrite(bytes: number): (() => void) | undefined {
    if (this.#writes >= this.policy.maxPending || this.#writeBytes + bytes > this.policy.maxBytes) return undefined
    this.#writes++
    this.#writeBytes += bytes
    return () => {
      this.#writes--
      this.#writeBytes -= bytes
    }
  }

  /** From now on `drain()` flushes this work, too. */
  holds(work: WaitingWork): void {
    this.#waiting.push(work)
  }

  /** Resolves when no work is left, including work that was started meanwhile. */
  async drain(): Promise<void> {
    await Promise.all(this.#waiting.map((work) => work.flush()))
    while (this.#running > 0) await new Promise<void>((resolve) => this.#waitForIdle.push(resolve))
  }

  /** Gives up the work that has not started. Returns how much it was. */
  endWaiting(): number {
    return this.#waiting.reduce((count, work) => count + work.end(), 0)
  }

  /** Gives up the refreshes that have not started. Returns how many there were. */
  end(): number {
    this.#isEnded = true
    return this.#refreshLimit.pendingCount
  }
}

function start<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Whether `work` settles within `limitMs`. */
export function endsWithin(work: Promise<unknown>, limitMs: Milliseconds, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => resolve(false))
    const ended = () => {
      cancel()
      resolve(true)
    }
    work.then(ended, ended)
  })
}
