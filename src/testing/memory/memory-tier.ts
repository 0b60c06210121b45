// The in-memory L2: what `createCache({ l2 })` takes, with the handles by which a test disturbs it.

import { checkNames } from '../../model/option-rules.js'
import { hideKeys } from '../../model/options/hidden-keys.js'
import type { ConnectedTier, TierDefinition, TierOptions } from '../../model/options/tier-definition.js'
import { TIER_OPTIONS } from '../../model/options/tier-policy.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import { MemoryBus, MemoryBusLink } from './memory-bus.js'
import { MemoryLink } from './memory-link.js'
import { MemoryServer } from './memory-server.js'
import { MemoryStore } from './memory-store.js'

export interface MemoryTierOptions extends TierOptions {
  /** `false`: a store without a bus, or with one that is passed to `createCache`. */
  readonly bus?: 'log' | false
  /** In which beat the bus is heard when nothing is announced, in ms. Default 1,000. */
  readonly busBlockMs?: Milliseconds
}

/** One process's way to a `MemoryServer`. Make one for each cache that stands for a process. */
export interface MemoryTier extends TierDefinition {
  readonly server: MemoryServer
  /** Carries what the cache asks and writes. */
  readonly link: MemoryLink
  /** Carries announcements to the cache. */
  readonly busLink: MemoryBusLink
  /** Cuts both links; `restore` mends them. */
  cut(): void
  restore(): void
}

/**
 * An L2 in memory, without a network: `createCache({ l2: memoryTier() })`. Several tiers over one `MemoryServer` are several processes
 * over one Redis.
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
