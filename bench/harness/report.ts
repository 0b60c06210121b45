// Puts tables and charts of the latest results into docs/benchmarks.md, between its markers; the words around them are its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REASONS } from '../reasons.js'
import type { ScenarioResult, ScenarioResults } from '../scenarios/run-scenarios.js'
import { barChart, type Chart, ratioCharts, writeCharts } from './charts.js'
import type { Environment } from './environment.js'
import { type Results, readResults } from './results.js'
import { groupTables, overviewTable, row, table } from './tables.js'
import { BENCH, ROOT, say } from './workbench.js'

const PAGE = join(ROOT, 'docs/benchmarks.md')
const SHOWN_IN_CHART = ['cache off', 'cache on', 'invalidations', 'Redis killed']

export function writeReport(): void {
  const results = readResults(join(BENCH, 'results/latest.json'))
  const scenarios = readResults(join(BENCH, 'results/scenarios.json')) as unknown as ScenarioResults | undefined
  let page = readFileSync(PAGE, 'utf8')
  const charts: Chart[] = []
  if (results !== undefined) {
    page = fill(page, 'environment', environmentLines(results.environment, commitsOf(results)))
    page = fill(page, 'overview', overviewTable(results, REASONS))
    page = fill(page, 'details', groupTables(results))
    charts.push(...ratioCharts(results))
  }
  if (scenarios !== undefined) {
    page = fill(page, 'scenarios', scenarioTable(scenarios))
    charts.push(scenarioChart(scenarios))
  }
  writeFileSync(PAGE, page)
  writeCharts(join(BENCH, 'charts'), charts)
  say(`written: docs/benchmarks.md and ${charts.length} charts`)
}

function fill(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}: written by the benchmark -->`, `<!-- end of ${name} -->`]
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no place for ${name}: expected ${begin} … ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`
}

function environmentLines(environment: Environment, commits: readonly string[]): string {
  const { cpu, cores, memoryGiB, node, redis, packages } = environment
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  return [
    `- Machine: ${cpu}, ${cores} cores, ${memoryGiB} GiB; Node ${node}; Redis ${redis}, on the same machine`,
    `- tiercache at ${commits.join(', ')}`,
    `- ${versions.join(', ')}`,
  ].join('\n')
}

function commitsOf(results: Results): string[] {
  return [...new Set(results.workloads.map((one) => one.commit))]
}

function scenarioTable({ scenarios, searchMs, command, commit }: ScenarioResults): string {
  const rows = scenarios.map((one) =>
    row([
      String(one.processes),
      one.scenario,
      ...[one.load.p50Ms, one.load.p95Ms, one.load.p99Ms].map((ms) => ms.toFixed(1)),
      one.load.perSecond.toFixed(0),
      one.queries < 10 ? `${one.queries} in all` : one.queriesPerSecond.toFixed(1),
      one.hitRatio === undefined ? '–' : `${(one.hitRatio * 100).toFixed(1)} %`,
      String(one.load.errors),
    ]),
  )
  const columns = [
    'processes',
    'scenario',
    'p50 ms',
    'p95 ms',
    'p99 ms',
    'requests/s',
    'queries/s',
    'hit ratio',
    'errors',
  ]
  return `\`${command}\`; one search alone takes the database ${searchMs.toFixed(0)} ms; tiercache at ${commit}\n\n${table(columns, rows)}`
}

function scenarioChart({ scenarios }: ScenarioResults): Chart {
  const shown = scenarios.filter((one) => SHOWN_IN_CHART.some((name) => one.scenario.includes(name)))
  const groups = shown.map((one) => `${one.scenario}, ${one.processes === 1 ? 'one process' : 'two processes'}`)
  const series = (name: string, pick: (one: ScenarioResult) => number) => ({
    name,
    values: shown.map((one) => Number(pick(one).toFixed(1))),
  })
  return barChart('scenarios', 'A search endpoint before PostgreSQL: latencies in ms', 'ms', groups, [
    series('p50', (one) => one.load.p50Ms),
    series('p95', (one) => one.load.p95Ms),
    series('p99', (one) => one.load.p99Ms),
  ])
}
