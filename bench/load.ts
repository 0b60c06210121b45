// npm run load -- --scenario http [--seconds <n>] [--write]: an open-loop load test whose thresholds are ratios and counts. Ends with 1 if one
// does not hold. About half a minute. With --write the results go to results/load-http.json and docs/benchmarks.md.
import { parseArgs } from 'node:util'
import { barsOf } from './load/bars.js'
import { loadHttp } from './load/http.js'

const { values: asked } = parseArgs({
  options: { scenario: { type: 'string' }, seconds: { type: 'string', default: '8' }, write: { type: 'boolean' } },
})
if (asked.scenario !== 'http') throw new Error(`expected --scenario http; got ${asked.scenario ?? 'none'}`)
const seconds = Number(asked.seconds)
if (!(seconds >= 1 && seconds <= 60)) throw new Error(`expected --seconds from 1 to 60; got ${asked.seconds}`)

const load = await loadHttp('npm run load -- --scenario http', seconds)
const bars = barsOf(load)
for (const [name, { p50Ms, p95Ms, p99Ms }] of Object.entries({ uncached: load.uncached, cached: load.cached }))
  console.log(`${name} reads: p50 ${p50Ms.toFixed(1)}, p95 ${p95Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`)
for (const { what, toReach, measured, holds } of bars)
  console.log(`${holds ? 'ok ' : 'NOT'} ${what.padEnd(58)} ${toReach.padEnd(10)} ${measured}`)
process.exitCode = bars.every(({ holds }) => holds) ? 0 : 1
