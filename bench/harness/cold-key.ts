// 1,000 callers in four processes read the same key, which is not cached, at the same moment.
import type { Workload } from '../workloads/workload.js'
import { LibraryProcess } from './library-process.js'
import type { ContenderResult, WorkloadResult } from './results.js'
import { describe, type RunOptions } from './run-workload.js'
import { summarize } from './statistics.js'

const PROCESSES = 4
const CALLERS = 1_000
/** Time until all processes have received the message. */
const NOTICE_MS = 60

export async function runColdKey(workload: Workload, options: RunOptions): Promise<WorkloadResult> {
  const contenders: ContenderResult[] = []
  for (const [i, { label, peer, params }] of workload.contenders.entries()) {
    if (options.only?.({ label, peer }) === false) continue
    const assignment = {
      peer,
      drill: workload.drill,
      params: { ...workload.params, ...params },
      redisPort: options.redis.port,
      prefix: `cold${i}`,
    }
    const profile = options.profileOf?.(workload.id, { label, peer })
    const processes: LibraryProcess[] = []
    try {
      for (let p = 0; p < PROCESSES; p++)
        processes.push(await LibraryProcess.start({ ...assignment, profile: p === 0 ? profile : undefined }, options))
      const rushes = await rushThrough(processes, options.effort === 'full' ? (workload.rounds ?? 9) : 5)
      const loads = summarize(rushes.map((rush) => rush.loads))
      contenders.push({
        label,
        peer,
        cost: summarize(rushes.map((rush) => rush.tookMs)),
        details: { loads: loads.median },
      })
    } catch (error) {
      contenders.push({ label, peer, failure: error instanceof Error ? error.message : String(error) })
    } finally {
      await Promise.all(processes.map((one) => one.end()))
    }
  }
  return { ...describe(workload), slices: 0, discarded: 0, busy: 0, contenders }
}

async function rushThrough(processes: readonly LibraryProcess[], rounds: number) {
  const rushes: { loads: number; tookMs: number }[] = []
  for (let round = -2; round < rounds; round++) {
    const atEpochMs = Date.now() + NOTICE_MS
    const reports = await Promise.all(
      processes.map((one) => one.rush(`user:${round + 100}`, atEpochMs, CALLERS / processes.length)),
    )
    const loads = reports.reduce((sum, report) => sum + report.loads, 0)
    // The first two rounds are for warming up.
    if (round >= 0) rushes.push({ loads, tookMs: Math.max(...reports.map((report) => report.tookMs)) })
  }
  return rushes
}
