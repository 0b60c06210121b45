// The tables of a fleet, measured and simulated.
import { join } from 'node:path'
import { row, table } from '../harness/tables.js'
import { BENCH } from '../harness/workbench.js'
import type { BusCosts } from './bus-costs.js'
import { type FleetResults, PACES, type PhaseResult } from './measure.js'
import { holds, type Simulated } from './simulate.js'

export const FLEET_RESULTS = join(BENCH, 'results/fleet.json')

export function measuredText(results: FleetResults): string {
  const { cpu, cores, node, commit } = results
  return `\`npm run bench:fleet\`; ${cpu}, ${cores} cores, Node ${node}, tiercache at ${commit}\n\n${measuredTable(results)}`
}

export function simulatedText(costs: BusCosts, simulated: readonly Simulated[]): string {
  const largest = Math.max(...simulated.map(({ processes }) => processes))
  return `\`npm run bench:fleet -- --simulate ${largest}\`. ${costsLine(costs)}\n\n${simulatedTable(simulated)}`
}

function measuredTable({ fleets }: FleetResults): string {
  const pace = (one: number) => `lag at ${one.toLocaleString('en')}/s, p50 / p99 ms`
  const columns = ['Redis', 'processes', 'reads/s', 'misses/s', 'invalidations/s', ...PACES.map(pace), 'connections']
  const rows = fleets.map(({ topology, processes, connections, phases }) => {
    const done = (work: PhaseResult['work']) => {
      const phase = phases.find((one) => one.work === work)
      return phase === undefined ? '–' : `${writeRate(phase.perSecond)} (${writeShare(phase.redisShare)})`
    }
    const lags = phases
      .filter(({ work }) => work === 'paced')
      .map((one) => `${writeMs(one.lagP50Ms)} / ${writeMs(one.lagP99Ms)}`)
    return row([
      topology,
      String(processes),
      done('reads'),
      done('misses'),
      done('invalidations'),
      ...lags,
      String(connections),
    ])
  })
  return table(columns, rows)
}

function simulatedTable(simulated: readonly Simulated[]): string {
  const columns = [
    'processes',
    'messages/s',
    'Redis: least',
    'Redis: taken',
    'a command waits, p99 ms',
    'a process busy',
    'lag p50 / p99 ms',
    'messages per reply',
    'sent MB/s',
    'holds',
  ]
  const rows = simulated.map((one) =>
    row([
      one.processes.toLocaleString('en'),
      one.perSecond.toLocaleString('en'),
      writeShare(one.leastShare),
      writeShare(one.redisShare),
      writeMs(one.waitP99Ms),
      writeShare(one.processShare),
      `${writeMs(one.lagP50Ms)} / ${writeMs(one.lagP99Ms)}`,
      one.perReply.toFixed(1),
      one.sentMbPerSecond.toFixed(1),
      holds(one) ? 'yes' : '**no**',
    ]),
  )
  return table(columns, rows)
}

function costsLine(costs: BusCosts): string {
  const us = (value: number) => `${value.toPrecision(3)} µs`
  return (
    `Costs: Redis ${us(costs.appendUs)} a message, ${us(costs.roundUs)} a round, ${us(costs.deliveryUs)} and ${costs.deliveryBytes.toFixed(0)} bytes ` +
    `a delivery; a process ${us(costs.turnUs)} a round and ${us(costs.hearUs)} a message that it hears.`
  )
}

function writeRate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en')
}

function writeShare(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}

/** A fleet of one process hears nobody. */
function writeMs(ms: number): string {
  return Number.isFinite(ms) ? ms.toPrecision(2) : '–'
}
