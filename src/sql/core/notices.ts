// What makes the cache useless is said once for each statement, as a notice of the cache.

import { REPORT } from '../../cache/cache.js'
import type { Cache } from '../../index.js'
import { CacheError } from '../../model/errors.js'

/** Statements that are told apart. */
const MOST_STATEMENTS = 1_000

/** Reports refusals through the events and the log of the cache. Text of a statement may contain data, so only its beginning is shown to `explain`. */
export class Notices {
  readonly #cache: Cache
  readonly #said = new Map<string, string>()

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** Reports that a statement is refused. `refused` is a sentence. */
  refused(text: string, refused: string): void {
    this.#say(text, refused)
  }

  /** Reports that a result was not kept. `why` is the end of "it …". */
  notKept(text: string, why: string): void {
    this.#say(text, `the result of this statement is not kept: it ${why}`)
  }

  /** Why the last result of a statement was not kept in this process, if it was not. */
  lastOf(text: string): string | undefined {
    return this.#said.get(text)
  }

  #say(text: string, sentence: string): void {
    if (this.#said.get(text) === sentence) return
    const oldest = this.#said.size >= MOST_STATEMENTS ? this.#said.keys().next() : undefined
    if (oldest?.value !== undefined) this.#said.delete(oldest.value)
    this.#said.set(text, sentence)
    this.#cache[REPORT](sentence, new CacheError('SQL_REFUSED', sentence))
  }
}
