// When L2 comes into use, and the callers that wait for it.
import type { AtMs } from '../model/entry.js'
import { CacheError } from '../model/errors.js'
import type { Clock, Milliseconds } from '../model/ports.js'

export interface FirstUseOwner {
  /** L2 is in use for the first time. Called once. */
  connected(tookMs: Milliseconds): void
}

interface Waiting {
  resolve(): void
  reject(error: CacheError): void
}

export class FirstUse {
  readonly #startedAtMs: AtMs
  readonly #waiting = new Set<Waiting>()
  #hasBegun = false
  #lastFailure: Error | undefined

  constructor(
    private readonly clock: Clock,
    private readonly owner: FirstUseOwner,
  ) {
    this.#startedAtMs = clock.nowMs()
  }

  /** L2 is in use. */
  begun(): void {
    this.#lastFailure = undefined
    for (const { resolve } of [...this.#waiting]) resolve()
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.owner.connected(this.clock.nowMs() - this.#startedAtMs)
  }

  /** L2 is not in use, because of `reason`. */
  failed(reason: Error): void {
    this.#lastFailure = reason
  }

  /** Resolves when L2 is in use. Rejects after `limitMs` with the reason why it is not, and with `CLOSED` when the cache is closed. */
  wait(limitMs: Milliseconds, deadlines: Clock): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        cancel()
        this.#waiting.delete(waiting)
      }
      const waiting: Waiting = {
        resolve: () => {
          leave()
          resolve()
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      const cancel = deadlines.after(limitMs, () => waiting.reject(notInUse(limitMs, this.#lastFailure)))
      this.#waiting.add(waiting)
    })
  }

  end(): void {
    const error = new CacheError('CLOSED', 'expected L2 to come into use; the cache was closed')
    for (const { reject } of [...this.#waiting]) reject(error)
  }
}

function notInUse(limitMs: Milliseconds, cause: Error | undefined): CacheError {
  const code = cause instanceof CacheError ? cause.code : 'L2_UNAVAILABLE'
  const why = cause === undefined ? 'it is still connecting' : cause.message
  return new CacheError(code, `expected L2 to be in use within ${limitMs} ms; ${why}`, { cause })
}
