// `tiercache/semantic`: one answer for questions that ask the same in other words.
import type { Cache } from '../index.js'
import type { QuestionObject, SemanticOptions } from './options.js'
import { SemanticCache } from './semantic-cache.js'

export { type Disagreement, type Guard, type GuardLevel, guardOf } from './guard/guard.js'
export { hasToolCalls, type Refusal, refusalOf } from './guard/refusal.js'
export { type BruteForceOptions, bruteForce } from './indexes/brute-force.js'
export { type VectorIndexCase, vectorIndexCases } from './indexes/conformance.js'
export { type RedisVectorsOptions, redisVectors, type VectorCommands } from './indexes/redis-vectors.js'
export type { Candidate, VectorIndex } from './indexes/vector-index.js'
export type { MeasuredRate } from './observation.js'
export type { EmbedOptions, QuestionObject, SemanticOptions, SemanticPart } from './options.js'
export { type Answer, type AskOptions, SemanticCache, type SemanticReport } from './semantic-cache.js'

/**
 * Returns a cache of answers that also serves an answer for a similar question, once `mode` is `'serve'`. The answers live in the namespace
 * `name` of `cache`. Throws `INVALID_OPTION`.
 */
export function semanticCache<V, Q extends string | QuestionObject = string>(
  cache: Cache,
  options: SemanticOptions<V, Q>,
): SemanticCache<V, Q> {
  return new SemanticCache<V, Q>(cache, options)
}
