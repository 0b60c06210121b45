// The figures in words: what has to be reached, and by whom it is.
import { row, table } from '../harness/tables.js'
import { barsOf } from '../load/bars.js'
import type { HttpLoad } from '../load/http.js'
import { REASONS } from './reasons.js'
import { BARS, type Figure, type HttpResults, type What } from './results.js'

export function httpText(results: HttpResults): string {
  const { machine, node, commit, command, effort, packages } = results
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  const short = effort === 'short' ? ' **A short run on a busy machine**: the middle halves are wide.' : ''
  return `\`${command}\` on ${machine}, Node ${node}; tiercache at ${commit}; ${versions.join(', ')}.${short}\n\n${httpTable(results)}`
}

export function loadText(load: HttpLoad): string {
  const { machine, node, commit, command, queryMs } = load
  const rows = barsOf(load).map(({ what, toReach, measured, holds }) =>
    row([what, toReach, measured, holds ? 'yes' : REASONS[what] === undefined ? 'no' : `no: ${REASONS[what]}`]),
  )
  const about = `\`${command}\` on ${machine}, Node ${node}; a query takes ${queryMs} ms; tiercache at ${commit}.`
  return `${about}\n\n${table(['', 'to reach', 'measured', 'reached'], rows)}`
}

export function httpTable({ figures }: Pick<HttpResults, 'figures'>): string {
  const rows = (Object.keys(BARS) as What[]).flatMap((what) =>
    figures.filter((one) => one.what === what).map((one) => row(cellsOf(one))),
  )
  return table(['', 'framework', 'cache', 'measured', 'to reach', 'reached', 'besides'], rows)
}

function cellsOf(figure: Figure): string[] {
  const { title, most, unit } = BARS[figure.what]
  const isOurs = figure.cache === 'tiercache'
  return [
    title,
    figure.framework,
    figure.cache,
    write(figure, isOurs),
    `${most} ${unit}`.trim(),
    isOurs ? verdictOf(figure) : '',
    besides(figure),
  ]
}

function verdictOf(figure: Figure): string {
  if (figure.value <= BARS[figure.what].most) return 'yes'
  const reason = REASONS[`${figure.what} ${figure.framework}`] ?? REASONS[figure.what]
  return reason === undefined ? 'no' : `no: ${reason}`
}

function write({ what, value, low, high }: Figure, isOurs: boolean): string {
  const { unit } = BARS[what]
  const digits = what === 'cold' ? 0 : what === 'p95' ? 3 : 2
  const spread = low === undefined || high === undefined ? '' : ` (${low.toFixed(digits)} to ${high.toFixed(digits)})`
  const text = `${value.toFixed(digits)} ${unit}`.trim() + spread
  return isOurs ? `**${text}**` : text
}

function besides({ what, cost, base, wall }: Figure): string {
  if (cost === undefined || base === undefined) return ''
  if (what === 'p95') return `${cost.toFixed(1)} by ${base.toFixed(1)} ms`
  return `${cost.toFixed(0)} by ${base.toFixed(0)} µs of processor time; by wall time ${wall?.toFixed(2)} ×`
}
