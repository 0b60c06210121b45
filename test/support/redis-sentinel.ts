// A master with replicas and the sentinels that watch them, configured for a failover within about a second.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, removeFolder } from './processes.js'
import { type RedisServer, startRedis } from './redis-server.js'
import { waitFor } from './wait.js'

export interface SentinelOptions {
  readonly replicas?: number
  readonly sentinels?: number
  /** After how long without a reply a sentinel considers the master down. */
  readonly downAfterMs?: number
}

const NAME = 'tiercache-test'

/** Starts everything and waits until each sentinel knows the replicas, the other sentinels and a quorum. */
export async function startRedisSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { replicas = 1, sentinels = 3, downAfterMs = 500 } = options
  const fast = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']
  const master = await startRedis({ args: fast })
  const servers = [master]
  const watchers: RedisServer[] = []
  const group = new RedisSentinel(servers, watchers)
  try {
    const followers = Array.from({ length: replicas }, () =>
      startRedis({ args: [...fast, '--replicaof', master.host, String(master.port)] }),
    )
    servers.push(...(await Promise.all(followers)))
    await waitFor(
      'replicas in step',
      async () => (await master.info('replication')).connected_slaves === String(replicas),
    )
    const quorum = Math.floor(sentinels / 2) + 1
    const starting = Array.from({ length: sentinels }, () => startSentinel(master.port, quorum, downAfterMs))
    watchers.push(...(await Promise.all(starting)))
    await group.waitUntilAgreed()
    return group
  } catch (error) {
    await group.stop()
    throw error
  }
}

export class RedisSentinel {
  /** The name by which clients know the master. */
  readonly name = NAME
  /** The data servers: first the master, then its replicas. */
  readonly servers: readonly RedisServer[]
  readonly sentinels: readonly RedisServer[]

  constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers
    this.sentinels = sentinels
  }

  /** The addresses of the sentinels, for a client. */
  get addresses(): { host: string; port: number }[] {
    return this.sentinels.map(({ host, port }) => ({ host, port }))
  }

  /** The master that the first sentinel announces. */
  async master(): Promise<RedisServer> {
    const address = (await this.sentinels[0]?.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as string[]
    const server = this.servers.find(({ port }) => String(port) === address[1])
    if (server === undefined)
      throw new Error(`the sentinel announces ${address.join(':')}, which is no server of this group`)
    return server
  }

  /** Kills the master and waits until a replica has taken over and all sentinels announce it. Returns the new master. */
  async failover(): Promise<RedisServer> {
    const dead = await this.master()
    await dead.kill()
    return waitFor('a new master', async () => {
      const announced = await Promise.all(
        this.sentinels.map((sentinel) => sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)),
      )
      const ports = new Set(announced.map((address) => (address as string[])[1]))
      const promoted = await this.master()
      if (ports.size > 1 || promoted === dead) return undefined
      return (await promoted.info('replication')).role === 'master' ? promoted : undefined
    })
  }

  async waitUntilAgreed(): Promise<void> {
    await waitFor('sentinels that know each other', async () => {
      const views = await Promise.all(this.sentinels.map((sentinel) => sentinel.command('SENTINEL', 'MASTER', NAME)))
      return views.every((view) => {
        const fields = view as string[]
        const field = (name: string) => fields[fields.indexOf(name) + 1]
        const others = String(this.sentinels.length - 1)
        return field('num-other-sentinels') === others && field('num-slaves') === String(this.servers.length - 1)
      })
    })
    await Promise.all(this.sentinels.map((sentinel) => sentinel.command('SENTINEL', 'CKQUORUM', NAME)))
  }

  async stop(): Promise<void> {
    await Promise.all(this.sentinels.map((sentinel) => sentinel.stop()))
    for (const sentinel of this.sentinels) removeFolder(sentinel.dir)
    await Promise.all(this.servers.map((server) => server.stop()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

async function startSentinel(masterPort: number, quorum: number, downAfterMs: number): Promise<RedisServer> {
  const dir = makeFolder('sentinel')
  const lines = [
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${NAME} 3000`,
    `sentinel parallel-syncs ${NAME} 5`,
    'protected-mode no',
  ]
  // A separate file, because a sentinel writes into it.
  writeFileSync(join(dir, 'sentinel.conf'), `${lines.join('\n')}\n`)
  const sentinel = await startRedis({ dir, mode: 'sentinel', configFile: 'sentinel.conf' })
  // Sentinels find each other by messages, every two seconds by default.
  await sentinel.command('SENTINEL', 'DEBUG', 'PUBLISH-PERIOD', 100).catch(() => undefined) // Unknown before Redis 7.
  await sentinel.command('SENTINEL', 'DEBUG', 'INFO-PERIOD', 500).catch(() => undefined)
  return sentinel
}
