// The end of a cache: in order, within its limit, and only once.
import { CacheError } from '../../model/errors.js'

/** Whether the cache is open, and how it is closed. */
export class Lifecycle {
  #closing: Promise<void> | undefined

  constructor(private readonly end: () => Promise<void>) {}

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  assertOpen(): void {
    if (this.#closing !== undefined) {
      throw new CacheError('CLOSED', 'expected an open cache; close() was called. Make a new one with createCache()')
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.end()
    return this.#closing
  }
}
