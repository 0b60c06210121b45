// Embeddings by text: those of one turn of the event loop are computed in one call, and the cache keeps them.
import { createHash } from 'node:crypto'
import type { Cache } from '../index.js'
import { CacheError } from '../model/errors.js'
import { setImmediate } from '../model/time/real-timers.js'
import { unitVector } from './indexes/vector.js'
import type { EmbedOptions } from './options.js'

interface Waiting {
  readonly text: string
  readonly resolve: (vector: Float32Array) => void
  readonly reject: (error: unknown) => void
}

/** What is used in place of a text in keys and ids, since those are not encrypted. */
export function digestOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

/** The embeddings of one embedder. */
export class Embeddings {
  readonly #cache: Cache
  readonly #embed: EmbedOptions
  readonly #maxBatch: number
  #waiting: Waiting[] = []

  constructor(cache: Cache, embed: EmbedOptions) {
    this.#cache = cache
    this.#embed = embed
    this.#maxBatch = embed.maxBatch ?? 96
  }

  /** Returns the embedding of a text, with length 1. Rejects with what `run` throws. */
  of(text: string): Promise<Float32Array> {
    const { id, dims } = this.#embed
    return this.#cache.getOrSet(`embedding:${digestOf(id, String(dims), text)}`, () => this.#computed(text))
  }

  #computed(text: string): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ text, resolve, reject }) === 1) setImmediate(() => this.#runAll())
    })
  }

  #runAll(): void {
    const all = this.#waiting
    this.#waiting = []
    for (let from = 0; from < all.length; from += this.#maxBatch) void this.#run(all.slice(from, from + this.#maxBatch))
  }

  /** Never rejects: each text has an outcome of its own. */
  async #run(batch: readonly Waiting[]): Promise<void> {
    const { dims, run } = this.#embed
    try {
      const vectors = await run(batch.map(({ text }) => text))
      batch.forEach(({ resolve, reject }, i) => {
        const vector = unitVector(vectors?.[i] as ArrayLike<number>, dims)
        if (vector === undefined) reject(notAnEmbedding(dims, vectors?.[i]))
        else resolve(vector)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}

function notAnEmbedding(dims: number, got: ArrayLike<number> | undefined): CacheError {
  const given = got?.length === dims ? 'other numbers' : `${got?.length ?? 'no'} numbers`
  return new CacheError(
    'INVALID_OPTION',
    `embed.run must return one list of ${dims} finite numbers per text, not all 0; got ${given}. Correct embed.dims, or the order of what it returns`,
  )
}
