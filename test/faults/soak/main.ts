// npm run soak -- --minutes 2 [--processes 3] [--rate 2000]: processes under zipf traffic with random troubles; prints figures at the end.
// The rate is that of all processes, in operations a second; as many as come if not given. Exits with code 1 if a read was rejected, a
// guarantee was broken, memory, handles or the keys in Redis grew, or a process did not end by itself.
import { parseArgs } from 'node:util'
import { figuresOf, inWords, problemsOf } from './figures.js'
import { runSoak } from './run.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    processes: { type: 'string', default: '3' },
    rate: { type: 'string' },
  },
})
const durationMs = Number(values.minutes) * 60_000
const processes = Number(values.processes)
const perSecond = values.rate === undefined ? undefined : Number(values.rate)
if (!(durationMs > 0) || !(processes >= 1)) throw new Error('expected --minutes above 0 and --processes of 1 or more')
if (perSecond !== undefined && !(perSecond >= 1)) throw new Error(`expected --rate of 1 or more; got ${values.rate}`)

const figures = figuresOf(await runSoak({ durationMs, processes, loops: 6, maxStalenessMs: 1_000, perSecond }))
process.stdout.write(`${inWords(figures)}\n`)
const problems = problemsOf(figures)
for (const problem of problems) process.stderr.write(`soak: ${problem}\n`)
process.exit(problems.length === 0 ? 0 : 1)
