// The property itself, as `npm test` plays it with fixed seeds and `npm run histories` with new ones.
import fc, { type RunDetails } from 'fast-check'
import type { PolicyOptions } from 'tiercache'
import type { Mutation } from './mutations.js'
import { runHistory } from './run-history.js'
import { type Step, steps } from './steps.js'

type History = [readonly Step[], number]

/** No read answers what an invalidation forbids. */
export function historyProperty(mutation?: Mutation, options?: PolicyOptions) {
  return fc.asyncProperty(steps, fc.nat(), (history, seed) => runHistory(history, seed, mutation, options))
}

export interface Violation {
  readonly seed: number
  /** Leads fast-check from the seed to the shortest history. */
  readonly path: string
  /** That history as JSON, for `counterexamples.ts`. */
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
