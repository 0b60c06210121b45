// Compares a launch with committed figures: by which multiple each of our contenders costs more, and which workloads cannot be compared.
import { OURS } from '../workloads/contenders.js'
import { figureOf, writeFigure } from './figures.js'
import type { ContenderResult, WorkloadResult } from './results.js'
import type { Summary } from './statistics.js'

/** A committed figure whose median may be off by more hides a third more cost. */
const MOST_ERROR = 0.07

export interface Comparison {
  readonly id: string
  readonly label: string
  /** The cost now as a multiple of the committed one; infinite if there is no figure any more. */
  readonly multiple: number
  /** Both figures. */
  readonly text: string
}

/** Why a committed result cannot be compared with another machine or another day. */
export function whyNotCompared(then: WorkloadResult): string | undefined {
  if (then.unit === 'ms') return 'times of a few milliseconds, too few of them in a short run'
  if (then.id === 'l1-million') return 'takes too long to fill'
  if (ours(then).every((one) => !Number.isFinite(figureOf(one, then)))) return 'has no committed figure'
  const unsure = ours(then).find((one) => errorOf(one.ratio) > MOST_ERROR)
  if (unsure !== undefined)
    return `the committed figure of ${unsure.label} varies too much to notice a third more: ${writeFigure(unsure, then)}; measure it again`
  return undefined
}

/** One comparison for each of our contenders that has a committed figure. */
export function compare(then: WorkloadResult, now: WorkloadResult): Comparison[] {
  return ours(then).flatMap((before) => {
    const expected = figureOf(before, then)
    if (!Number.isFinite(expected)) return []
    const after = now.contenders.find((one) => one.label === before.label)
    const found = after === undefined ? Number.NaN : figureOf(after, now)
    const multiple = Number.isFinite(found) ? found / expected : Number.POSITIVE_INFINITY
    const figure = after?.failure ?? writeFigure(after, now)
    const text = `${figure} now, ${writeFigure(before, then)} committed at ${then.commit}`
    return [{ id: then.id, label: before.label, multiple, text }]
  })
}

/** The standard error of a median, as a share of it: that of a mean and a quarter more, from the middle half of a normal distribution. */
function errorOf(figure: Summary | undefined): number {
  if (figure === undefined || figure.count < 2) return 0
  return (1.25 * (figure.high - figure.low)) / 1.35 / Math.sqrt(figure.count) / figure.median
}

function ours(result: WorkloadResult): ContenderResult[] {
  return result.contenders.filter((one) => one.peer === OURS)
}
