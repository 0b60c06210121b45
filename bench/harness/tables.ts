// The Markdown of a run: a table of all targets, and for each group of workloads a table of all libraries.
import { bestRival, isFloor, isReached, ownFigure, summaryOf, writeCost, writeDetails, writeFigure } from './figures.js'
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

export function overviewTable(results: Results, reasons: Reasons): string {
  const rows = results.workloads.map((one) => {
    const rival = bestRival(one)
    const best = rival === undefined ? '–' : `${writeFigure(rival, one)}, ${rival.label}`
    const verdict = verdictOf(one, reasons)
    return row([one.title, one.floor || '–', writeReach(one), bold(writeFigure(ownFigure(one), one)), best, verdict])
  })
  return table(['workload', 'floor', 'to reach', 'tiercache', 'best rival', 'reached'], rows)
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
        floor === undefined ? one.floor || '–' : `${one.floor}: ${writeCost(floor.median, one.unit)}`,
        bold(writeShort(ownFigure(one), one)),
        rival === undefined ? '–' : `${writeShort(rival, one)}, ${rival.label}`,
        `\`${one.command}\``,
      ]),
    ]
  })
  return table(['', 'floor', 'tiercache', 'best rival', 'command'], rows)
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
  const rows = result.contenders.map((one) => {
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
