// npm run bench:check [-- --only <workload> …] [--against <results.json>]: a short run of tiercache and the floors, compared with the
// committed figures. Fails if something costs more by far more than chance. It is meant for use before a release, not in CI, where
// machines vary too much.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BENCH, prepareWorkbench, say } from './harness/workbench.js'

const { values: asked } = parseArgs({
  options: { only: { type: 'string', multiple: true }, against: { type: 'string' } },
})

prepareWorkbench()
const { ALL_IDS, runSuite } = await import('./suite.js')
const { compare, whyNotCompared } = await import('./harness/compare.js')
const { readResults } = await import('./harness/results.js')
const { OURS } = await import('./workloads/contenders.js')
type Comparison = ReturnType<typeof compare>

const path = resolve(asked.against ?? join(BENCH, 'results/latest.json'))
const committed = readResults(path)
if (committed === undefined) throw new Error(`there is no ${path} to compare with; run npm run bench first`)
const only = (one: { peer: string }) => [OURS, 'floor: lru-cache', 'floor: ioredis'].includes(one.peer)

const ids = ALL_IDS.filter((id) => asked.only === undefined || asked.only.some((begin) => id.startsWith(begin)))
const compared = ids.filter((id) => {
  const then = committed.workloads.find((one) => one.id === id)
  const reason = then === undefined ? 'has no committed figure' : whyNotCompared(then)
  if (reason !== undefined) say(`${id}: not compared: ${reason}`)
  return reason === undefined
})
if (compared.length === 0) throw new Error(`no workload of ${path} can be compared`)

let worse = await worseThanCommitted(compared)
// A workload is rarely hit by chance twice in a row.
if (worse.length > 0) {
  say(`once more: ${worse.map((one) => one.id).join(', ')}`)
  worse = await worseThanCommitted(worse.map((one) => one.id))
}
if (worse.length > 0) {
  say(['costs far more than committed:', ...worse.map((one) => one.text)].join('\n  '))
  process.exitCode = 1
} else say(`none of ${compared.length} workloads costs far more than committed`)

async function worseThanCommitted(wanted: readonly string[]): Promise<Comparison[]> {
  const { workloads } = await runSuite({ ids: wanted, effort: 'short', only })
  const comparisons = workloads.flatMap((now) => {
    const then = committed?.workloads.find((one) => one.id === now.id)
    return then === undefined ? [] : [compare(then, now)]
  })
  return comparisons.filter((one) => one.multiple > one.margin)
}
