// A process that measures one library with one drill, a slice on each command.

import { type Bench, hits, misses, openBench, peek, readMany, type Slice, writes } from './drills.js'
import { heap, redisBytes } from './footprint.js'
import { invalidation } from './invalidation.js'
import type { Assignment, Command, DrillName, Report } from './messages.js'
import { startProfile } from './profile.js'
import { promisesPerHit, promisesPerMiss } from './promises.js'
import { calibrate } from './timing.js'
import { makeValue } from './values.js'

const LOAD_MS = 20
const DRILLS: Record<Exclude<DrillName, 'coldKey'>, (assignment: Assignment) => Promise<Slice>> = {
  ...{ hits, peek, readMany, misses, writes, invalidation, promisesPerHit, promisesPerMiss, heap, redisBytes },
}

const assignment = JSON.parse(process.argv[2] as string) as Assignment
let slice: Slice | undefined
let bench: Bench | undefined
let coldLoads = 0
let endProfile: (() => Promise<void>) | undefined

process.on('message', (command: Command) => {
  void obey(command).catch((error) => say({ report: 'failed', reason: reasonOf(error) }))
})

try {
  for (let i = 0; i < 10; i++) calibrate()
  if (assignment.drill === 'coldKey') bench = await openCold()
  else slice = await DRILLS[assignment.drill](assignment)
  say({ report: 'ready' })
} catch (error) {
  say({ report: 'failed', reason: reasonOf(error) })
}

async function obey(command: Command): Promise<void> {
  if (assignment.profile !== undefined && command.do !== 'end') endProfile ??= await startProfile(assignment.profile)
  switch (command.do) {
    case 'slice': {
      const before = calibrate()
      const cpuBefore = process.cpuUsage()
      const startMs = performance.now()
      const measured = await (slice as Slice)(command.budgetMs)
      const { user, system } = process.cpuUsage(cpuBefore)
      const cpuShare = (user + system) / 1_000 / (performance.now() - startMs)
      return say({ report: 'slice', ...measured, cpuShare, calibrationMs: [before, calibrate()] })
    }
    case 'rush':
      return say({ report: 'rush', ...(await rush(command)) })
    case 'end':
      await endProfile?.()
      process.exit(0)
      break
    default:
      command satisfies never
  }
}

/** An empty cache whose loader takes a while. */
function openCold(): Promise<Bench> {
  return openBench(assignment, {
    load: async (key) => {
      coldLoads++
      await new Promise((resolve) => setTimeout(resolve, LOAD_MS))
      return makeValue(key)
    },
  })
}

/** Many callers read one key at the moment that all processes were given. */
async function rush(command: Extract<Command, { do: 'rush' }>): Promise<{ loads: number; tookMs: number }> {
  const { cache } = bench as Bench
  await new Promise((resolve) => setTimeout(resolve, command.atEpochMs - Date.now() - 2))
  while (Date.now() < command.atEpochMs);
  const loads = coldLoads
  const startMs = performance.now()
  const values = await Promise.all(Array.from({ length: command.callers }, () => cache.read(command.key)))
  const tookMs = performance.now() - startMs
  if (values.some((value) => (value as { key: string }).key !== command.key))
    throw new Error('a caller got another value')
  return { loads: coldLoads - loads, tookMs }
}

function say(report: Report): void {
  process.send?.(report)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
