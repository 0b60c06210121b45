// G4 over a failover within a cluster.
import { Cluster } from 'ioredis'
import { test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { loseInvalidations } from './lost-invalidation.js'

const HOME = '{shop}#bus'

test('invalidations that a failover within a cluster lost are made again, and no outdated value is served after it', async () => {
  await using cluster = await startRedisCluster({ replicasPerMaster: 1 })
  const master = await cluster.masterOf(HOME)
  const replica = await cluster.replicaOf(master)
  const connect = () => new Cluster(cluster.addresses).on('error', () => undefined)
  const key = await keyOf(cluster, master.port)
  await loseInvalidations({ master, replica, connect, failover: () => cluster.failover(HOME) }, key)
})

/** A key of this master. */
async function keyOf(cluster: RedisCluster, port: number): Promise<string> {
  for (let i = 0; ; i++) if ((await cluster.masterOf(`shop:k${i}`)).port === port) return `k${i}`
}
