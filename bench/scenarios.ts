// npm run bench:scenarios: measures the scenarios, writes results/scenarios.json and its chart.
import { join } from 'node:path'
import { BENCH, prepareWorkbench } from './harness/workbench.js'

prepareWorkbench()
const { runScenarios } = await import('./scenarios/run-scenarios.js')
const { writeResults } = await import('./harness/results.js')
const { writeReport } = await import('./harness/report.js')

writeResults(join(BENCH, 'results/scenarios.json'), await runScenarios())
writeReport()
