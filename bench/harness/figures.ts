// How figures are written, and whether a target is reached.
import { OURS } from '../workloads/contenders.js'
import type { ContenderResult, WorkloadResult } from './results.js'
import type { Summary } from './statistics.js'

/** The figure by which a workload is judged: the worst of ours if several count (1, 3 and 10 tags). */
export function ownFigure(result: WorkloadResult): ContenderResult | undefined {
  const own = result.contenders.filter((one) => isJudged(one, result))
  return own.sort((a, b) => figureOf(b, result) - figureOf(a, result))[0]
}

/** The best rival that does the same work. */
export function bestRival(result: WorkloadResult): ContenderResult | undefined {
  const rivals = result.contenders.filter(
    (one) => !isFloor(one) && !one.peer.startsWith(OURS) && !isOwnBase(one, result),
  )
  const measured = rivals.filter((one) => Number.isFinite(figureOf(one, result)))
  return measured.sort((a, b) => figureOf(a, result) - figureOf(b, result))[0]
}

export function figureOf(one: ContenderResult, result: WorkloadResult): number {
  return (result.judged === 'ratio' ? one.ratio?.median : one.cost?.median) ?? Number.NaN
}

export function summaryOf(one: ContenderResult, result: WorkloadResult): Summary | undefined {
  return result.judged === 'ratio' ? one.ratio : one.cost
}

export function isReached(result: WorkloadResult): boolean | undefined {
  const own = ownFigure(result)
  if (own === undefined || Number.isNaN(figureOf(own, result))) return undefined
  return figureOf(own, result) <= result.reach
}

/** `1.23 × (1.20 to 1.31)`, or the cost itself where there is no floor. */
export function writeFigure(one: ContenderResult | undefined, result: WorkloadResult): string {
  if (one === undefined) return '–'
  const summary = summaryOf(one, result)
  if (summary === undefined) return one.failure === undefined ? '–' : 'fails'
  const write = (value: number) => (result.judged === 'ratio' ? value.toFixed(2) : writeCost(value, result.unit))
  const spread = summary.count > 1 ? ` (${write(summary.low)} to ${write(summary.high)})` : ''
  return `${write(summary.median)}${result.judged === 'ratio' ? ' ×' : ''}${spread}`
}

export function writeCost(cost: number, unit: string): string {
  switch (unit) {
    case 'ns':
      return cost < 1_000 ? `${cost.toFixed(0)} ns` : `${(cost / 1_000).toPrecision(3)} µs`
    case 'bytes':
      return cost < 2_000 ? `${cost.toFixed(0)} B` : `${(cost / 1_000).toFixed(1)} kB`
    default:
      return `${cost.toPrecision(3)} ${unit}`
  }
}

export function writeDetails(one: ContenderResult): string {
  return Object.entries(one.details ?? {})
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ')
}

export function isFloor(one: ContenderResult): boolean {
  return one.label.startsWith('floor')
}

function isJudged(one: ContenderResult, result: WorkloadResult): boolean {
  return one.peer === OURS && !isOwnBase(one, result)
}

/** The contender with which others of the same library are compared. */
function isOwnBase(one: ContenderResult, result: WorkloadResult): boolean {
  return result.judged === 'ratio' && one.ratio === undefined && one.failure === undefined
}
