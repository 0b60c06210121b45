// The Markdown of a run: a table of all targets, and for each group of workloads a table of all libraries.

import { OURS } from '../workloads/contenders.js'
import {
  bestRival,
  figureOf,
  isFloor,
  isReached,
  ownFigure,
  summaryOf,
  writeCost,
  writeDetails,
  writeFigure,
} from './figures.js'
import type { ContenderResult, Results, WorkloadResult } from './results.js'

export const GROUPS = {
  memory: 'Hits in memory',
  'redis-read': 'Hits in Redis',
  'redis-write': 'Misses and writes',
  promises: 'Promises',
  fleet: 'Several processes, whole caches',
  footprint: 'What it weighs',
} as const

/** Why a target is not reached, by workload. */
export type Reasons = Readonly<Record<string, string>>

/** `later`: results of a later version of Node, whose own figures get a column. */
export function overviewTable(results: Results, given: { reasons: Reasons; later: Results | undefined }): string {
  const { reasons, later } = given
  const rows = results.workloads.map((one) => {
    const rival = bestRival(one)
    const best = rival === undefined ? '–' : `${writeFigure(rival, one)}, ${rival.label}`
    const inLater = later?.workloads.find(({ id }) => id === one.id)
    const cells = [bold(writeFigure(ownFigure(one), one)), best, writeReach(one), verdictOf(one, reasons)]
    if (later !== undefined) cells.splice(1, 0, inLater === undefined ? '–' : writeFigure(ownFigure(inLater), inLater))
    return row([one.title, ...cells, one.floor || '–'])
  })
  const columns = ['tiercache', 'best rival', 'to reach', 'reached', 'floor']
  if (later !== undefined) columns.splice(1, 0, `on Node ${later.environment.node}`)
  return table(['workload', ...columns], rows)
}

function verdictOf(result: WorkloadResult, reasons: Reasons): string {
  const reached = isReached(result)
  if (reached === undefined) return 'not measured'
  if (reached) return 'yes'
  const reason = reasons[result.id]
  return reason === undefined ? 'no' : `no: ${reason}`
}

/** A few workloads, for readers who want to know the cost. */
export function shortTable(results: Results, ids: readonly string[]): string {
  const rows = ids.flatMap((id) => {
    const one = results.workloads.find((result) => result.id === id)
    if (one === undefined) return []
    const floor = one.contenders.find(isFloor)?.cost
    const rival = bestRival(one)
    return [
      row([
        one.title,
        bold(writeShort(ownFigure(one), one)),
        rival === undefined ? '–' : `${writeShort(rival, one)}, ${rival.label}`,
        floor === undefined ? one.floor || '–' : `${one.floor}: ${writeCost(floor.median, one.unit)}`,
        `\`${one.command}\``,
      ]),
    ]
  })
  return table(['', 'tiercache', 'best rival', 'floor', 'command'], rows)
}

/** The median alone, with the number of loads where that is what counts. */
function writeShort(one: ContenderResult | undefined, result: WorkloadResult): string {
  if (one === undefined) return '–'
  const summary = summaryOf(one, result)
  if (summary === undefined) return 'fails'
  const loads = one.details?.loads
  const cost = result.judged === 'ratio' ? `${summary.median.toFixed(2)} ×` : writeCost(summary.median, result.unit)
  return loads === undefined ? cost : `${cost}, ${loads} ${loads === 1 ? 'load' : 'loads'}`
}

export function groupTables(results: Results): string {
  const parts: string[] = []
  for (const [group, title] of Object.entries(GROUPS)) {
    const workloads = results.workloads.filter((one) => one.group === group)
    if (workloads.length > 0) parts.push(`### ${title}`, ...workloads.map(workloadTable))
  }
  return parts.join('\n\n')
}

function workloadTable(result: WorkloadResult): string {
  const hasDetails = result.contenders.some((one) => one.details !== undefined)
  const rows = inOrder(result).map((one) => {
    const cost = one.cost === undefined ? (one.failure ?? '–') : writeCost(one.cost.median, result.unit)
    const cells = [
      one.label,
      cost,
      one.ratio === undefined ? '' : writeFigure({ ...one, cost: undefined }, { ...result, judged: 'ratio' }),
    ]
    return row(hasDetails ? [...cells, writeDetails(one)] : cells)
  })
  const columns = ['', 'cost', 'multiple (middle half)', ...(hasDetails ? ['besides'] : [])]
  const slices = result.slices > 1 ? ` ${sliceNote(result)}` : ''
  return `**${result.title}**\n\`${result.command}\`${slices}\n\n${table(columns, rows)}`
}

/** Ours and the best rival first, then the floor, then the others by their cost. */
function inOrder(result: WorkloadResult): ContenderResult[] {
  const best = bestRival(result)
  const placeOf = (one: ContenderResult) => (one.peer === OURS ? 0 : one === best ? 1 : isFloor(one) ? 2 : 3)
  const byPlace = (a: ContenderResult, b: ContenderResult) => placeOf(a) - placeOf(b)
  const byCost = (a: ContenderResult, b: ContenderResult) => sortedBy(a, result) - sortedBy(b, result)
  return [...result.contenders].sort((a, b) => byPlace(a, b) || (placeOf(a) < 3 ? 0 : byCost(a, b)))
}

/** What fails comes last. */
function sortedBy(one: ContenderResult, result: WorkloadResult): number {
  const figure = figureOf(one, result)
  return Number.isFinite(figure) ? figure : Number.MAX_VALUE
}

function sliceNote({ slices, discarded, busy }: WorkloadResult): string {
  return `(${slices} slices, ${discarded} of them done again, ${busy} kept although the machine was busy)`
}

function writeReach(result: WorkloadResult): string {
  return result.judged === 'ratio' ? `${result.reach} ×` : writeCost(result.reach, result.unit)
}

export function table(columns: readonly string[], rows: readonly string[]): string {
  return [row(columns), row(columns.map(() => '---')), ...rows].join('\n')
}

export function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}

function bold(text: string): string {
  return text === '–' ? text : `**${text}**`
}
