// The workloads of a run, one after another, of every kind.
import { join } from 'node:path'
import { startRedis } from '../test/support/redis-server.js'
import { BUNDLE_ID, weighBundles } from './harness/bundles.js'
import { runColdKey } from './harness/cold-key.js'
import { describeEnvironment } from './harness/environment.js'
import { IMPORT_IDS, measureImports } from './harness/import-times.js'
import { profileFolder, sayProfile } from './harness/profile.js'
import type { Results, WorkloadResult } from './harness/results.js'
import { type RunOptions, runWorkload } from './harness/run-workload.js'
import { compileProgram, say } from './harness/workbench.js'
import { WORKLOADS } from './workloads/all.js'
import type { Contender } from './workloads/workload.js'

export const ALL_IDS: readonly string[] = [...WORKLOADS.map((workload) => workload.id), ...IMPORT_IDS, BUNDLE_ID]

export interface SuiteOptions {
  readonly ids: readonly string[]
  readonly effort: RunOptions['effort']
  readonly only?: (contender: Contender) => boolean
  readonly rounds?: number
  /** A program beside whose build each contender is measured. */
  readonly programBefore?: string
  /** The library whose worker is profiled. */
  readonly profiled?: string | undefined
  /** Called after each workload, so that an interrupted run keeps its results. */
  readonly measured?: (results: Results) => void
}

export async function runSuite(given: SuiteOptions): Promise<Results> {
  const { ids, effort, only, rounds, profiled, measured, programBefore } = given
  const program = await compileProgram('worker/worker.ts')
  await using redis = await startRedis({ args: ['--hz', '10'] })
  const version = (await redis.info('server')).redis_version ?? 'unknown'
  const environment = describeEnvironment(version)
  const profiles: string[] = []
  const folder = profiled === undefined ? '' : profileFolder()
  const profileOf = (workload: string, { peer, label }: Contender) => {
    if (peer !== profiled) return undefined
    profiles.push(join(folder, `${workload}-${label.replaceAll(/\W+/g, '-')}.cpuprofile`))
    return profiles.at(-1)
  }
  const options: RunOptions = { program, programBefore, redis, effort, only, rounds, profileOf }
  const workloads: WorkloadResult[] = []
  for (const id of ids) {
    const startMs = performance.now()
    const result = await runOne(id, options)
    workloads.push(result)
    measured?.({ environment, workloads: [result] })
    say(summaryOf(result, performance.now() - startMs))
    for (const path of profiles.splice(0)) sayProfile(path)
  }
  return { environment, workloads }
}

async function runOne(id: string, options: RunOptions): Promise<WorkloadResult> {
  const importId = IMPORT_IDS.find((one) => one === id)
  if (importId !== undefined) return measureImports(importId, options.effort === 'full' ? 11 : 3)
  if (id === BUNDLE_ID) return weighBundles()
  const workload = WORKLOADS.find((one) => one.id === id)
  if (workload === undefined) throw new Error(`there is no workload ${id}; there are ${ALL_IDS.join(', ')}`)
  return workload.drill === 'coldKey' ? runColdKey(workload, options) : runWorkload(workload, options)
}

function summaryOf(result: WorkloadResult, tookMs: number): string {
  const lines = result.contenders.map(({ label, cost, ratio, failure, details }) => {
    if (cost === undefined) return `    ${label}: ${failure}`
    const multiple =
      ratio === undefined ? '' : `  ${ratio.median.toFixed(2)} × (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`
    return `    ${label}: ${cost.median.toPrecision(4)} ${result.unit}${multiple}${details === undefined ? '' : `  ${JSON.stringify(details)}`}`
  })
  const busy = `${result.discarded} of ${result.slices} slices done again, ${result.busy} kept while busy`
  return [
    `${result.id}: ${result.title} (reach ${result.reach}; ${(tookMs / 1_000).toFixed(1)} s; ${busy})`,
    ...lines,
  ].join('\n')
}
