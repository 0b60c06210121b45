// Runs one workload from start to end and summarizes it.
import type { RedisServer } from '../../test/support/redis-server.js'
import type { DrillName } from '../worker/messages.js'
import type { Contender, Workload } from '../workloads/workload.js'
import { commitOf } from './commit.js'
import { LibraryGroup, type Measurable } from './library-group.js'
import { LibraryProcess } from './library-process.js'
import type { ContenderResult, WorkloadResult } from './results.js'
import { type Measured, measureInterleaved, type Series, TRIES } from './slices.js'
import { summarize } from './statistics.js'

const PREFIX = 'bench'
const STARTED_AT_ONCE = 2

export interface RunOptions {
  readonly program: string
  /** The same program on the build of an earlier commit. */
  readonly programBefore?: string | undefined
  readonly redis: RedisServer
  /** 'short': fewer rounds, and only the contenders that `only` selects. */
  readonly effort: 'full' | 'short' | 'profile'
  readonly only?: ((contender: Contender) => boolean) | undefined
  /** Overrides the number of rounds of the effort. */
  readonly rounds?: number | undefined
  /** The file for the profile of a contender, if one is requested. */
  readonly profileOf?: ((workload: string, contender: Contender) => string | undefined) | undefined
}

const WITHOUT_WARM_UP: ReadonlySet<DrillName> = new Set(['heap', 'redisBytes', 'invalidation'])

const EFFORT = {
  full: { rounds: 9, sliceMs: 110, warmUpMs: 400 },
  short: { rounds: 5, sliceMs: 80, warmUpMs: 300 },
  profile: { rounds: 5, sliceMs: 1_000, warmUpMs: 1_000 },
}

export async function runWorkload(workload: Workload, options: RunOptions): Promise<WorkloadResult> {
  const { redis, effort } = options
  await redis.command('FLUSHALL')
  const chosen = workload.contenders.filter(options.only ?? (() => true))
  const contenders = options.programBefore === undefined ? chosen : chosen.flatMap(withBefore)
  const { libraries, failures } = await start(workload, contenders, options)
  try {
    const plan = { ...EFFORT[effort] }
    if (workload.rounds !== undefined) plan.rounds = effort === 'full' ? workload.rounds : Math.min(5, workload.rounds)
    if (options.rounds !== undefined) plan.rounds = Math.min(plan.rounds, options.rounds)
    if (workload.sliceMs !== undefined && effort === 'full') plan.sliceMs = workload.sliceMs
    if (WITHOUT_WARM_UP.has(workload.drill)) plan.warmUpMs = 0
    // Sizes and counts are the same on a busy machine.
    const tries = workload.group === 'footprint' || workload.group === 'promises' ? 1 : TRIES
    const clock = options.programBefore !== undefined && workload.unit === 'ns' ? 'processor' : 'wall'
    const series = await measureInterleaved(libraries, { ...plan, tries, clock })
    return {
      ...describe(workload),
      ...{ slices: series.slices, discarded: series.discarded, busy: series.busy },
      contenders: contenders.map((contender) => sumUp(contender, contenders, series, failures)),
    }
  } finally {
    await Promise.all([...libraries.values()].map((library) => library.end()))
  }
}

export function describe(workload: Workload) {
  const { id, group, title, floor, reach, judged, unit } = workload
  const command = `npm run bench -- --only ${id}`
  return {
    id,
    group,
    title,
    floor,
    reach,
    judged,
    unit,
    command,
    measuredAt: new Date().toISOString(),
    commit: commitOf(),
  }
}

async function start(workload: Workload, contenders: readonly Contender[], options: RunOptions) {
  const { redis, profileOf } = options
  const started = new Map<string, Measurable>()
  const failures = new Map<string, string>()
  const waiting = contenders.map((contender, i) => ({ contender, i }))
  const starter = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { contender, i } = next
      const assignment = {
        peer: contender.peer,
        drill: workload.drill,
        params: { ...workload.params, ...contender.params },
        redisPort: redis.port,
        prefix: `${PREFIX}${i}`,
        profile: profileOf?.(workload.id, contender),
      }
      try {
        const { processes } = workload
        const program = contender.build === 'before' ? (options.programBefore as string) : options.program
        const library =
          processes === undefined
            ? await LibraryProcess.start(assignment, { program })
            : await LibraryGroup.start(processes, assignment, { program })
        started.set(contender.label, library)
      } catch (error) {
        failures.set(contender.label, error instanceof Error ? error.message : String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: STARTED_AT_ONCE }, starter))
  const libraries = new Map<string, Measurable>()
  for (const { label } of contenders) {
    const library = started.get(label)
    if (library !== undefined) libraries.set(label, library)
  }
  return { libraries, failures }
}

/** A contender beside itself as it was. */
function withBefore(contender: Contender): Contender[] {
  const before: Contender = { ...contender, label: `${contender.label}, before`, build: 'before' }
  return [before, { ...contender, base: before.label }]
}

function sumUp(
  contender: Contender,
  contenders: readonly Contender[],
  { measured }: Series,
  failures: ReadonlyMap<string, string>,
): ContenderResult {
  const { label, peer } = contender
  const own = measured.get(label)
  const failure = failures.get(label) ?? own?.failure
  if (own === undefined || failure !== undefined) return { label, peer, failure: failure ?? 'was not measured' }
  const first = contenders[0] as Contender
  const base = measured.get(contender.base ?? (first.peer.startsWith('floor') ? first.label : ''))
  return {
    label,
    peer,
    cost: summarize(own.costs),
    ...(base === undefined || base === own || base.failure !== undefined
      ? {}
      : { ratio: summarize(ratios(own, base)) }),
    ...(own.details === undefined ? {} : { details: own.details }),
  }
}

/** By rounds: both were measured within the same moment. */
function ratios(own: Measured, base: Measured): number[] {
  return own.costs.map((cost, round) => cost / (base.costs[round] as number))
}
