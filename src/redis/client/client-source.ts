// Where the client comes from: lent by the application, or opened here and then closed here too.
import { CacheError } from '../../model/errors.js'
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { RedisCluster, RedisConnection, RedisNode } from './client.js'
import { textOf } from './client-errors.js'
import { type RedisServerOptions, splitOptions } from './server-options.js'

export interface ClientSource {
  readonly origin: 'lent' | 'opened'
  /** The same client each time. Rejects if none can be made at all; whether its server answers is another matter. */
  open(): Promise<RedisConnection>
  /** Closes the client if it was opened here. Never hangs, never rejects. */
  close(): Promise<void>
}

export function lentClient(client: RedisConnection, closed: () => void = () => undefined): ClientSource {
  return { origin: 'lent', open: () => Promise.resolve(client), close: async () => closed() }
}

/** Opens at the first `open()`. */
export function openedClient(target: string | RedisServerOptions, closed: () => void = () => undefined): ClientSource {
  let opening: Promise<RedisConnection> | undefined
  let isClosed = false
  return {
    origin: 'opened',
    open: () => {
      if (isClosed) return Promise.reject(new CacheError('L2_UNAVAILABLE', 'the cache was closed'))
      opening ??= connect(target)
      return opening
    },
    close: async () => {
      isClosed = true
      closed()
      const client = await opening?.catch(() => undefined)
      if (client !== undefined) await closeClient(client)
    },
  }
}

/** What an own connection is opened with: nothing is queued, nothing is sent twice, a dead link is noticed. */
const OWN_CONNECTION = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 2_000,
  /** A link on which an answer is this late is closed and opened again: it may be half-open. */
  socketTimeout: 3_000,
  connectionName: 'tiercache',
  retryStrategy: reconnectAfterMs,
  // A demoted master refuses writes: connect anew, to whoever is the master by now.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
}

async function connect(target: string | RedisServerOptions): Promise<RedisConnection> {
  const { Redis, Cluster } = await loadIoredis()
  if (typeof target === 'string') return watched(new Redis(target, OWN_CONNECTION))
  const { cluster, url, ...options } = target
  const own = { ...OWN_CONNECTION, ...options, enableOfflineQueue: false, autoResendUnfulfilledCommands: false }
  if (url !== undefined) return watched(new Redis(url, own))
  if (cluster === undefined) return watched(new Redis(own))
  const { retryStrategy: _, reconnectOnError: __, enableOfflineQueue, ...shared } = own
  const { ofCluster, ofNodes } = splitOptions(shared)
  const { reconnectOnError } = options
  return watched(
    new Cluster([...cluster], {
      enableOfflineQueue,
      clusterRetryStrategy: reconnectAfterMs,
      slotsRefreshTimeout: 2_000,
      // Commands whose connection dropped are not sent again.
      retryDelayOnFailover: 0,
      ...ofCluster,
      redisOptions: reconnectOnError === undefined ? ofNodes : { ...ofNodes, reconnectOnError },
    }),
  )
}

/** A client without listener writes its errors to the console. */
function watched<C extends RedisConnection>(client: C): C {
  client.on('error', () => undefined)
  return client
}

/** Doubles up to one second, the upper half of it by chance, so that a fleet does not come back as one. */
export function reconnectAfterMs(attempt: number): number {
  const ceilingMs = Math.min(50 * 2 ** Math.min(attempt - 1, 10), 1_000)
  return Math.round(ceilingMs * (0.5 + Math.random() / 2))
}

interface Ioredis {
  readonly Redis: new (...args: unknown[]) => RedisNode
  readonly Cluster: new (...args: unknown[]) => RedisCluster
}

async function loadIoredis(): Promise<Ioredis> {
  try {
    const loaded = (await import('ioredis')) as unknown as Partial<Ioredis> & { readonly default?: Partial<Ioredis> }
    const found = loaded.Redis === undefined ? loaded.default : loaded
    if (found?.Redis === undefined || found.Cluster === undefined) throw new Error('it exports no Redis and Cluster')
    return found as Ioredis
  } catch (cause) {
    throw new CacheError(
      'L2_CLIENT_MISSING',
      'redisTier expected a connected client, or the package ioredis 5 or 6 to open one from a URL or options; ioredis could not be ' +
        `loaded: ${textOf(cause)}. Run 'npm install ioredis', or pass your own client. In a bundle, mark ioredis as external`,
      { cause },
    )
  }
}

/** What an orderly end may take before the socket is destroyed: a server that hangs never says goodbye. */
const GOODBYE_MS = 100

/** Ends a client of ours. */
export async function closeClient(client: RedisConnection): Promise<void> {
  if (client.status === 'end') return
  const streams = streamsOf(client)
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, GOODBYE_MS)
    const onEnd = (): void => {
      clearTimeout(timer)
      resolve()
    }
    client.on('end', onEnd)
    client.disconnect()
    // While it waits to reconnect there is no connection, and so nothing that would end.
    if (client.status === 'reconnecting' || client.status === 'wait') onEnd()
  })
  for (const stream of streams) stream.destroy()
}

function streamsOf(client: RedisConnection) {
  const nodes = client.isCluster === true ? (client as RedisCluster).nodes('all') : [client as RedisNode]
  return nodes.flatMap(({ stream }) => stream ?? [])
}
