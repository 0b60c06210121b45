// npm run bench:check [-- --only <workload> …] [--against <results.json>]: short runs of tiercache and the floors, compared with the
// committed figures of this version of Node. Fails if something costs a third more. It is meant for use before a release, not in CI,
// where machines vary too much.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { prepareWorkbench, say } from './harness/workbench.js'

const { values: asked } = parseArgs({
  options: { only: { type: 'string', multiple: true }, against: { type: 'string' } },
})

prepareWorkbench()
const { ALL_IDS, runSuite } = await import('./suite.js')
const { compare, whyNotCompared } = await import('./harness/compare.js')
const { readResults, resultsPath } = await import('./harness/results.js')
const { judge, typicalOf } = await import('./harness/verdict.js')
const { OURS } = await import('./workloads/contenders.js')

/** The launches of one of our contenders. */
interface Launches {
  readonly id: string
  readonly name: string
  readonly multiples: number[]
  /** What the last launch showed. */
  text: string
}

const path = asked.against === undefined ? resultsPath() : resolve(asked.against)
const committed = readResults(path)
if (committed === undefined) throw new Error(`there is no ${path} to compare with; run npm run bench first`)
const only = (one: { peer: string }) => [OURS, 'floor: lru-cache', 'floor: ioredis'].includes(one.peer)

const compared = ALL_IDS.filter((id) => {
  if (asked.only !== undefined && !asked.only.some((begin) => id.startsWith(begin))) return false
  const then = committed.workloads.find((one) => one.id === id)
  const reason = then === undefined ? 'has no committed figure' : whyNotCompared(then)
  if (reason !== undefined) say(`${id}: not compared: ${reason}`)
  return reason === undefined
})
if (compared.length === 0) throw new Error(`no workload of ${path} can be compared`)

const launches = new Map<string, Launches>()
for (let unsure = compared; unsure.length > 0; ) {
  const { workloads } = await runSuite({ ids: unsure, effort: 'short', only })
  for (const then of committed.workloads) {
    const now = workloads.find((one) => one.id === then.id)
    if (now !== undefined) for (const comparison of compare(then, now)) add(comparison)
  }
  unsure = unsure.filter((id) => launchesOf(id).some(({ multiples }) => judge(multiples) === 'unsure'))
}

const lines = compared.flatMap(launchesOf).map((one) => {
  const verdict = judge(one.multiples)
  return {
    verdict,
    line: `${one.name}: ${typicalOf(one.multiples).toFixed(2)} times (${one.multiples.length} launches; ${one.text})`,
  }
})
const worse = lines.filter(({ verdict }) => verdict === 'worse')
say(lines.map(({ verdict, line }) => `${verdict.padEnd(6)}  ${line}`).join('\n'))
say(
  worse.length === 0
    ? `none of ${lines.length} figures costs a third more than committed`
    : `${worse.length} of ${lines.length} figures cost a third more than committed; look closer with npm run bench -- --only <workload> --peer ${OURS} --profile`,
)
process.exitCode = worse.length === 0 ? 0 : 1

function add({ id, label, multiple, text }: ReturnType<typeof compare>[number]): void {
  const name = `${id} (${label})`
  const one = launches.get(name) ?? { id, name, multiples: [], text }
  one.multiples.push(multiple)
  one.text = text
  launches.set(name, one)
}

function launchesOf(id: string): Launches[] {
  return [...launches.values()].filter((one) => one.id === id)
}
