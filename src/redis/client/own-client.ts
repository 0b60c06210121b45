// A client of our own with the settings of a lent one: made by the lent one itself, which stays as it is.
import { isClusterClient, type RedisCluster, type RedisConnection, type RedisNode } from './client.js'
import { reconnectAfterMs } from './client-source.js'

/** Nothing is queued, nothing is sent twice, and a link on which nobody answers is replaced. */
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

/** Connects when its connection is started. */
export function ownClientLike(lent: RedisConnection): RedisConnection {
  const client = isClusterClient(lent) ? duplicateCluster(lent) : duplicateNode(lent as RedisNode)
  client.on('error', () => undefined) // Without a listener the client writes it to the console; the connection notices the end.
  return client
}

function duplicateNode(lent: RedisNode): RedisNode {
  return lent.duplicate({ ...OWN_LINK, lazyConnect: true })
}

function duplicateCluster(lent: RedisCluster): RedisCluster {
  // Of nodes the cluster client decides that itself.
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
