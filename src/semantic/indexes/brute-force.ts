// An index in this process, which compares a question with every vector of its scope.
import { checkCount, checkOptions } from '../../model/option-rules.js'
import { similarityOf } from './vector.js'
import type { Candidate, VectorIndex } from './vector-index.js'

/** Options of `bruteForce`. */
export interface BruteForceOptions {
  /** The most vectors of a scope: the oldest one is forgotten. Default 5,000. */
  readonly maxPerScope?: number | undefined
  /** The most vectors of all scopes: whole scopes are forgotten, the least recently used first. Default 50,000. */
  readonly maxVectors?: number | undefined
}

/** Returns an index of this process alone: it has what this process loaded or read. The cost of a search is linear in the vectors of the scope. */
export function bruteForce(options?: BruteForceOptions): VectorIndex {
  const own = checkOptions(options, ['maxPerScope', 'maxVectors'], 'bruteForce')
  return new BruteForce(
    checkCount(own?.maxPerScope ?? 5_000, 'maxPerScope', 1, 10_000_000),
    checkCount(own?.maxVectors ?? 50_000, 'maxVectors', 1, 10_000_000),
  )
}

class BruteForce implements VectorIndex {
  readonly isLocal = true
  readonly #maxPerScope: number
  readonly #maxVectors: number
  /** The least recently used scope first. */
  readonly #scopes = new Map<string, Vectors>()
  #count = 0

  constructor(maxPerScope: number, maxVectors: number) {
    this.#maxPerScope = Math.min(maxPerScope, maxVectors)
    this.#maxVectors = maxVectors
  }

  add(scope: string, id: string, vector: Float32Array): void {
    const vectors = this.#used(scope) ?? new Vectors(vector.length)
    this.#scopes.set(scope, vectors)
    const before = vectors.size
    vectors.set(id, vector)
    if (vectors.size > this.#maxPerScope) vectors.deleteOldest()
    this.#count += vectors.size - before
    for (const [name, { size }] of this.#scopes) {
      if (this.#count <= this.#maxVectors) break
      this.#scopes.delete(name)
      this.#count -= size
    }
  }

  search(scope: string, vector: Float32Array, count: number): readonly Candidate[] {
    return this.#used(scope)?.nearest(vector, count) ?? []
  }

  remove(scope: string, ids: readonly string[]): void {
    const vectors = this.#scopes.get(scope)
    if (vectors === undefined) return
    const before = vectors.size
    for (const id of ids) vectors.delete(id)
    this.#count += vectors.size - before
    if (vectors.size === 0) this.#scopes.delete(scope)
  }

  #used(scope: string): Vectors | undefined {
    const vectors = this.#scopes.get(scope)
    if (vectors === undefined) return undefined
    this.#scopes.delete(scope)
    this.#scopes.set(scope, vectors)
    return vectors
  }
}

/** The vectors of a scope, in one array without gaps. */
class Vectors {
  readonly #dims: number
  /** Where the vector of an id is. The oldest id first. */
  readonly #places = new Map<string, number>()
  readonly #ids: string[] = []
  #numbers: Float32Array

  constructor(dims: number) {
    this.#dims = dims
    this.#numbers = new Float32Array(16 * dims)
  }

  get size(): number {
    return this.#ids.length
  }

  set(id: string, vector: Float32Array): void {
    this.delete(id)
    const place = this.#ids.push(id) - 1
    if (this.#numbers.length < this.#ids.length * this.#dims) {
      const larger = new Float32Array(this.#numbers.length * 2)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers.set(vector, place * this.#dims)
    this.#places.set(id, place)
  }

  deleteOldest(): void {
    for (const id of this.#places.keys()) {
      this.delete(id)
      return
    }
  }

  /** The last vector takes the place of the one that goes. */
  delete(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#places.delete(id)
    const last = this.#ids.pop() as string
    if (last === id) return
    const from = this.#ids.length * this.#dims
    this.#numbers.copyWithin(place * this.#dims, from, from + this.#dims)
    this.#ids[place] = last
    this.#places.set(last, place)
  }

  nearest(vector: Float32Array, count: number): Candidate[] {
    const nearest: Candidate[] = []
    let least = -1
    for (let place = 0; place < this.#ids.length; place++) {
      const similarity = similarityOf(vector, this.#numbers, place * this.#dims)
      if (similarity <= least && nearest.length >= count) continue
      const at = nearest.findIndex((one) => one.similarity < similarity)
      nearest.splice(at < 0 ? nearest.length : at, 0, { id: this.#ids[place] as string, similarity })
      if (nearest.length > count) nearest.pop()
      least = nearest.at(-1)?.similarity ?? -1
    }
    return nearest.slice(0, count)
  }
}
