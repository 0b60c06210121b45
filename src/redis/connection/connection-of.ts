// Makes the connection that fits a client.
import type { Clock, Milliseconds } from '../../model/ports.js'
import { ignoreRejection, isClusterClient, type RedisConnection, type RedisNode } from '../client/client.js'
import { closeClient } from '../client/client-source.js'
import { ownClientLike } from '../client/own-client.js'
import { ClusterConnection } from './cluster-connection.js'
import type { Connection, ConnectionEvents, ConnectionSettings } from './connection.js'
import { RelievedConnection } from './relieved-connection.js'
import { SingleConnection } from './single-connection.js'
import { SlotOwners } from './slot-owners.js'

export interface ConnectionPlan {
  readonly client: RedisConnection
  /** `'opened'`: the client was configured here, so it replaces a silent link by itself. */
  readonly origin: 'lent' | 'opened'
  /** Any key of the slot that all processes of this cache share. */
  readonly homeKey: string
  readonly clock: Clock
  /** How long a lent client may be silent while commands wait for replies. */
  readonly silenceMs: Milliseconds
}

/** A lent client gets a link of our own beside it, for the time in which it cannot carry commands. */
export function connectionOf(plan: ConnectionPlan, events: ConnectionEvents): Connection {
  const { client, origin, clock, silenceMs } = plan
  const inheritance = { serverId: undefined, owners: new SlotOwners() }
  const settings = { clock, inheritance, silenceMs: undefined }
  if (origin === 'opened') return plainConnectionOf(client, plan, settings, events)
  return new RelievedConnection({
    clock,
    events,
    lent: (own) => plainConnectionOf(client, plan, { ...settings, silenceMs }, own),
    own: (own) => {
      const beside = ownClientLike(client)
      const close = () => ignoreRejection(closeClient(beside))
      return { connection: plainConnectionOf(beside, plan, settings, own), close }
    },
  })
}

function plainConnectionOf(
  client: RedisConnection,
  { homeKey }: ConnectionPlan,
  settings: ConnectionSettings,
  events: ConnectionEvents,
): Connection {
  if (isClusterClient(client)) return new ClusterConnection(client, homeKey, settings, events)
  return new SingleConnection(client as RedisNode, settings, events)
}
