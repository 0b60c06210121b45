// What failed while a question was loaded all the same: counted, and said.
import { emitWarning } from 'node:process'
import { CacheError } from '../model/errors.js'
import type { Milliseconds } from '../model/ports.js'
import { clearTimeout, setTimeout } from '../model/time/real-timers.js'
import type { SemanticPart } from './options.js'

/** The failures of one semantic cache. */
export class Failures {
  readonly #name: string
  readonly #onError: ((error: unknown, part: SemanticPart) => void) | undefined
  readonly #counts: Record<SemanticPart, number> = { embed: 0, index: 0, verify: 0, same: 0, learn: 0 }

  constructor(name: string, onError: ((error: unknown, part: SemanticPart) => void) | undefined) {
    this.#name = name
    this.#onError = onError
  }

  get counts(): Readonly<Record<SemanticPart, number>> {
    return { ...this.#counts }
  }

  /** Never throws. */
  report(part: SemanticPart, error: unknown): void {
    this.#counts[part]++
    try {
      if (this.#onError !== undefined) this.#onError(error, part)
      else if (this.#counts[part] === 1) this.#warn(part, error)
    } catch {
      // A listener that throws must not fail the read that it is told about.
    }
  }

  #warn(part: SemanticPart, error: unknown): void {
    const said = error instanceof Error ? error.message : String(error)
    emitWarning(
      `semantic cache ${this.#name}: ${part} failed (${said}). Questions are loaded meanwhile. Pass onError to see every failure`,
      { type: 'TiercacheWarning' },
    )
  }
}

/** Settles as `promise` does, or rejects after `ms`. What comes later is ignored. */
export function within<T>(ms: Milliseconds, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new CacheError(
          'LOAD_TIMEOUT',
          `expected ${what} within ${ms} ms; got nothing. Raise timeout, or look at what is slow`,
        ),
      )
    }, ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
