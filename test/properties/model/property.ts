// The property. `npm test` runs it with fixed seeds, `npm run histories` with new ones.
import fc, { type RunDetails } from 'fast-check'
import type { PolicyOptions } from 'tiercache'
import type { Mutation } from './mutations.js'
import { runHistory } from './run-history.js'
import { type Step, steps } from './steps.js'

type History = [readonly Step[], number]

/** No read returns a value that an invalidation forbids. */
export function historyProperty(mutation?: Mutation, options?: PolicyOptions) {
  return fc.asyncProperty(steps, fc.nat(), (history, seed) => runHistory(history, seed, mutation, options))
}

export interface Violation {
  readonly seed: number
  /** The path by which fast-check finds the shortest history from the seed. */
  readonly path: string
  /** The shortest history as JSON, for `counterexamples.ts`. */
  readonly history: string
  readonly message: string
}

export function violationOf(found: RunDetails<History>): Violation | undefined {
  if (!found.failed || found.counterexample === null) return undefined
  const error = found.errorInstance
  return {
    seed: found.seed,
    path: found.counterexamplePath ?? '',
    history: JSON.stringify(found.counterexample),
    message: error instanceof Error ? error.message : String(error),
  }
}
