// The connection that fits a client.
import type { Clock } from '../model/ports.js'
import { isClusterClient, type RedisConnection, type RedisNode } from './client.js'
import { ClusterConnection } from './cluster-connection.js'
import type { Connection, ConnectionEvents } from './connection.js'
import { SingleConnection } from './single-connection.js'

/** `homeKey` is any key of the slot that all processes of this cache share. */
export function connectionOf(
  client: RedisConnection,
  homeKey: string,
  clock: Clock,
  events: ConnectionEvents,
): Connection {
  if (isClusterClient(client)) return new ClusterConnection(client, homeKey, clock, events)
  return new SingleConnection(client as RedisNode, clock, events)
}
