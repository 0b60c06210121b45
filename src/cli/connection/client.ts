// The connection of a command: one client of ioredis, which is lent to the SDK and also asks the servers what the SDK never asks.
import type { Cluster, Redis } from 'ioredis'
import { Failure } from '../output/failure.js'
import type { Settings } from './settings.js'

/** A client of one server or of a cluster. */
export type Client = Redis | Cluster

/** Sends one command to one server, with its keys exactly as they are given: the client's key prefix is not put before them. */
export type Send = (server: Redis, command: string, ...args: readonly string[]) => Promise<unknown>

export interface Connection {
  readonly client: Client
  readonly send: Send
}

type Ioredis = Pick<typeof import('ioredis'), 'Redis' | 'Cluster' | 'Command'>

/** Opens the client. Throws a `Failure` if ioredis is not installed; whether the server can be reached shows at the first command. */
export async function connect(settings: Settings): Promise<Connection> {
  const ioredis = await loadIoredis()
  const send: Send = async (server, command, ...args) =>
    server.sendCommand(new ioredis.Command(command, [...args], { replyEncoding: 'utf8' }))
  return { client: openClient(settings, ioredis), send }
}

function openClient({ urls, isCluster, keyPrefix, timeoutMs }: Settings, { Redis, Cluster }: Ioredis): Client {
  const common = {
    connectionName: 'tiercache:cli',
    connectTimeout: timeoutMs,
    // A server that hangs must not make a command hang.
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Replies have one form with every release of ioredis.
    protocol: 2 as const,
  }
  const retry = (attempt: number): number => Math.min(50 * 2 ** attempt, 500)
  if (!isCluster) return quiet(new Redis(urls[0] as string, { ...common, keyPrefix, retryStrategy: retry }))
  const nodes = urls.map((url) => new URL(url))
  const { username, password, protocol } = nodes[0] as URL
  return quiet(
    new Cluster(
      nodes.map(({ hostname, port }) => ({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) })),
      {
        keyPrefix,
        enableOfflineQueue: false,
        clusterRetryStrategy: retry,
        slotsRefreshTimeout: timeoutMs,
        redisOptions: {
          ...common,
          ...(username !== '' && { username: decodeURIComponent(username) }),
          ...(password !== '' && { password: decodeURIComponent(password) }),
          ...(protocol === 'rediss:' && { tls: {} }),
        },
      },
    ),
  )
}

/** A client without a listener writes its errors to the console. Here commands report them. */
function quiet<C extends Client>(client: C): C {
  client.on('error', () => undefined)
  return client
}

async function loadIoredis(): Promise<Ioredis> {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw new Failure(
      3,
      'The package ioredis opens the connection, and it is not installed. Type: npm install ioredis',
      {
        cause,
      },
    )
  }
}

/** The masters, each with a connection of its own. Without a cluster it is the client itself. */
export function mastersOf(client: Client): readonly Redis[] {
  return client.isCluster ? (client as Cluster).nodes('master') : [client as Redis]
}

/** `host:port` of one server, or the path of its socket. */
export function addressOf(server: Redis): string {
  const { path, host = 'localhost', port = 6379 } = server.options
  return path ?? `${host}:${port}`
}
