// A Redis Cluster for a test: three masters, replicas if requested, and a node time-out short enough for failover tests.

import { type RedisServer, startRedis } from './redis-server.js'
import type { Reply } from './resp.js'
import { waitFor } from './wait.js'

export interface ClusterOptions {
  readonly masters?: number
  readonly replicasPerMaster?: number
  /** Further arguments of every node. */
  readonly args?: readonly string[]
  readonly password?: string
  /** `cluster-node-timeout`: a dead master is replaced after about twice this time. */
  readonly nodeTimeoutMs?: number
}

const SLOTS = 16_384

/** Starts the nodes, distributes the slots evenly and waits until every node reports that the cluster is up. */
export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicasPerMaster = 0, nodeTimeoutMs = 1_000, args = [], password } = options
  const nodeArgs = [
    ...['--cluster-node-timeout', String(nodeTimeoutMs), '--cluster-replica-validity-factor', '0'],
    ...['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1', ...args],
  ]
  const nodes = await Promise.all(
    Array.from({ length: masters * (1 + replicasPerMaster) }, () =>
      startRedis({ mode: 'cluster', args: nodeArgs, ...(password !== undefined && { password }) }),
    ),
  )
  const cluster = new RedisCluster(nodes)
  try {
    await form(cluster, nodes.slice(0, masters), nodes.slice(masters))
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

export class RedisCluster {
  /** All nodes in the order in which they were started: first the masters, then the replicas (node `masters + i` copies master `i % masters`). */
  readonly nodes: readonly RedisServer[]

  constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes
  }

  /** Start-up nodes for a client. */
  get addresses(): { host: string; port: number }[] {
    return this.nodes.map(({ host, port }) => ({ host, port }))
  }

  node(index: number): RedisServer {
    const node = this.nodes[index]
    if (node === undefined) throw new Error(`the cluster has ${this.nodes.length} nodes, no node ${index}`)
    return node
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.#anyLive('CLUSTER', 'KEYSLOT', key))
  }

  /** The master that owns `slot`, according to the nodes that are alive. */
  async ownerOf(slot: number): Promise<RedisServer> {
    const ranges = (await this.#anyLive('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
    const range = ranges.find(([first, last]) => first <= slot && slot <= last)
    return this.#byPort(Number(range?.[2][1]))
  }

  async masterOf(key: string): Promise<RedisServer> {
    return this.ownerOf(await this.slotOf(key))
  }

  /** A live replica of `master`. */
  async replicaOf(master: RedisServer): Promise<RedisServer> {
    const replicas = (await this.#anyLive('CLUSTER', 'REPLICAS', await idOf(master))) as string[]
    const line = replicas.find((replica) => !/fail/.test(replica.split(' ')[2] ?? ''))
    return this.#byPort(Number(/:(\d+)@/.exec(line ?? '')?.[1]))
  }

  /** Begins to move `slot`: its owner replies ASK for missing keys, until `finishMigration`. */
  async startMigration(slot: number, to: RedisServer): Promise<void> {
    const from = await this.ownerOf(slot)
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from))
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to))
  }

  /** Moves the keys of `slot` that are still at its owner. With `limit` it moves only so many, so the slot stays in the middle of its migration. */
  async moveKeys(slot: number, to: RedisServer, limit = Number.POSITIVE_INFINITY): Promise<number> {
    const from = await this.ownerOf(slot)
    let moved = 0
    while (moved < limit) {
      const count = Math.min(100, limit - moved)
      const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, count)) as string[]
      if (keys.length === 0) break
      await from.command('MIGRATE', to.host, to.port, '', 0, 5_000, 'REPLACE', 'KEYS', ...keys)
      moved += keys.length
    }
    return moved
  }

  /** Moves the remaining keys and gives `slot` to its new owner. The old one replies MOVED. */
  async finishMigration(slot: number, to: RedisServer): Promise<void> {
    await this.moveKeys(slot, to)
    const id = await idOf(to)
    await to.command('CLUSTER', 'SETSLOT', slot, 'NODE', id)
    for (const node of await this.masters()) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', id)
    await waitFor(`slot ${slot} at its new owner`, async () => (await this.ownerOf(slot)).port === to.port)
  }

  /** The live nodes that are masters now. */
  async masters(): Promise<RedisServer[]> {
    const roles = await Promise.all(this.nodes.map((node) => node.command('ROLE').catch(() => undefined)))
    return this.nodes.filter((_, i) => (roles[i] as Reply[] | undefined)?.[0] === 'master')
  }

  /**
   * Kills the master of `key` and waits until its replica has taken over and all live nodes agree. Returns the new master. The replica
   * does not take over while `outage` runs, so the outage can be observed however busy the machine is.
   */
  async failover(key: string, outage: () => Promise<void> = async () => {}): Promise<RedisServer> {
    const dead = await this.masterOf(key)
    const replica = await this.replicaOf(dead)
    await replica.command('CONFIG', 'SET', 'cluster-replica-no-failover', 'yes')
    try {
      await dead.kill()
      await outage()
    } finally {
      await replica.command('CONFIG', 'SET', 'cluster-replica-no-failover', 'no')
    }
    await waitFor('the promotion of a replica', async () => (await this.masterOf(key)).port !== dead.port)
    await this.waitUntilUp(this.nodes.filter((node) => node !== dead))
    return this.masterOf(key)
  }

  /** Waits until all `nodes` report `cluster_state:ok`. */
  async waitUntilUp(nodes: readonly RedisServer[] = this.nodes): Promise<void> {
    await waitFor('cluster_state:ok on all nodes', async () => {
      const states = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))
      return states.every((state) => /cluster_state:ok/.test(String(state)))
    })
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #anyLive(...args: (string | number)[]): Promise<Reply> {
    let last: unknown
    for (const node of this.nodes) {
      try {
        return await node.command(...args)
      } catch (error) {
        last = error
      }
    }
    throw new Error(`no node of the cluster answered ${args.join(' ')}`, { cause: last })
  }

  #byPort(port: number): RedisServer {
    const node = this.nodes.find((candidate) => candidate.port === port)
    if (node === undefined) throw new Error(`no node of this cluster has port ${port}`)
    return node
  }
}

