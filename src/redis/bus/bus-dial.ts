// Makes the connections on which a bus listens: duplicates of the application's client, to the server that has the cache's home slot.
import { ClientFace } from '../adapters/face.js'
import {
  ignoreRejection,
  isClusterClient,
  keyPrefixOf,
  type RedisCluster,
  type RedisConnection,
  type RedisNode,
  slotMasters,
} from '../client/client.js'
import type { ClientSource } from '../client/client-source.js'
import { slotOf } from '../connection/slot.js'
import type { Dial, Line } from './bus-session.js'

/** The settings of a listening connection. A new one is made after each failure, so it never reconnects by itself. */
const LISTENING = {
  lazyConnect: true,
  enableReadyCheck: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: 0,
  retryStrategy: null,
  reconnectOnError: null,
  // It waits most of the time, and its session has deadlines of its own.
  commandTimeout: undefined,
  socketTimeout: undefined,
  blockingTimeout: undefined,
  keyPrefix: '',
  readOnly: false,
  monitor: false,
  // Redirected invalidations arrive only as RESP2 messages.
  protocol: 2,
  replyMapping: 'legacy',
}

/** How a bus reaches the servers, and how keys are written on its lines. */
export interface BusLines {
  /** Makes lines to the server that has `key` at the moment of dialling. */
  dialOwnerOf(key: string): Dial
  /** A dial for each master, by a name that stays the same as long as the server does. Without a cluster there is one. */
  dialMasters(): Promise<Map<string, Dial>>
  /** The key to send on this line, so that the server sees the same key as from the store's client, which may have a key prefix. */
  keyFor(line: RedisNode, key: string): Promise<string>
}

/** Makes lines by duplicating the client of `source`. A lent `subscriber` is used itself where that is possible. */
export function busLines(source: ClientSource, subscriber: RedisConnection | undefined, name: string): BusLines {
  const template = (): Promise<RedisConnection> =>
    subscriber === undefined ? source.open() : Promise.resolve(subscriber)
  const dialNode = async (node: RedisNode, keep: (line: Line) => void): Promise<Line> => {
    const client = node.duplicate({ ...LISTENING, connectionName: `tiercache:${name}:bus` })
    client.on('error', () => undefined) // Without a listener the client writes errors to the console. The session notices the end.
    const line: Line = { client, hangUp: () => hangUp(client) }
    keep(line)
    await client.connect()
    return line
  }
  const dialOf =
    (node: RedisNode | undefined): Dial =>
    async (lines) => {
      if (node === undefined) throw new Error('the client has no connection to this master')
      return dialNode(node, (line) => lines.keep(line))
    }
  return {
    keyFor: async (line, key) => (keyPrefixOf(line) === '' ? keyPrefixOf(await source.open()) + key : key),
    dialOwnerOf: (key) => async (lines) => {
      const client = await template()
      const keep = (line: Line) => lines.keep(line)
      if (isClusterClient(client)) return dialNode(ownerOf(client, slotOf(keyPrefixOf(client) + key)), keep)
      if (client === subscriber && !(client instanceof ClientFace)) return borrow(client as RedisNode, keep)
      return dialNode(client as RedisNode, keep)
    },
    dialMasters: async () => {
      const client = await template()
      if (!isClusterClient(client)) return new Map([['master', dialOf(client as RedisNode)]])
      const masters = slotMasters(client)
      // A missing master is in the map, too, and its dial fails: what it announces is not heard, and the bus must know that.
      if (masters.size === 0 || [...masters.values()].includes(undefined)) refreshSlots(client)
      return new Map([...masters].map(([key, node]) => [key, dialOf(node)]))
    },
  }
}

/** The master of a slot, as the cluster client knows it. Each dial follows a failure or a start, so the slots are read again, too. */
function ownerOf(cluster: RedisCluster, slot: number): RedisNode {
  const key = cluster.slots[slot]?.[0]
  const node = key === undefined ? undefined : slotMasters(cluster).get(key)
  refreshSlots(cluster)
  if (node === undefined) throw new Error(`no master of slot ${slot} is known: the cluster is ${cluster.status}`)
  return node
}

/** The client reads the slots again only when a server redirects a command, which never happens while the bus only listens. */
function refreshSlots(cluster: RedisCluster): void {
  if (cluster.status === 'wait') ignoreRejection(cluster.connect())
  if (cluster.status === 'ready') cluster.refreshSlotsCache?.()
}

/** A lent client, once it is ready. It is never closed; if its link broke, it is made to reconnect. */
function borrow(client: RedisNode, keep: (line: Line) => void): Promise<Line> {
  const line: Line = {
    client,
    hangUp: (reason) => {
      if (reason === 'broke' && client.status === 'ready') client.disconnect(true)
    },
  }
  const { stream } = client
  if (client.status === 'wait') ignoreRejection(client.connect())
  return new Promise((resolve) => {
    const onReady = (): void => {
      client.removeListener('ready', onReady)
      keep(line)
      resolve(line)
    }
    const hangUpUnready = (reason: 'broke' | 'closed'): void => {
      client.removeListener('ready', onReady)
      // The client has been connected all the time, but is not ready, and might wait for that for ever. While it still connects, it has a
      // limit of its own, and `disconnect` would end it for good.
      const isSilent = client.status === 'connect' && client.stream === stream
      if (reason === 'broke' && isSilent) client.disconnect(true)
    }
    keep({ client, hangUp: hangUpUnready })
    if (client.status === 'ready') {
      keep(line)
      resolve(line)
    } else {
      client.on('ready', onReady)
    }
  })
}

function hangUp(client: RedisNode): void {
  const { stream } = client
  client.disconnect()
  stream?.destroy()
}
