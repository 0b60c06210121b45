// Puts tables and charts of the latest results into docs/benchmarks.md and the README, between their markers. It does not change
// the text around them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PAGES, RAW } from '../../scripts/repository.js'
import { FLEET_RESULTS, measuredText, simulatedText } from '../fleet/fleet-report.js'
import type { FleetResults } from '../fleet/measure.js'
import { httpText, loadText } from '../http/http-report.js'
import type { HttpResults } from '../http/results.js'
import type { HttpLoad } from '../load/http.js'
import { REASONS } from '../reasons.js'
import type { ScenarioResults } from '../scenarios/run-scenarios.js'
import { ALL_IDS } from '../suite.js'
import { type Chart, ratioCharts, writeCharts } from './charts.js'
import type { Environment } from './environment.js'
import { type Results, readJson, readResults, resultsPath } from './results.js'
import { scenarioChart, scenarioText } from './scenario-report.js'
import { groupTables, overviewTable, shortTable } from './tables.js'
import { BENCH, ROOT, say } from './workbench.js'

/** The oldest version of Node that is supported, for all tables, and the one whose figures stand beside it in the overview. */
const MAIN_NODE = '20'
const LATER_NODE = '24'
const PAGE = 'docs/benchmarks.md'
const README = 'README.md'
/** The workloads in the README: memory over Redis with a bus, as services run it. */
const SHORT = ['l1-hot-bus', 'l1-zipf-bus', 'l1-many', 'l2-64', 'miss-64', 'set-64-bus', 'invalidate-tags', 'cold-key']
const SHORT_CHART = 'memory'
/** The share of busy slices above which the tables report a busy machine. */
const MANY_BUSY = 0.2

export function writeReport(): void {
  const results = readResults(resultsPath(MAIN_NODE))
  const later = readResults(resultsPath(LATER_NODE))
  const scenarios = readJson<ScenarioResults>(join(BENCH, 'results/scenarios.json'))
  const fleet = readJson<FleetResults>(FLEET_RESULTS)
  const charts: Chart[] = []
  if (results !== undefined) {
    charts.push(...ratioCharts(results))
    fill(PAGE, 'environment', environmentLines(results.environment, commitsOf(results), later?.environment))
    fill(PAGE, 'overview', [...caveats(results), overviewTable(results, { reasons: REASONS, later })].join('\n\n'))
    fill(PAGE, 'charts', charts.map((chart) => show(chart, '../bench/charts')).join('\n\n'))
    fill(PAGE, 'details', groupTables(results))
    const shown = charts.filter((chart) => chart.name === SHORT_CHART).map((chart) => show(chart, `${RAW}bench/charts`))
    fill(README, 'numbers', [shortTable(results, SHORT), madeOn(results.environment), ...shown].join('\n\n'))
  }
  if (scenarios !== undefined) {
    const chart = scenarioChart(scenarios)
    fill(PAGE, 'scenarios', `${scenarioText(scenarios)}\n\n${show(chart, '../bench/charts')}`)
    charts.push(chart)
  }
  if (fleet !== undefined) {
    fill(PAGE, 'fleet', measuredText(fleet))
    if (fleet.simulated !== undefined) fill(PAGE, 'simulation', simulatedText(fleet.costs, fleet.simulated))
  }
  writeHttpReport()
  writeCharts(join(BENCH, 'charts'), charts)
  say(`written: ${PAGE}, ${README} and ${charts.length} charts`)
}

/** The tables of cached responses alone. */
export function writeHttpReport(): void {
  const http = readJson<HttpResults>(join(BENCH, 'results/http.json'))
  const load = readJson<HttpLoad>(join(BENCH, 'results/load-http.json'))
  if (http !== undefined) fill(PAGE, 'http', httpText(http))
  if (load !== undefined) fill(PAGE, 'load', loadText(load))
}

function fill(file: string, name: string, text: string): void {
  const path = join(ROOT, file)
  const page = readFileSync(path, 'utf8')
  const [begin, end] = [`<!-- ${name}: written by the benchmark -->`, `<!-- end of ${name} -->`]
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} has no place for ${name}: expected ${begin} … ${end}`)
  writeFileSync(path, `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`)
}

function show({ name, title, command }: Chart, folder: string): string {
  return `![${title}](${folder}/${name}.svg)\n\n\`${command}\``
}

/** What readers must know before they believe a figure of this run. */
function caveats({ workloads }: Results): string[] {
  const sum = (count: (one: Results['workloads'][number]) => number) =>
    workloads.reduce((total, one) => total + count(one), 0)
  const [busy, kept] = [sum((one) => one.busy), sum((one) => one.slices - one.discarded)]
  const missing = ALL_IDS.filter((id) => !workloads.some((one) => one.id === id))
  return [
    ...(busy > kept * MANY_BUSY
      ? [
          `**The machine was busy with other work** during ${busy} of ${kept} slices of this run: middle halves are wide, and a small ` +
            'difference says nothing.',
        ]
      : []),
    ...(missing.length > 0 ? [`Not measured in this run: ${missing.map((id) => `\`${id}\``).join(', ')}.`] : []),
  ]
}

function madeOn({ cpu, cores, node, redis }: Environment): string {
  return `${cpu}, ${cores} cores, Node ${node}, Redis ${redis} on the same machine; medians, and their spread in [benchmarks](${PAGES}docs/benchmarks.md).`
}

function environmentLines(environment: Environment, commits: readonly string[], later?: Environment): string {
  const { cpu, cores, memoryGiB, node, redis, packages } = environment
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  const beside = later === undefined ? '' : `, and ${later.node} where a column says so`
  return [
    `- Machine: ${cpu}, ${cores} cores, ${memoryGiB} GiB; Node ${node}${beside}; Redis ${redis}, on the same machine`,
    `- tiercache at ${commits.join(', ')}`,
    `- ${versions.join(', ')}`,
  ].join('\n')
}

function commitsOf(results: Results): string[] {
  return [...new Set(results.workloads.map((one) => one.commit))]
}
