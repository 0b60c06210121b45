// The results of the scenarios in words: the targets of services, a table of all, a chart.
import {
  COLD,
  FULL_SPEED,
  OFF,
  ON,
  RESTART,
  type ScenarioResult,
  type ScenarioResults,
  STORM,
  WARM_UP,
} from '../scenarios/run-scenarios.js'
import { barChart, type Chart } from './charts.js'
import { row, table } from './tables.js'

const SHOWN_IN_CHART = [OFF, FULL_SPEED, ON, STORM, RESTART]
const P95_MS = 10
const HIT_RATIO = 0.7
const PER_SECOND = 1_000

export function scenarioText(results: ScenarioResults): string {
  const { searchMs, command, commit } = results
  const about = `\`${command}\`; one search alone takes the database ${searchMs.toFixed(0)} ms; tiercache at ${commit}`
  return `${about}\n\n${askedTable(results)}\n\n${scenarioTable(results)}`
}

/** The targets of services, each with one and with two processes. */
function askedTable({ scenarios, searchMs }: ScenarioResults): string {
  const asked = (
    what: string,
    name: string,
    isReached: (one: ScenarioResult) => boolean,
    write: (one: ScenarioResult) => string,
  ) => {
    const found = scenarios.filter((one) => one.scenario === name)
    return row([what, ...[1, 2].map((n) => cell(found.find((one) => one.processes === n)))])
    function cell(one: ScenarioResult | undefined): string {
      return one === undefined ? '–' : `${write(one)}: ${isReached(one) ? 'yes' : 'no'}`
    }
  }
  const calm = scenarios.filter((one) => one.scenario !== COLD)
  const errorsOf = (one: ScenarioResult) =>
    calm.filter((other) => other.processes === one.processes).reduce((sum, other) => sum + other.load.errors, 0)
  const rows = [
    asked(
      `p95 of a cached endpoint ≤ ${P95_MS} ms where the database takes ${searchMs.toFixed(0)} ms`,
      ON,
      (one) => one.load.p95Ms <= P95_MS,
      (one) => `${one.load.p95Ms.toFixed(1)} ms`,
    ),
    asked(
      `hit ratio ≥ ${HIT_RATIO * 100} % under zipf traffic`,
      ON,
      (one) => (one.hitRatio ?? 0) >= HIT_RATIO,
      (one) => percent(one.hitRatio),
    ),
    asked(
      'the same while the cache fills',
      WARM_UP,
      (one) => (one.hitRatio ?? 0) >= HIT_RATIO,
      (one) => percent(one.hitRatio),
    ),
    asked(
      `≥ ${PER_SECOND.toLocaleString('en')} requests a second`,
      FULL_SPEED,
      (one) => one.load.perSecond >= PER_SECOND,
      (one) => one.load.perSecond.toFixed(0),
    ),
    asked(
      'no error in any scenario',
      ON,
      (one) => errorsOf(one) === 0,
      (one) => String(errorsOf(one)),
    ),
    asked(
      '1,000 concurrent callers on a cold key → 1 query',
      COLD,
      (one) => one.queries === 1 && one.load.errors === 0,
      (one) => String(one.queries),
    ),
  ]
  return table(['asked for', 'one process', 'two processes'], rows)
}

function scenarioTable({ scenarios }: ScenarioResults): string {
  const rows = scenarios.map((one) =>
    row([
      String(one.processes),
      one.scenario,
      ...[one.load.p50Ms, one.load.p95Ms, one.load.p99Ms].map((ms) => ms.toFixed(1)),
      one.load.perSecond.toFixed(0),
      one.queries < 10 ? `${one.queries} in all` : one.queriesPerSecond.toFixed(1),
      percent(one.hitRatio),
      String(one.load.errors),
    ]),
  )
  const latencies = ['p50 ms', 'p95 ms', 'p99 ms']
  return table(['processes', 'scenario', ...latencies, 'requests/s', 'queries/s', 'hit ratio', 'errors'], rows)
}

export function scenarioChart({ scenarios, command }: ScenarioResults): Chart {
  const shown = scenarios.filter((one) => SHOWN_IN_CHART.includes(one.scenario))
  const groups = shown.map((one) => `${one.scenario}, ${one.processes === 1 ? 'one process' : 'two processes'}`)
  const series = (name: string, pick: (one: ScenarioResult) => number) => ({
    name,
    values: shown.map((one) => Number(pick(one).toFixed(1))),
  })
  const title = 'A search endpoint before PostgreSQL: latencies in ms'
  return barChart({ name: 'scenarios', title, command, unit: 'ms' }, groups, [
    series('p50', (one) => one.load.p50Ms),
    series('p95', (one) => one.load.p95Ms),
    series('p99', (one) => one.load.p99Ms),
  ])
}

function percent(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${(ratio * 100).toFixed(1)} %`
}
