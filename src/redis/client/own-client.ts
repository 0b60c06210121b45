// A client of our own with the settings of a lent one: a duplicate that the lent client makes. The lent client stays as it is.
import { isClusterClient, type RedisCluster, type RedisConnection, type RedisNode } from './client.js'
import { reconnectAfterMs } from './client-source.js'

/** Nothing is queued, nothing is sent twice, and a link without replies is replaced. */
const OWN_LINK = {
  connectionName: 'tiercache',
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableAutoPipelining: false,
  enableReadyCheck: true,
  maxRetriesPerRequest: 0,
  connectTimeout: 2_000,
  socketTimeout: 2_000,
  commandTimeout: undefined,
  monitor: false,
  retryStrategy: reconnectAfterMs,
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
}

/** The client connects when its connection is started. */
export function ownClientLike(lent: RedisConnection): RedisConnection {
  const client = isClusterClient(lent) ? duplicateCluster(lent) : duplicateNode(lent as RedisNode)
  client.on('error', () => undefined) // Without a listener the client writes errors to the console. The connection notices the end.
  return client
}

function duplicateNode(lent: RedisNode): RedisNode {
  return lent.duplicate({ ...OWN_LINK, lazyConnect: true })
}

function duplicateCluster(lent: RedisCluster): RedisCluster {
  // For its nodes the cluster client decides these itself.
  const { retryStrategy: _, reconnectOnError: __, ...redisOptions } = OWN_LINK
  return lent.duplicate([], {
    redisOptions: { ...lent.options.redisOptions, ...redisOptions },
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    clusterRetryStrategy: reconnectAfterMs,
    slotsRefreshTimeout: 2_000,
    retryDelayOnFailover: 0,
  })
}
