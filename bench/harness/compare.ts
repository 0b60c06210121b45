// Compares a launch with the same contenders on the build of an earlier commit.
import type { WorkloadResult } from './results.js'

export interface Comparison {
  readonly id: string
  readonly label: string
  /** The cost now as a multiple of the cost before; infinite if only the code of before works. */
  readonly multiple: number
  readonly failure: string | undefined
}

/** One comparison for each contender that works on the earlier build. */
export function compare(result: WorkloadResult): Comparison[] {
  return result.contenders.flatMap((before) => {
    const now = result.contenders.find((one) => `${one.label}, before` === before.label)
    if (now === undefined || before.cost === undefined) return []
    const multiple = now.ratio?.median ?? Number.POSITIVE_INFINITY
    return [{ id: result.id, label: now.label, multiple, failure: now.failure }]
  })
}
