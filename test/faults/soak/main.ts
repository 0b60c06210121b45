// npm run soak -- --minutes 2 [--processes 3]: processes under zipf traffic with random troubles; prints figures at the end.
// Exits with code 1 if a read was rejected, a guarantee was broken, memory or handles grew, or a process did not end by itself.
import { parseArgs } from 'node:util'
import { figuresOf, inWords, problemsOf } from './figures.js'
import { runSoak } from './run.js'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '2' }, processes: { type: 'string', default: '3' } },
})
const durationMs = Number(values.minutes) * 60_000
const processes = Number(values.processes)
if (!(durationMs > 0) || !(processes >= 1)) throw new Error('expected --minutes above 0 and --processes of 1 or more')

const figures = figuresOf(await runSoak({ durationMs, processes, loops: 6, maxStalenessMs: 1_000 }))
process.stdout.write(`${inWords(figures)}\n`)
const problems = problemsOf(figures)
for (const problem of problems) process.stderr.write(`soak: ${problem}\n`)
process.exit(problems.length === 0 ? 0 : 1)
