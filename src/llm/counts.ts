// What the answers of one cache were worth.
import type { StreamOrigin } from '../index.js'
import type { SavedTokens } from './usage.js'

/** Counters since the start, of this process. */
export interface LlmStats {
  /** Answers that came from the cache. */
  readonly replayed: number
  /** Answers that another caller had asked for, while they came. */
  readonly shared: number
  /** Answers that the model gave. */
  readonly asked: number
  /** Requests that were passed on, because `when` or `scope` says so. */
  readonly passed: number
  /** Tokens that were not used, because an answer was replayed or shared. */
  readonly savedTokens: SavedTokens
}

export class Counts {
  #replayed = 0
  #shared = 0
  #asked = 0
  #passed = 0
  #input = 0
  #output = 0

  came(origin: StreamOrigin): void {
    if (origin === 'loader') this.#asked++
    else if (origin === 'shared') this.#shared++
    else this.#replayed++
  }

  passed(): void {
    this.#passed++
  }

  saved({ input, output }: SavedTokens): void {
    this.#input += input
    this.#output += output
  }

  snapshot(): LlmStats {
    const savedTokens = { input: this.#input, output: this.#output }
    return { replayed: this.#replayed, shared: this.#shared, asked: this.#asked, passed: this.#passed, savedTokens }
  }
}
