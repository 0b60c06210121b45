// npm run bench:fleet [-- --short]: measures fleets of 1 to 16 processes on one Redis and on three masters, and writes
// results/fleet.json and its tables. About 5 minutes; --short takes 1, and writes nothing.
// npm run bench:fleet -- --simulate 1000 [--rate 2000]: simulates fleets of up to so many processes from the costs in
// results/fleet.json, or from those of a short measurement if there are none.
import { parseArgs } from 'node:util'
import { compileProgram, prepareWorkbench, say } from './harness/workbench.js'

const { values: asked } = parseArgs({
  options: { short: { type: 'boolean' }, simulate: { type: 'string' }, rate: { type: 'string' } },
})
const largest = asked.simulate === undefined ? undefined : positive('--simulate', asked.simulate)
const rate = asked.rate === undefined ? undefined : positive('--rate', asked.rate)

prepareWorkbench()
const { measureAll } = await import('./fleet/measure.js')
const { FLEET_RESULTS, measuredText, simulatedText } = await import('./fleet/fleet-report.js')
const { simulateUpTo } = await import('./fleet/simulate.js')
const { writeReport } = await import('./harness/report.js')
const { readJson, writeResults } = await import('./harness/results.js')
type FleetResults = Awaited<ReturnType<typeof measureAll>>

const stored = readJson<FleetResults>(FLEET_RESULTS)
if (largest === undefined) {
  const measured = await measure(asked.short === true ? 'short' : 'full')
  say(measuredText(measured))
  if (asked.short !== true) store(measured)
} else {
  const base = stored ?? (await measure('short'))
  const simulated = simulateUpTo(largest, base.costs, rate)
  say(simulatedText(base.costs, simulated))
  // One rate is a question of today. The tables have all of them.
  if (stored !== undefined && rate === undefined) store({ ...stored, simulated })
}

async function measure(effort: 'full' | 'short'): Promise<FleetResults> {
  return measureAll({ program: await compileProgram('fleet/worker.ts'), effort })
}

function store(results: FleetResults): void {
  writeResults(FLEET_RESULTS, results)
  writeReport()
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value >= 1)) throw new Error(`expected ${name} of 1 or more; got ${text}`)
  return value
}