/** Every node is told of every other, so that no test waits for gossip. Replicas follow once they know their master. */
async function form(cluster: RedisCluster, masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
  const share = SLOTS / masters.length
  await Promise.all(
    masters.map(async (master, i) => {
      await master.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
      await master.command('CLUSTER', 'ADDSLOTSRANGE', Math.ceil(i * share), Math.ceil((i + 1) * share) - 1)
    }),
  )
  for (const node of cluster.nodes) {
    for (const other of cluster.nodes) {
      if (node !== other) await node.command('CLUSTER', 'MEET', other.host, other.port)
    }
  }
  await waitFor('all nodes knowing each other', async () => {
    const infos = await Promise.all(cluster.nodes.map((node) => node.command('CLUSTER', 'NODES')))
    return infos.every((info) => !/handshake|noaddr/.test(String(info)) && lines(info) === cluster.nodes.length)
  })
  await Promise.all(
    replicas.map(async (replica, i) => {
      const id = await idOf(masters[i % masters.length] as RedisServer)
      await waitFor('the master being known', () => replica.command('CLUSTER', 'REPLICATE', id))
      await waitFor('the first copy', async () => (await replica.info('replication')).master_link_status === 'up')
    }),
  )
  await cluster.waitUntilUp()
  await waitFor('every node knowing every slot and replica', async () => {
    const views = await Promise.all(cluster.nodes.map((node) => node.command('CLUSTER', 'SLOTS')))
    return views.every((view) => {
      const ranges = view as Reply[][]
      const known = ranges.reduce((sum, range) => sum + range.length - 2, 0)
      return ranges.length === masters.length && known === cluster.nodes.length
    })
  })
}

const lines = (text: Reply): number => String(text).trim().split('\n').length

async function idOf(node: RedisServer): Promise<string> {
  return String(await node.command('CLUSTER', 'MYID'))
}
