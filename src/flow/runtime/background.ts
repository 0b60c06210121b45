// The one guarded place for work that nobody awaits: it is counted, bounded, drained, and can never become an unhandled rejection.
import pLimit from 'p-limit'
import type { BackgroundPolicy } from '../../model/options/cache-policy.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

/** Work that waits for its time, such as writes that are to travel together. */
export interface WaitingWork {
  /** Tries all of it now, once. Never rejects. */
  flush(): Promise<void>
  /** Gives it up; answers how much. */
  end(): number
}

/** Runs work after the caller was answered. */
export class Background {
  /** Counted, not kept: what comes and goes in a Set or Map makes V8 carry the dead along (see `InFlightSet`). */
  #running = 0
  readonly #waitForIdle: (() => void)[] = []
  readonly #waiting: WaitingWork[] = []
  readonly #refreshLimit: ReturnType<typeof pLimit>
  #writes = 0
  #writeBytes = 0
  #isEnded = false

  constructor(
    private readonly policy: BackgroundPolicy,
    private readonly failed: (what: string, error: unknown) => void,
  ) {
    this.#refreshLimit = pLimit(policy.concurrency)
  }

  /** How many pieces of work are under way or wait for their turn. */
  get size(): number {
    return this.#running
  }

  /** Starts `work` now. */
  run(what: string, work: () => Promise<unknown>): void {
    this.#track(start(work), (error) => this.failed(what, error))
  }

  /** Starts `work` now and answers what it does, or `instead` if it fails. */
  guard<T>(what: string, work: () => Promise<T>, instead: T): Promise<T> {
    const result = start(work)
    this.#track(result, (error) => this.failed(what, error))
    return result.catch(() => instead)
  }

  /** Counts work whose caller waits for it and is told of its failure. */
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

  /** Whether one more refresh may wait for its turn. */
  get hasRoomForRefresh(): boolean {
    const { activeCount, pendingCount, concurrency } = this.#refreshLimit
    return !this.#isEnded && (activeCount + pendingCount < concurrency || pendingCount < this.policy.maxPending)
  }

  /** Starts `work` when fewer than `concurrency` refreshes run; after `end()` never. Ask `hasRoomForRefresh` first. */
  refresh(what: string, work: () => Promise<unknown>): void {
    this.run(what, () => this.#refreshLimit(async () => (this.#isEnded ? undefined : work())))
  }

  /**
   * Admits one write of so many bytes to L2. Answers what must be called when it is over, or `undefined` if too much is under way
   * already: then the write is to be given up.
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

  /** `drain()` does not leave it waiting. */
  holds(work: WaitingWork): void {
    this.#waiting.push(work)
  }

  /** Resolves when nothing is under way, work started meanwhile included. */
  async drain(): Promise<void> {
    await Promise.all(this.#waiting.map((work) => work.flush()))
    while (this.#running > 0) await new Promise<void>((resolve) => this.#waitForIdle.push(resolve))
  }

  /** What still waits for its time is given up; answers how much. */
  endWaiting(): number {
    return this.#waiting.reduce((count, work) => count + work.end(), 0)
  }

  /** Refreshes that wait for their turn are given up; answers how many. */
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

/** Whether `work` ended within `limitMs`. */
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
