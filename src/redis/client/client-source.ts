// Where the client comes from: lent by the application, or opened here and then also closed here.
import { CacheError } from '../../model/errors.js'
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { RedisCluster, RedisConnection, RedisNode } from './client.js'
import { textOf } from './client-errors.js'
import { type RedisServerOptions, splitOptions } from './server-options.js'

export interface ClientSource {
  readonly origin: 'lent' | 'opened'
  /** The same client each time. It rejects only if no client can be made; the server may still be unreachable. */
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

/** The options of a connection of our own: nothing is queued, nothing is sent twice, a dead link is noticed. */
const OWN_CONNECTION = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 2_000,
  /** A link with no reply for this long may be half-open: it is closed and opened again. */
  socketTimeout: 3_000,
  connectionName: 'tiercache',
  retryStrategy: reconnectAfterMs,
  // A demoted master refuses writes: connect again, to the present master.
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
      // Commands are not sent again when their connection dropped.
      retryDelayOnFailover: 0,
      ...ofCluster,
      redisOptions: reconnectOnError === undefined ? ofNodes : { ...ofNodes, reconnectOnError },
    }),
  )
}

/** A client without a listener writes its errors to the console. */
function watched<C extends RedisConnection>(client: C): C {
  client.on('error', () => undefined)
  return client
}

/** Doubles up to one second. Half of it is random, so that the processes of a fleet do not all reconnect at once. */
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
        `loaded: ${textOf(cause)}. Run 'npm install ioredis', or pass a client of your own. In a bundle, mark ioredis as external`,
      { cause },
    )
  }
}

/** How long an orderly end may take before the socket is destroyed: a server that hangs never closes its side. */
const GOODBYE_MS = 100

/** Closes a client that was opened here. */
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
    // A client that waits to reconnect has no connection, so `end` may not come.
    if (client.status === 'reconnecting' || client.status === 'wait') onEnd()
  })
  for (const stream of streams) stream.destroy()
}

function streamsOf(client: RedisConnection) {
  const nodes = client.isCluster === true ? (client as RedisCluster).nodes('all') : [client as RedisNode]
  return nodes.flatMap(({ stream }) => stream ?? [])
}
