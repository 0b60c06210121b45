// npm run bench:check [-- --only <workload> …] [--before <commit>]: short runs of this code beside that of an earlier commit, in the same
// moments and by processor time, so that it matters little what else the machine does. Fails if something costs a third more. By default the earlier commit
// is the one of the committed figures.
import { parseArgs } from 'node:util'
import { prepareWorkbench, say } from './harness/workbench.js'

const { values: asked } = parseArgs({
  options: { only: { type: 'string', multiple: true }, before: { type: 'string' } },
})

prepareWorkbench()
const { runSuite } = await import('./suite.js')
const { compare } = await import('./harness/compare.js')
const { programAt } = await import('./harness/earlier-build.js')
const { readResults, resultsPath } = await import('./harness/results.js')
const { judge, typicalOf } = await import('./harness/verdict.js')
const { WORKLOADS } = await import('./workloads/all.js')
const { OURS } = await import('./workloads/contenders.js')

/** The launches of one of our contenders. */
interface Launches {
  readonly id: string
  readonly name: string
  readonly multiples: number[]
  failure: string | undefined
}

/** A million entries take too long to fill; a rush of several processes is too rare an event. */
const NOT_COMPARED = ['l1-million', 'cold-key']

const ids = WORKLOADS.map(({ id }) => id).filter(
  (id) => !NOT_COMPARED.includes(id) && (asked.only === undefined || asked.only.some((begin) => id.startsWith(begin))),
)
if (ids.length === 0) throw new Error(`no workload that can be compared begins with ${asked.only?.join(' or ')}`)
// A plus sign marks figures of a tree that was not committed.
const commit = asked.before ?? readResults(resultsPath())?.environment.commit.replace('+', '')
if (commit === undefined) throw new Error('there are no committed figures; pass --before <commit>')
const programBefore = await programAt(commit)

const launches = new Map<string, Launches>()
for (let unsure = ids; unsure.length > 0; ) {
  const { workloads } = await runSuite({
    ids: unsure,
    effort: 'short',
    only: ({ peer }) => peer === OURS,
    programBefore,
  })
  for (const comparison of workloads.flatMap(compare)) add(comparison)
  unsure = unsure.filter((id) => launchesOf(id).some(({ multiples }) => judge(multiples) === 'unsure'))
}

for (const id of ids) if (launchesOf(id).length === 0) say(`not compared: ${id} does not run at ${commit}`)
const verdicts = [...launches.values()].map((one) => ({ ...one, verdict: judge(one.multiples) }))
const worse = verdicts.filter(({ verdict }) => verdict === 'worse')
for (const { name, verdict, multiples, failure } of verdicts)
  say(
    `${verdict}  ${name}: ${typicalOf(multiples).toFixed(2)} times (${multiples.length} launches)${failure === undefined ? '' : `; failed: ${failure}`}`,
  )
say(`${worse.length} of ${verdicts.length} figures cost a third more than at ${commit}`)
if (worse.length > 0) say(`look closer with npm run bench -- --only <workload> --peer ${OURS} --profile`)
process.exitCode = worse.length === 0 ? 0 : 1

function add({ id, label, multiple, failure }: ReturnType<typeof compare>[number]): void {
  const name = `${id} (${label})`
  const one = launches.get(name) ?? { id, name, multiples: [], failure }
  one.multiples.push(multiple)
  one.failure = failure ?? one.failure
  launches.set(name, one)
}

function launchesOf(id: string): Launches[] {
  return [...launches.values()].filter((one) => one.id === id)
}
