// Interleaved slices: in each round every contender works for a moment in turn, so that anything else on the machine affects all of
// them alike. A slice is repeated if a fixed piece of work took longer during it than on a quiet machine.
import type { Measurable, MeasuredSlice } from './library-group.js'

/** By which factor the fixed piece of work may be slower than at best. */
const QUIET_FACTOR = 1.12
export const TRIES = 4

export interface Measured {
  /** The cost of each round. */
  readonly costs: number[]
  details: Readonly<Record<string, number | string>> | undefined
  failure: string | undefined
}

export interface Series {
  readonly measured: ReadonlyMap<string, Measured>
  /** Slices measured, and those repeated because the machine was busy. */
  readonly slices: number
  readonly discarded: number
  /** Slices kept although the machine was busy at every try. */
  readonly busy: number
}

/** The fastest run of the fixed piece of work so far. */
let bestCalibrationMs = Number.POSITIVE_INFINITY

export interface Plan {
  readonly rounds: number
  readonly sliceMs: number
  readonly warmUpMs: number
  readonly tries: number
  /** 'processor' counts the time that the process itself worked: less exact, but the same when it has to share the processor. */
  readonly clock: 'wall' | 'processor'
}

export async function measureInterleaved(
  libraries: ReadonlyMap<string, Measurable>,
  { rounds, sliceMs, warmUpMs, tries, clock }: Plan,
): Promise<Series> {
  const measured = new Map<string, Measured>()
  for (const label of libraries.keys()) measured.set(label, { costs: [], details: undefined, failure: undefined })
  const count = { slices: 0, discarded: 0, busy: 0 }
  for (let round = warmUpMs > 0 ? -1 : 0; round < rounds; round++) {
    for (const [label, library] of inTurn(libraries, round)) {
      const series = measured.get(label) as Measured
      if (series.failure !== undefined) continue
      try {
        const report = await quietSlice(library, round < 0 ? warmUpMs : sliceMs, round < 0 ? 1 : tries, count)
        if (round < 0) continue
        series.costs.push(clock === 'wall' ? report.cost : report.cost * report.cpuShare)
        series.details = report.details
      } catch (error) {
        series.failure = error instanceof Error ? error.message : String(error)
      }
    }
  }
  return { measured, ...count }
}

async function quietSlice(
  library: Measurable,
  budgetMs: number,
  tries: number,
  count: { slices: number; discarded: number; busy: number },
): Promise<MeasuredSlice> {
  for (let left = tries; ; left--) {
    const report = await library.slice(budgetMs)
    count.slices++
    if (report.calibrationMs === undefined) return report
    const [before, after] = report.calibrationMs
    bestCalibrationMs = Math.min(bestCalibrationMs, before, after)
    if (Math.max(before, after) <= bestCalibrationMs * QUIET_FACTOR) return report
    // If the machine is busy all the time, repeating slices costs time and does not help.
    if (left <= 1 || count.discarded * 2 > count.slices) {
      count.busy++
      return report
    }
    count.discarded++
  }
}

/** Every round begins with another contender. */
function inTurn<T>(all: ReadonlyMap<string, T>, round: number): [string, T][] {
  const list = [...all]
  const first = Math.max(0, round) % Math.max(1, list.length)
  return [...list.slice(first), ...list.slice(0, first)]
}
