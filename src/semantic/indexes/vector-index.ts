// The port of an index: which stored questions are near a question. It has ids and vectors, never a text or a value.

/** A stored question that is near. */
export interface Candidate {
  readonly id: string
  /** The cosine similarity, 0 to 1; what is below 0 is 0. An approximate index may be wrong by 0.01: the cache computes it again. */
  readonly similarity: number
}

/**
 * Finds the nearest vectors of a scope. Checked by `vectorIndexCases`.
 *
 * All vectors of a scope have the same number of dimensions and the length 1. A scope that nobody has added to has no vectors. A rejection
 * means that the index could not answer: the question is loaded then. An index may forget vectors; it is bounded and forgets by itself.
 */
export interface VectorIndex {
  /** Whether it has vectors of this process alone: then it is also given those of answers that are read here and were loaded elsewhere. */
  readonly isLocal?: boolean | undefined
  /** Adds a vector, or replaces the one with this id. */
  add(scope: string, id: string, vector: Float32Array): void | Promise<void>
  /** Returns at most `count` of the nearest, the nearest first. */
  search(scope: string, vector: Float32Array, count: number): readonly Candidate[] | Promise<readonly Candidate[]>
  /** Removes vectors. An id that is not there is ignored. */
  remove(scope: string, ids: readonly string[]): void | Promise<void>
}
