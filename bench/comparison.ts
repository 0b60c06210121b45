// npx tsx bench/comparison.ts: does the experiments that docs/comparison.md shows, with the published packages, and writes their outcomes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH, prepareWorkbench, say } from './harness/workbench.js'

prepareWorkbench()
const { runComparison, tableOf } = await import('./comparison/run-comparison.js')

const outcomes = await runComparison()
writeFileSync(join(BENCH, 'results/comparison.json'), `${JSON.stringify(outcomes, null, 2)}\n`)
say(tableOf(outcomes))
process.exit(0) // Some of the others leave connections behind.
