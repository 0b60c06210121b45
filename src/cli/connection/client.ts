// The connection of a command: one client of ioredis, which is lent to the SDK and also asks the servers what the SDK never asks.
import type { Cluster, Redis } from 'ioredis'
import { Failure } from '../output/failure.js'
import { credentialsIn } from './credentials.js'
import type { SentinelGroup } from './sentinels.js'
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

function openClient(settings: Settings, { Redis, Cluster }: Ioredis): Client {
  const { urls, isCluster, sentinels, keyPrefix, timeoutMs } = settings
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
  if (sentinels !== undefined) return quiet(new Redis({ ...common, keyPrefix, ...masterOptions(sentinels, settings) }))
  if (!isCluster) return quiet(new Redis(urls[0] as string, { ...common, keyPrefix, retryStrategy: retryAfterMs }))
  const nodes = urls.map((url) => new URL(url))
  return quiet(
    new Cluster(
      nodes.map(({ hostname, port }) => ({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) })),
      {
        keyPrefix,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryAfterMs,
        slotsRefreshTimeout: timeoutMs,
        redisOptions: { ...common, ...loginOf(nodes[0] as URL) },
      },
    ),
  )
}

function retryAfterMs(attempt: number): number {
  return Math.min(50 * 2 ** attempt, 500)
}

/** The options of ioredis for user, password and TLS. */
function loginOf(url: URL) {
  const { username, password, usesTls } = credentialsIn(url)
  return { ...(username && { username }), ...(password && { password }), ...(usesTls && { tls: {} }) }
}

/** The options of ioredis for a master that its sentinels find. Of the URL only user, password, database and TLS are used. */
function masterOptions({ addresses, master, credentials }: SentinelGroup, { urls, timeoutMs }: Settings) {
  const url = urls[0] === undefined ? undefined : new URL(urls[0])
  const { username, password, usesTls } = credentials
  return {
    sentinels: [...addresses],
    name: master,
    sentinelRetryStrategy: retryAfterMs,
    sentinelCommandTimeout: timeoutMs,
    retryStrategy: retryAfterMs,
    ...(username && { sentinelUsername: username }),
    ...(password && { sentinelPassword: password }),
    ...(usesTls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    ...(url && { ...loginOf(url), db: Number(url.pathname.slice(1)) || 0 }),
  }
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

/** `host:port` of one server, the path of its socket, or the name by which sentinels know it. */
export function addressOf(server: Redis): string {
  const { path, host = 'localhost', port = 6379, sentinels, name } = server.options
  if (sentinels !== undefined && sentinels !== null) return `master ${name}`
  return path ?? `${host}:${port}`
}
