// Finds the stored question that may answer another one.
import type { Cache } from '../index.js'
import { type Failures, within } from './failures.js'
import { similarityOf } from './indexes/vector.js'
import type { Candidate } from './indexes/vector-index.js'
import { type EntryRecord, isSimilar } from './observation.js'
import type { SemanticRules } from './options.js'

/** A question and its answer as the cache keeps them. The text and the vector are here, not in the index, so that they are encrypted with it. */
export interface Kept<V> {
  readonly question: string
  readonly vector: Float32Array | undefined
  readonly value: V
}

/** A question on its way. */
export interface Asked {
  readonly text: string
  /** Stands for the text in its scope. */
  readonly id: string
  readonly scope: string
  readonly vector: Float32Array
}

/** A stored question that agrees. */
export interface Found<V> {
  readonly id: string
  readonly kept: Kept<V>
  readonly similarity: number
  /** Whether it would be served: it is similar enough. */
  readonly isHit: boolean
}

/** Similar questions are observed from here on, so that a threshold below the present one can be found. */
const OBSERVED_FROM = 0.5

/** A missing entry may be on its way into L2, so its id leaves the index only if it is still missing after this time. */
const MISSING_MS = 5_000
const MAX_MISSING = 1_000

export const entryKey = (scope: string, id: string) => `answer:${scope}:${id}`
export const recordKey = (scope: string, id: string) => `record:${scope}:${id}`
export const rejectionKey = (scope: string, pair: string) => `rejected:${scope}:${pair}`
/** The pair is the same whichever of the two was asked first. */
export const pairOf = (a: string, b: string) => (a < b ? `${a}.${b}` : `${b}.${a}`)

/** The search in one semantic cache. */
export class Search<V> {
  readonly #cache: Cache
  readonly #rules: Pick<
    SemanticRules<V, never>,
    'index' | 'candidates' | 'threshold' | 'guard' | 'maxErrorRate' | 'timeoutMs'
  >
  readonly #failures: Failures
  readonly #onDisagreement: (reason: string) => void
  readonly #missingSinceMs = new Map<string, number>()

  constructor(
    cache: Cache,
    rules: SemanticRules<V, never>,
    failures: Failures,
    onDisagreement: (reason: string) => void,
  ) {
    this.#cache = cache
    this.#rules = rules
    this.#failures = failures
    this.#onDisagreement = onDisagreement
  }

  /** Returns the nearest stored question that agrees, was not rejected, and whose answer is current; `undefined` if there is none. Never rejects. */
  async find(asked: Asked): Promise<Found<V> | undefined> {
    const candidates = await this.#candidates(asked)
    const found = await this.#ofCache(asked, candidates)
    found.sort((a, b) => b.similarity - a.similarity)
    for (const one of found) {
      const reason = this.#rules.guard(asked.text, one.kept.question)
      if (reason === undefined) return one
      if (one.similarity >= this.#rules.threshold) this.#onDisagreement(reason)
    }
    return undefined
  }

  async #candidates({ scope, vector, id }: Asked): Promise<readonly Candidate[]> {
    const { index, candidates, timeoutMs } = this.#rules
    try {
      // One more, since the question itself may be among them.
      const search = (async () => index.search(scope, vector, candidates + 1))()
      const found = await within(timeoutMs, 'the index to find something', search)
      return found.filter((one) => one.id !== id)
    } catch (error) {
      this.#failures.report('index', error)
      return []
    }
  }

  async #ofCache({ scope, id, vector }: Asked, candidates: readonly Candidate[]): Promise<Found<V>[]> {
    if (candidates.length === 0) return []
    const { threshold, maxErrorRate } = this.#rules
    const keys = candidates.flatMap((one) => [
      ...[entryKey(scope, one.id), rejectionKey(scope, pairOf(id, one.id)), recordKey(scope, one.id)],
    ])
    const values = await this.#cache.getMany(keys)
    const gone: string[] = []
    const found = candidates.flatMap((one, i) => {
      const kept = values[3 * i] as Kept<V> | undefined
      const record = values[3 * i + 2] as EntryRecord | undefined
      if (kept?.vector === undefined) gone.push(one.id)
      if (kept?.vector?.length !== vector.length || values[3 * i + 1] !== undefined) return []
      const similarity = similarityOf(vector, kept.vector)
      if (similarity < Math.min(threshold, OBSERVED_FROM)) return []
      return [{ id: one.id, kept, similarity, isHit: isSimilar(similarity, threshold, record, maxErrorRate) }]
    })
    this.#forget(scope, gone)
    return found
  }

  /** Removes the ids from the index whose entries have been gone for a while: expired, evicted, invalidated or cleared. */
  #forget(scope: string, ids: readonly string[]): void {
    const nowMs = Date.now()
    const missing = this.#missingSinceMs
    const over = ids.filter((id) => {
      const key = entryKey(scope, id)
      const sinceMs = missing.get(key)
      if (sinceMs === undefined) missing.set(key, nowMs)
      const isOver = sinceMs !== undefined && nowMs - sinceMs >= MISSING_MS
      if (isOver) missing.delete(key)
      return isOver
    })
    for (const key of missing.keys()) {
      if (missing.size <= MAX_MISSING) break
      missing.delete(key)
    }
    if (over.length === 0) return
    const { index } = this.#rules
    void (async () => index.remove(scope, over))().catch((error) => this.#failures.report('index', error))
  }
}
