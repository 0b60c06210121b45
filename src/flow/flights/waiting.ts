// The callers of one flight that may leave before it has a result: on their signal, at their time limit, or with a stale value.
import { CacheError } from '../../model/errors.js'
import { ABORTED, type ReadOutcome, TIMED_OUT } from '../../model/events/read-outcome.js'
import type { Clock, Milliseconds } from '../../model/ports.js'

/** How one caller waits for a flight. */
export interface Waiting {
  readonly signal: AbortSignal | undefined
  /** This caller's own time limit. The flight goes on for the others. */
  readonly limitMs: Milliseconds
  /** After this time a stale value is taken if there is one, and the load goes on in the background. */
  readonly softMs: Milliseconds
  /** The stale value, if there is one. */
  readonly takeStale: () => { readonly value: unknown } | undefined
  /** Set if this caller's read ended in its own way: it left, or took a stale value. */
  outcome: ReadOutcome | undefined
}

/** How a caller waits that takes no stale value. */
export function waitingFor(signal: AbortSignal | undefined, limitMs: Milliseconds): Waiting {
  return { signal, limitMs, softMs: Number.POSITIVE_INFINITY, takeStale: () => undefined, outcome: undefined }
}

/** Whether a caller stays until the flight has a result. */
export function stays({ signal, limitMs, softMs }: Waiting): boolean {
  return signal === undefined && limitMs === Number.POSITIVE_INFINITY && softMs === Number.POSITIVE_INFINITY
}

/** What is waited for. */
export interface Awaited {
  readonly result: Promise<unknown>
  readonly isSettled: boolean
  /** It goes on although nobody waits for it. */
  readonly isKeptAlive: boolean
  keepAlive(): void
}

export class LeavingCallers {
  #count = 0
  /** Callers whose soft timeout passed before there was a stale value. */
  readonly #wantStale = new Set<() => void>()

  constructor(private readonly awaited: Awaited) {}

  /** Waits as one caller. When the last one leaves, `lastLeft` is called, to abort the load. */
  join(waiting: Waiting, clock: Clock, lastLeft: () => void): Promise<unknown> {
    const { signal, limitMs, softMs } = waiting
    const { awaited } = this
    this.#count++
    return new Promise((resolve, reject) => {
      const cancels: (() => void)[] = []
      let isOver = false
      const end = (settle: () => void) => {
        if (isOver) return
        isOver = true
        for (const cancel of cancels) cancel()
        this.#count--
        settle()
      }
      const leave = (error: unknown, outcome: ReadOutcome) => {
        end(() => {
          waiting.outcome = outcome
          reject(error)
        })
        if (this.#count === 0 && !awaited.isKeptAlive && !awaited.isSettled) lastLeft()
      }
      const takeStale = () => {
        const stale = waiting.takeStale()
        if (stale === undefined) {
          // L2 may still have one.
          this.#wantStale.add(takeStale)
          cancels.push(() => this.#wantStale.delete(takeStale))
          return
        }
        awaited.keepAlive()
        end(() => resolve(stale.value))
      }
      if (Number.isFinite(limitMs)) cancels.push(clock.after(limitMs, () => leave(loadTimeout(limitMs), TIMED_OUT)))
      if (Number.isFinite(softMs)) cancels.push(clock.after(softMs, takeStale))
      if (signal !== undefined) {
        const aborted = () => leave(signal.reason, ABORTED)
        signal.addEventListener('abort', aborted, { once: true })
        cancels.push(() => signal.removeEventListener('abort', aborted))
      }
      awaited.result.then(
        (value) => end(() => resolve(value)),
        (error) => end(() => reject(error)),
      )
    })
  }

  /** There is a stale value now. */
  offerStale(): void {
    for (const take of [...this.#wantStale]) take()
  }
}

/** `hardTimeout` passed. */
export function loadTimeout(limitMs: Milliseconds): CacheError {
  return new CacheError(
    'LOAD_TIMEOUT',
    `expected the loader to return within hardTimeout (${limitMs} ms); it did not. Make it faster, raise hardTimeout, ` +
      'or set staleIfError so that a stale value can be served',
  )
}
