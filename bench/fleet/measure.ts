// Measures fleets of several sizes: each does one kind of work after another, while the servers count.
import { cpus } from 'node:os'
import { commitOf } from '../harness/commit.js'
import { quantile } from '../harness/statistics.js'
import { say } from '../harness/workbench.js'
import type { BusCosts } from './bus-costs.js'
import { fitCosts, measureDelivery } from './costs.js'
import { FleetProcess } from './fleet-process.js'
import type { Work } from './messages.js'
import { between, countsOf, type FleetServers, startServers, type Topology } from './servers.js'
import type { Simulated } from './simulate.js'

const EFFORT = { full: { sizes: [1, 2, 4, 8, 16], phaseMs: 3_000 }, short: { sizes: [1, 4, 8], phaseMs: 800 } }
/** Invalidations a second of the whole fleet, for the lag of the bus. */
export const PACES = [100, 1_000, 3_000]

export interface PhaseResult {
  readonly work: Work
  readonly forMs: number
  /** Operations a second of all processes. */
  readonly perSecond: number
  readonly lagP50Ms: number
  readonly lagP99Ms: number
  /** Processor share of the busiest node. 1 is one core. */
  readonly redisShare: number
  /** Of the node with the stream, or of the only one. */
  readonly redisCpuMs: number
  readonly messages: number
  readonly rounds: number
  readonly processCpuMs: number
}

export interface FleetResult {
  readonly topology: Topology
  readonly processes: number
  readonly connections: number
  readonly phases: readonly PhaseResult[]
}

export interface FleetResults {
  readonly commit: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly fleets: readonly FleetResult[]
  /** From the fleets on one Redis. */
  readonly costs: BusCosts
  readonly simulated?: readonly Simulated[]
}

export async function measureAll(given: { program: string; effort: keyof typeof EFFORT }): Promise<FleetResults> {
  const options = { program: given.program, ...EFFORT[given.effort] }
  let costs: BusCosts
  const fleets: FleetResult[] = []
  {
    await using one = await startServers('one Redis')
    fleets.push(...(await measureFleets('one Redis', one, options)))
    costs = fitCosts(fleets, await measureDelivery(one.nodes[0] as (typeof one.nodes)[number]))
  }
  await using three = await startServers('three masters')
  fleets.push(...(await measureFleets('three masters', three, options)))
  const [{ model } = { model: 'unknown' }, { length: cores }] = [cpus()[0], cpus()]
  return { commit: commitOf(), node: process.version, cpu: model, cores, fleets, costs }
}

interface MeasureOptions {
  readonly program: string
  readonly phaseMs: number
  readonly sizes: readonly number[]
}

async function measureFleets(
  topology: Topology,
  servers: FleetServers,
  options: MeasureOptions,
): Promise<FleetResult[]> {
  const results: FleetResult[] = []
  for (const processes of options.sizes) {
    const result = await measureFleet({ topology, servers, processes, ...options })
    results.push(result)
    say(
      `${topology}, ${processes} processes: ${result.phases.map((one) => `${one.work} ${one.perSecond.toFixed(0)}/s`).join(', ')}`,
    )
  }
  return results
}

type FleetOptions = MeasureOptions & { topology: Topology; servers: FleetServers; processes: number }

async function measureFleet({ topology, servers, processes, program, phaseMs }: FleetOptions): Promise<FleetResult> {
  const ports = servers.nodes.map(({ port }) => port)
  const fleet: FleetProcess[] = []
  try {
    while (fleet.length < processes) {
      const assignment = { process: fleet.length, ports, isCluster: topology === 'three masters' }
      fleet.push(await FleetProcess.start(program, assignment))
    }
    await fleet[0]?.fill()
    const phases: PhaseResult[] = []
    for (const work of ['reads', 'misses', 'invalidations'] as const)
      phases.push(await runPhase(servers, fleet, { work, forMs: phaseMs, pace: 0 }))
    for (const pace of PACES) phases.push(await runPhase(servers, fleet, { work: 'paced', forMs: phaseMs, pace }))
    const counted = await Promise.all(servers.nodes.map(countsOf))
    // One connection is that of INFO itself.
    const connections = counted.reduce((sum, one) => sum + one.connections - 1, 0)
    return { topology, processes, connections, phases }
  } finally {
    await Promise.all(fleet.map((one) => one.end()))
  }
}

async function runPhase(
  { nodes }: FleetServers,
  fleet: readonly FleetProcess[],
  { work, forMs, pace }: { work: Work; forMs: number; pace: number },
): Promise<PhaseResult> {
  const before = await Promise.all(nodes.map(countsOf))
  const startMs = performance.now()
  const perSecond = pace / fleet.length
  const worked = await Promise.all(fleet.map((one) => one.work({ do: work, forMs, perSecond })))
  const tookMs = performance.now() - startMs
  const after = await Promise.all(nodes.map(countsOf))
  const counted = after.map((counts, i) => between(before[i] as (typeof before)[number], counts))
  const bus = counted.reduce((most, one) => ((one.calls.xread ?? 0) > (most.calls.xread ?? 0) ? one : most))
  const lags = worked.flatMap(({ lagsMs }) => lagsMs).sort((a, b) => a - b)
  return {
    work,
    forMs: tookMs,
    perSecond: worked.reduce((sum, one) => sum + (one.done * 1_000) / one.tookMs, 0),
    lagP50Ms: quantile(lags, 0.5),
    lagP99Ms: quantile(lags, 0.99),
    redisShare: Math.max(...counted.map(({ cpuMs }) => cpuMs / tookMs)),
    redisCpuMs: bus.cpuMs,
    messages: bus.calls.xadd ?? 0,
    rounds: bus.calls.xread ?? 0,
    processCpuMs: worked.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  }
}
