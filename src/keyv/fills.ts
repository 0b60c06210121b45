// What a `set` of Keyv stores after a miss. Keyv has look-up and fill apart and says of no `set` which miss it belongs to, so they are counted by key.
import { performance } from 'node:perf_hooks'
import { isDeepStrictEqual } from 'node:util'
import type { Cache, FillOptions, Reserved, ReserveOptions } from '../index.js'

/** Keys whose misses are open at the same time. Beyond it, the oldest is forgotten: its `set` is as any other. */
const MAX_FILLS = 10_000

/** The misses of one key that nobody has answered with a `set` yet. */
interface Fill {
  readonly opening: Promise<Reserved<unknown>>
  readonly endsAtMs: number
  misses: number
  /** What was filled, once a `set` has done so. */
  filled: { readonly value: unknown; readonly isStored: Promise<boolean> } | undefined
}

export class Fills {
  readonly #cache: Cache
  readonly #windowMs: number
  readonly #fills = new Map<string, Fill>()

  constructor(cache: Cache, windowMs: number) {
    this.#cache = cache
    this.#windowMs = windowMs
  }

  /** Returns the value of a key, or `undefined` and expects a `set`. */
  async get(key: string, options: ReserveOptions): Promise<unknown> {
    const known = this.#fills.get(key)
    if (known !== undefined && known.endsAtMs > performance.now()) return this.#share(key, known)
    const opening = this.#cache.reserve<unknown>(key, options)
    const fill: Fill = { opening, endsAtMs: performance.now() + this.#windowMs, misses: 1, filled: undefined }
    this.#add(key, fill)
    try {
      const reserved = await opening
      if (!reserved.hit) return undefined
      this.#end(key, fill)
      return reserved.value
    } catch (error) {
      this.#end(key, fill)
      throw error
    }
  }

  /** A `get` while the slot of an earlier one is open: it does not wait for it. */
  async #share(key: string, fill: Fill): Promise<unknown> {
    const reserved = await fill.opening
    if (reserved.hit) return reserved.value
    const found = await this.#cache.lookup(key)
    if (found.found) return found.value
    fill.misses++
    return undefined
  }

  /**
   * Stores what was loaded after a miss. Returns whether it is stored; `undefined` if this `set` belongs to no miss. Of several misses the first
   * `set` fills. If another one has another value, one of them may be outdated and nobody knows which: then neither is kept.
   */
  async fill(key: string, value: unknown, options: FillOptions): Promise<boolean | undefined> {
    const fill = this.#fills.get(key)
    if (fill === undefined) return undefined
    fill.misses--
    if (fill.misses === 0) this.#end(key, fill)
    const reserved = await fill.opening
    if (reserved.hit) return undefined
    const { filled } = fill
    if (filled === undefined) {
      const outcome = reserved.fill(value, options)
      const isStored = outcome.then((stored) => STORED.includes(stored))
      fill.filled = { value, isStored }
      // The window of the slot is over: what came after it is not known.
      return (await outcome) === 'tooLate' ? undefined : isStored
    }
    if (isDeepStrictEqual(filled.value, value)) return filled.isStored
    await this.#cache.delete(key)
    return false
  }

  #add(key: string, fill: Fill): void {
    this.#fills.delete(key)
    this.#fills.set(key, fill)
    if (this.#fills.size <= MAX_FILLS) return
    const [oldest] = this.#fills
    if (oldest !== undefined) this.#release(...oldest)
  }

  /** Ends every slot that is open, so that nothing waits for a `set` any more. */
  release(): void {
    for (const [key, fill] of [...this.#fills]) this.#release(key, fill)
  }

  #release(key: string, fill: Fill): void {
    this.#end(key, fill)
    // A read that failed has no slot.
    fill.opening.then(
      (reserved) => reserved.hit || reserved.release(),
      () => undefined,
    )
  }

  #end(key: string, fill: Fill): void {
    if (this.#fills.get(key) === fill) this.#fills.delete(key)
  }
}

const STORED: readonly string[] = ['all', 'l1', 'l2']
