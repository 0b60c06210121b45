// npm run bench:check: a short run of ours beside the floors, compared with the committed figures. Fails where something became
// slower by far more than chance; not for CI, whose machines are no yardstick, but before a release.
import { join } from 'node:path'
import { BENCH, prepareWorkbench, say } from './harness/workbench.js'

/** Two short runs on a busy machine differ by less. */
const MARGIN = 1.6
/** Too long for a short run, or of no ratio. */
const LEFT_OUT = new Set(['l1-million', 'cold-key', 'import-core', 'import-redis'])

prepareWorkbench()
const { ALL_IDS, runSuite } = await import('./suite.js')
const { ownFigure, figureOf } = await import('./harness/figures.js')
const { readResults } = await import('./harness/results.js')
const { OURS } = await import('./workloads/contenders.js')

const committed = readResults(join(BENCH, 'results/latest.json'))
if (committed === undefined)
  throw new Error('there is no bench/results/latest.json to compare with; run npm run bench first')
const ids = ALL_IDS.filter((id) => !LEFT_OUT.has(id) && committed.workloads.some((one) => one.id === id))
const only = (one: { peer: string }) =>
  one.peer === OURS || one.peer === 'floor: lru-cache' || one.peer === 'floor: ioredis'

let slower = await slowerThanCommitted(ids)
// Chance hits a workload twice in a row much more seldom.
if (slower.length > 0) {
  say(`once more: ${slower.join(', ')}`)
  slower = await slowerThanCommitted(slower)
}
if (slower.length > 0) {
  say(`slower than committed by more than ${MARGIN} times: ${slower.join(', ')}`)
  process.exitCode = 1
} else say(`all ${ids.length} workloads are within ${MARGIN} times of what is committed`)

async function slowerThanCommitted(asked: readonly string[]): Promise<string[]> {
  const { workloads } = await runSuite({ ids: asked, effort: 'short', only })
  return workloads.flatMap((now) => {
    const then = committed?.workloads.find((one) => one.id === now.id)
    const own = ownFigure(now)
    if (then === undefined || own === undefined) return [now.id]
    const before = then.contenders.find((one) => one.label === own.label)
    const ratio = figureOf(own, now) / (before === undefined ? Number.NaN : figureOf(before, then))
    say(`  ${now.id}: ${ratio.toFixed(2)} times the committed figure`)
    return ratio <= MARGIN ? [] : [now.id]
  })
}
