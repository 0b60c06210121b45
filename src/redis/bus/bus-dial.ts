// Where a bus listens: a connection of its own, made from the application's client, to the server that has the cache's home slot.

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

/** Settings of a listening connection. It is made anew after each failure, so it never reconnects by itself. */
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
  // Waiting is its work; who listens has deadlines of its own.
  commandTimeout: undefined,
  socketTimeout: undefined,
  blockingTimeout: undefined,
  keyPrefix: '',
  readOnly: false,
  monitor: false,
  // Redirected invalidations arrive as RESP2 messages only.
  protocol: 2,
  replyMapping: 'legacy',
}

/** A bus's view of the client: what it prefixes keys with, and how to reach servers. */
export interface BusLines {
  /** Lines to the server that has `key`, wherever that is at the moment of dialling. */
  dialOwnerOf(key: string): Dial
  /** What may be dialled now, by a name that stays the same as long as the server does. One of them without a cluster. */
  dialMasters(): Promise<Map<string, Dial>>
  /** How `key` is written on this line, so that the server sees what the store's client sends: it may put a prefix before it. */
  keyFor(line: RedisNode, key: string): Promise<string>
}

/** Lines made by duplicating the client of `source`; `subscriber`, if it is lent, is used as it is where that is possible. */
export function busLines(source: ClientSource, subscriber: RedisConnection | undefined, name: string): BusLines {
  const template = (): Promise<RedisConnection> =>
    subscriber === undefined ? source.open() : Promise.resolve(subscriber)
  const dialNode = async (node: RedisNode, keep: (line: Line) => void): Promise<Line> => {
    const client = node.duplicate({ ...LISTENING, connectionName: `tiercache:${name}:bus` })
    client.on('error', () => undefined) // Without a listener the client writes it to the console; the session notices the end.
    const line: Line = { client, hangUp: () => hangUp(client) }
    keep(line)
    await client.connect()
    return line
  }
  const dialOf =
    (node: RedisNode | undefined): Dial =>
    async (keeper) => {
      if (node === undefined) throw new Error('the client has no connection to this master')
      return dialNode(node, (line) => keeper.keep(line))
    }
  return {
    keyFor: async (line, key) => (keyPrefixOf(line) === '' ? keyPrefixOf(await source.open()) + key : key),
    dialOwnerOf: (key) => async (keeper) => {
      const client = await template()
      const keep = (line: Line) => keeper.keep(line)
      if (isClusterClient(client)) return dialNode(ownerOf(client, slotOf(keyPrefixOf(client) + key)), keep)
      if (client === subscriber) return borrow(client as RedisNode, keep)
      return dialNode(client as RedisNode, keep)
    },
    dialMasters: async () => {
      const client = await template()
      if (!isClusterClient(client)) return new Map([['master', dialOf(client as RedisNode)]])
      const masters = slotMasters(client)
      // One that is missing must be dialled in vain: what it announces is not heard.
      if (masters.size === 0 || [...masters.values()].includes(undefined)) lookAgain(client)
      return new Map([...masters].map(([key, node]) => [key, dialOf(node)]))
    },
  }
}

/** The master of a slot as the cluster client knows it; asks the client to look again when it knows none. */
function ownerOf(cluster: RedisCluster, slot: number): RedisNode {
  const key = cluster.slots[slot]?.[0]
  const node = key === undefined ? undefined : slotMasters(cluster).get(key)
  lookAgain(cluster)
  if (node === undefined) throw new Error(`no master of slot ${slot} is known: the cluster is ${cluster.status}`)
  return node
}

/** The client reads the slots anew only when a server tells it to; who only listens is never told. */
function lookAgain(cluster: RedisCluster): void {
  if (cluster.status === 'wait') ignoreRejection(cluster.connect())
  if (cluster.status === 'ready') cluster.refreshSlotsCache?.()
}

/** A lent client, once it is ready. It is never closed; when it broke, it is told to make a new link. */
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
      // Connected all the time, but not ready: the client itself may wait for that for ever. Only while it still connects has it a
      // limit of its own, and to be told to disconnect then would end it for good.
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
