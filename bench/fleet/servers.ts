// The servers of a fleet, one Redis or a cluster of three masters, and what their INFO says about a phase.
import { startRedisCluster } from '../../test/support/redis-cluster.js'
import { type RedisServer, startRedis } from '../../test/support/redis-server.js'

export const TOPOLOGIES = ['one Redis', 'three masters'] as const
export type Topology = (typeof TOPOLOGIES)[number]

export interface FleetServers extends AsyncDisposable {
  readonly nodes: readonly RedisServer[]
}

/** What one node counted so far. */
export interface NodeCounts {
  /** Processor time of the thread that runs commands. */
  readonly cpuMs: number
  readonly sentBytes: number
  readonly connections: number
  readonly calls: Readonly<Record<string, number>>
}

export async function startServers(topology: Topology): Promise<FleetServers> {
  if (topology === 'three masters') return startRedisCluster()
  const server = await startRedis()
  return { nodes: [server], [Symbol.asyncDispose]: () => server.stop() }
}

export async function countsOf(node: RedisServer): Promise<NodeCounts> {
  const info = await node.info('everything')
  const number = (name: string) => Number(info[name] ?? 0)
  const calls: Record<string, number> = {}
  for (const [field, text] of Object.entries(info)) {
    if (field.startsWith('cmdstat_')) calls[field.slice('cmdstat_'.length)] = Number(/calls=(\d+)/.exec(text)?.[1] ?? 0)
  }
  return {
    cpuMs: (number('used_cpu_user_main_thread') + number('used_cpu_sys_main_thread')) * 1_000,
    sentBytes: number('total_net_output_bytes'),
    connections: number('connected_clients'),
    calls,
  }
}

/** How much a node counted between two moments. The connections are those of the second. */
export function between(before: NodeCounts, after: NodeCounts): NodeCounts {
  const calls = Object.entries(after.calls).map(([name, count]) => [name, count - (before.calls[name] ?? 0)] as const)
  return {
    cpuMs: after.cpuMs - before.cpuMs,
    sentBytes: after.sentBytes - before.sentBytes,
    connections: after.connections,
    calls: Object.fromEntries(calls),
  }
}
