// The in-memory L2 for `createCache({ l2 })`, with controls by which a test disturbs it.

import { checkNames } from '../../model/option-rules.js'
import { hideKeys } from '../../model/options/hidden-keys.js'
import type { ConnectedTier, TierDefinition, TierOptions } from '../../model/options/tier-definition.js'
import { TIER_OPTIONS } from '../../model/options/tier-policy.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import { MemoryBus, MemoryBusLink } from './memory-bus.js'
import { MemoryLink } from './memory-link.js'
import { MemoryServer } from './memory-server.js'
import { MemoryStore } from './memory-store.js'

/** Options of `memoryTier`. */
export interface MemoryTierOptions extends TierOptions {
  /** `false`: a store without a bus, or with a bus that is passed to `createCache`. */
  readonly bus?: 'log' | false
  /** How often the bus is heard while nothing is announced, in ms. Default 1,000. */
  readonly busBlockMs?: Milliseconds
}

/** The link of one process to a `MemoryServer`. Make one for each cache that represents a process. */
export interface MemoryTier extends TierDefinition {
  readonly server: MemoryServer
  /** Carries the reads and writes of the cache. */
  readonly link: MemoryLink
  /** Carries announcements to the cache. */
  readonly busLink: MemoryBusLink
  /** Cuts both links. `restore` repairs them. */
  cut(): void
  restore(): void
}

/**
 * An L2 in memory, without a network: `createCache({ l2: memoryTier() })`. Several tiers over one `MemoryServer` represent several
 * processes over one Redis.
 */
export function memoryTier(server: MemoryServer = new MemoryServer(), given: MemoryTierOptions = {}): MemoryTier {
  const options = checkNames(given, [...TIER_OPTIONS, 'bus', 'busBlockMs'], 'memoryTier')
  const { bus: busKind = 'log', busBlockMs, ...tierOptions } = options
  const link = new MemoryLink(server)
  const busLink = new MemoryBusLink(server)
  return {
    ...tierOptions,
    encrypt: hideKeys(options.encrypt),
    server,
    link,
    busLink,
    connect: (name: string, clock: Clock): ConnectedTier => {
      server.adoptClock(clock)
      return {
        store: new MemoryStore(server, link, name),
        bus: busKind === 'log' ? new MemoryBus(server, busLink, busBlockMs) : undefined,
      }
    },
    cut: () => {
      link.cut()
      busLink.cut()
    },
    restore: () => {
      link.restore()
      busLink.restore()
    },
  }
}
