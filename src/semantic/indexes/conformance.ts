// What a `VectorIndex` promises, as cases for any test runner.
import { deepStrictEqual, ok } from 'node:assert/strict'
import type { VectorIndex } from './vector-index.js'

/** A sentence with its proof. `run` rejects with an assertion error if the sentence does not hold. `scope` is unique for each run. */
export interface VectorIndexCase {
  readonly name: string
  run(index: VectorIndex, scope: string): Promise<void>
}

/** Returns the cases that a `VectorIndex` has to pass. */
export function vectorIndexCases(): readonly VectorIndexCase[] {
  return CASES
}

/** A vector of length 1 in the plane of the first two of eight dimensions. */
function at(degrees: number): Float32Array {
  const vector = new Float32Array(8)
  vector[0] = Math.cos((degrees * Math.PI) / 180)
  vector[1] = Math.sin((degrees * Math.PI) / 180)
  return vector
}

const idsOf = async (index: VectorIndex, scope: string, degrees: number, count = 10) =>
  (await index.search(scope, at(degrees), count)).map(({ id }) => id)

const CASES: readonly VectorIndexCase[] = [
  {
    name: 'a scope that nobody has added to has no vectors',
    async run(index, scope) {
      deepStrictEqual(await idsOf(index, scope, 0), [])
      await index.remove(scope, ['a'])
    },
  },
  {
    name: 'the nearest come first, at most as many as were asked for',
    async run(index, scope) {
      for (const degrees of [60, 20, 40, 80, 0]) await index.add(scope, `at${degrees}`, at(degrees))
      deepStrictEqual(await idsOf(index, scope, 5), ['at0', 'at20', 'at40', 'at60', 'at80'])
      deepStrictEqual(await idsOf(index, scope, 75, 2), ['at80', 'at60'])
    },
  },
  {
    name: 'the similarity is the cosine within 0.01, and 0 for what is opposite',
    async run(index, scope) {
      for (const degrees of [0, 60, 90, 180]) await index.add(scope, `at${degrees}`, at(degrees))
      const found = new Map((await index.search(scope, at(0), 4)).map(({ id, similarity }) => [id, similarity]))
      for (const [id, cosine] of [
        ['at0', 1],
        ['at60', 0.5],
        ['at90', 0],
        ['at180', 0],
      ] as const) {
        const similarity = found.get(id)
        ok(
          similarity !== undefined && Math.abs(similarity - cosine) <= 0.01,
          `${id}: expected ${cosine}; got ${similarity}`,
        )
      }
    },
  },
  {
    name: 'adding an id again replaces its vector',
    async run(index, scope) {
      await index.add(scope, 'a', at(0))
      await index.add(scope, 'b', at(40))
      await index.add(scope, 'a', at(90))
      deepStrictEqual(await idsOf(index, scope, 0), ['b', 'a'])
    },
  },
  {
    name: 'what was removed is not found, and an id that is not there is ignored',
    async run(index, scope) {
      for (const degrees of [0, 20, 40]) await index.add(scope, `at${degrees}`, at(degrees))
      await index.remove(scope, ['at0', 'never', 'at40'])
      deepStrictEqual(await idsOf(index, scope, 0), ['at20'])
      await index.remove(scope, ['at20'])
      deepStrictEqual(await idsOf(index, scope, 0), [])
    },
  },
  {
    name: 'scopes are apart',
    async run(index, scope) {
      await index.add(`${scope}-a`, 'id', at(0))
      await index.add(`${scope}-b`, 'id', at(90))
      await index.remove(`${scope}-b`, ['id'])
      deepStrictEqual(await idsOf(index, `${scope}-a`, 0), ['id'])
      deepStrictEqual(await idsOf(index, `${scope}-b`, 0), [])
      deepStrictEqual(await idsOf(index, scope, 0), [])
    },
  },
]
