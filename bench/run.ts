// npm run bench [-- --only <workload> …] [--peer <name> …] [--rounds <n>] [--short] [--profile]: measures, and writes results,
// tables and charts. `npx -y -p node@24 npm run bench` does so on Node 24. With --profile it shows instead where the first peer (or tiercache) spends its time.
import { parseArgs } from 'node:util'
import { prepareWorkbench, say } from './harness/workbench.js'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    peer: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    short: { type: 'boolean' },
    profile: { type: 'boolean' },
  },
})

prepareWorkbench()
// Imported here, because these modules need the packages that were just installed.
const { ALL_IDS, runSuite } = await import('./suite.js')
const { OURS } = await import('./workloads/contenders.js')
const { mergeResults, readResults, resultsPath, writeResults } = await import('./harness/results.js')

const ids =
  values.only === undefined ? ALL_IDS : ALL_IDS.filter((id) => values.only?.some((asked) => id.startsWith(asked)))
if (ids.length === 0) throw new Error(`no workload is called ${values.only}; there are ${ALL_IDS.join(', ')}`)
const { peer: peers } = values
// A run of some libraries only, or a short one, is printed but not stored.
const isKept = peers === undefined && values.short !== true && values.profile !== true
const path = resultsPath()

await runSuite({
  ids,
  effort: values.profile === true ? 'profile' : values.short === true ? 'short' : 'full',
  profiled: values.profile === true ? (peers?.[0] ?? OURS) : undefined,
  ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
  ...(peers === undefined ? {} : { only: (one) => peers.includes(one.peer) || one.peer.startsWith('floor') }),
  measured: (results) => {
    if (isKept) writeResults(path, mergeResults(readResults(path), results, ALL_IDS))
  },
})

if (isKept) {
  say(`written: ${path}`)
  const { writeReport } = await import('./harness/report.js')
  writeReport()
}
