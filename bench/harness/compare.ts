// Compares a short run with committed figures: which workloads cost far more than before, and which cannot be compared.
import { OURS } from '../workloads/contenders.js'
import { figureOf, writeFigure } from './figures.js'
import type { WorkloadResult } from './results.js'

/** Two short runs on a busy machine differ by less. */
const TIME_MARGIN = 1.6
/** Sizes hardly vary. */
const WEIGHT_MARGIN = 1.15
const BUSY_SHARE = 0.5

export interface Comparison {
  readonly id: string
  /** The cost now as a multiple of the committed one: the worst multiple if several of our contenders count. */
  readonly multiple: number
  readonly margin: number
  /** Both figures, and the command for a closer look. */
  readonly text: string
}

/** Why a committed result cannot be compared with another machine or another day. */
export function whyNotCompared(then: WorkloadResult): string | undefined {
  if (then.unit === 'ms') return 'times of a few milliseconds, too few of them in a short run'
  if (then.id === 'l1-million') return 'takes too long to fill'
  if (then.unit !== 'bytes' && then.busy > (then.slices - then.discarded) * BUSY_SHARE)
    return 'the machine was busy when it was measured'
  if (!ours(then).some((one) => Number.isFinite(figureOf(one, then)))) return 'has no committed figure'
  return undefined
}

export function compare(then: WorkloadResult, now: WorkloadResult): Comparison {
  const margin = then.unit === 'bytes' ? WEIGHT_MARGIN : TIME_MARGIN
  let worst: Comparison = { id: then.id, multiple: 0, margin, text: '' }
  for (const before of ours(then)) {
    const expected = figureOf(before, then)
    if (!Number.isFinite(expected)) continue
    const after = now.contenders.find((one) => one.label === before.label)
    // A workload that was measured before and fails now is worse than a slow one.
    const multiple = after === undefined ? Number.NaN : figureOf(after, now) / expected
    const isWorse = Number.isNaN(multiple) || multiple > worst.multiple
    if (!isWorse) continue
    const figure = after?.failure ?? writeFigure(after, now)
    const text =
      `${then.id} (${before.label}): ${figure} now, ${writeFigure(before, then)} committed at ${then.commit}: ` +
      `${multiple.toFixed(2)} times; look closer with \`${then.command} --peer ${OURS}${then.unit === 'ns' ? ' --profile' : ''}\``
    worst = { id: then.id, multiple: Number.isNaN(multiple) ? Number.POSITIVE_INFINITY : multiple, margin, text }
  }
  return worst
}

function ours(result: WorkloadResult) {
  return result.contenders.filter((one) => one.peer === OURS)
}
