// tiercache/redis: L2 and its bus on Redis or Valkey; standalone, Sentinel and Cluster.
import { toMs } from '../model/options/duration.js'
import { hideKeys } from '../model/options/hidden-keys.js'
import type { ConnectedTier, TierDefinition } from '../model/options/tier-definition.js'
import type { Bus, Bytes, Clock, Milliseconds } from '../model/ports.js'
import { ClientFace } from './adapters/face.js'
import { busLines } from './bus/bus-dial.js'
import { StreamBus } from './bus/stream-bus.js'
import { TrackingBus } from './bus/tracking-bus.js'
import { isClient, isClusterClient } from './client/client.js'
import { type ClientSource, lentClient, openedClient } from './client/client-source.js'
import { takeLent } from './client/lent-clients.js'
import type { RedisServerOptions } from './client/server-options.js'
import { MockBus } from './mock/mock-bus.js'
import { isMockClient } from './mock/mock-client.js'
import { MockStore } from './mock/mock-store.js'
import {
  type CheckedOptions,
  type CheckedTarget,
  checkOptions,
  checkTarget,
  type RedisTarget,
  type RedisTierOptions,
} from './options.js'
import { OwnChanges } from './store/own-changes.js'
import { RedisStore } from './store/redis-store.js'

export type { GlideConnection, NodeRedisConnection } from './adapters/adapted.js'
export type { RedisConnection } from './client/client.js'
export type { RedisAddress, RedisServerOptions } from './client/server-options.js'
export type { RedisBus, RedisClient, RedisTarget, RedisTierOptions } from './options.js'

/** How long L1 is trusted after the bus was last heard, unless the cache sets `l1.maxStaleness`. */
const MAX_STALENESS_MS: Milliseconds = 3_000
/** The bus is heard three times within that, but an idle bus must not keep the server busy. */
const HEARD_EVERY_MS = { least: 50, most: 1_000 }
/** How late a reply to the bus may be before its link counts as dead. */
const LINK_GRACE_MS: Milliseconds = 1_000
/** How much longer than the timeout of a command a lent client may be silent. */
const SILENCE_GRACE_MS: Milliseconds = 1_000

/**
 * Redis as the second tier: `createCache({ l2: redisTier(new Redis()) })`. The client may be one of ioredis, iovalkey, node-redis or GLIDE.
 *
 * A client that you pass remains yours: it is used as it is configured, never closed, and its options are never written to.
 * With a URL or options, ioredis opens the connection when the cache is created, so it must be installed.
 * In both cases the bus listens on a connection of its own. In tests the client may be one of ioredis-mock; the options `subscriber` and
 * `bus: 'tracking'` then change nothing. Throws `INVALID_OPTION`.
 */
export function redisTier(redis: RedisTarget, given: RedisTierOptions = {}): TierDefinition {
  const target = checkTarget(redis)
  const options = checkOptions(given, target)
  const { bus = 'stream', subscriber, ...tierOptions } = options
  return {
    ...tierOptions,
    encrypt: hideKeys(options.encrypt),
    connect(name: string, clock: Clock, maxStalenessMs = MAX_STALENESS_MS): ConnectedTier {
      const heardEveryMs = Math.min(Math.max(maxStalenessMs / 3, HEARD_EVERY_MS.least), HEARD_EVERY_MS.most)
      if (isMockClient(target)) {
        const store = new MockStore(target, name, clock)
        return { store, bus: bus === false ? undefined : new MockBus(target, heardEveryMs) }
      }
      const release = takeClients(target, options)
      const source = sourceOf(target, release)
      const silenceMs = toMs(options.timeout ?? '200ms', 'timeout', 'positive') + SILENCE_GRACE_MS
      const own = new OwnChanges(name)
      const log = bus === 'stream' ? 'stream' : 'none'
      const store = new RedisStore({ name, clock, source, silenceMs, log, own: bus === 'tracking' ? own : undefined })
      const lines = busLines(source, subscriber, name)
      const append = async (bytes: Bytes): Promise<void> => void (await store.apply([], bytes))
      const buses: Record<'stream' | 'tracking', () => Bus> = {
        stream: () => new StreamBus({ lines, append, blockMs: heardEveryMs, graceMs: LINK_GRACE_MS }),
        tracking: () =>
          new TrackingBus({
            lines,
            own,
            readHead: (key) => store.readHead(key),
            everyMs: heardEveryMs,
            graceMs: LINK_GRACE_MS,
          }),
      }
      return { store, bus: bus === false ? undefined : buses[bus]() }
    },
  }
}

/**
 * Marks the lent clients as used, until the function that it returns is called. A subscriber may be shared if only its settings are
 * used.
 */
function takeClients(target: CheckedTarget, { subscriber, bus = 'stream' }: CheckedOptions): () => void {
  const releaseClient = isClient(target) ? takeLent(target, 'client') : undefined
  const isSettingsOnly = subscriber instanceof ClientFace || (subscriber !== undefined && isClusterClient(subscriber))
  const isBorrowed = subscriber !== undefined && bus === 'stream' && !isSettingsOnly
  try {
    const releaseSubscriber = isBorrowed ? takeLent(subscriber, 'subscriber') : undefined
    return () => {
      releaseClient?.()
      releaseSubscriber?.()
    }
  } catch (error) {
    releaseClient?.()
    throw error
  }
}

function sourceOf(target: CheckedTarget, closed: () => void): ClientSource {
  return isClient(target) ? lentClient(target, closed) : openedClient(target as string | RedisServerOptions, closed)
}
