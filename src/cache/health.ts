// `cache.health()`: what the health checks of a service need to know.
import type { Core } from '../flow/core.js'

/** The health of a cache. */
export interface CacheHealth {
  /** Always `true`: no state of the cache or of Redis is a reason to restart the process. */
  readonly live: true
  /** Whether the cache serves calls: `false` only once `close()` was called. Without Redis it serves from memory and the loader. */
  readonly ready: boolean
  /** `'degraded'`: it serves calls, but without L2, with changes that wait for L2, or without hearing the other processes. */
  readonly status: 'ok' | 'degraded' | 'closed'
  readonly detail: {
    /** `'none'`: the cache has no L2. `'connecting'`: the first connection is awaited. */
    readonly l2: 'none' | 'connecting' | 'inUse' | 'notUsed'
    /** Why L2 is not used, if that is known. */
    readonly outage: string | undefined
    /** Changes that wait until L2 can be reached. */
    readonly waiting: number
    /** `'none'`: there are no other processes to hear. */
    readonly bus: 'none' | 'heard' | 'notHeard'
  }
}

/** The health of a cache; see `Cache.health`. */
export function healthOf(core: Core, isClosed: boolean): CacheHealth {
  const l2 = l2Of(core)
  const waiting = core.journal.size
  const bus = core.bus === undefined ? 'none' : core.tokens.isTrusted(core.clock.nowMs()) ? 'heard' : 'notHeard'
  const isDegraded = l2 === 'notUsed' || waiting > 0 || (bus === 'notHeard' && l2 !== 'connecting')
  return {
    live: true,
    ready: !isClosed,
    status: isClosed ? 'closed' : isDegraded ? 'degraded' : 'ok',
    detail: { l2, outage: l2 === 'notUsed' ? core.recorder.history.outage?.message : undefined, waiting, bus },
  }
}

function l2Of({ remote }: Core): CacheHealth['detail']['l2'] {
  if (remote === undefined) return 'none'
  if (remote.tier.isAvailable()) return 'inUse'
  return remote.tier.starting === undefined ? 'notUsed' : 'connecting'
}
