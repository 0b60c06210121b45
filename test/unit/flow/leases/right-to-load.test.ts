// A store that never gives the right to load, because somebody rewrites the key all the time.

import { createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier } from 'tiercache/testing'
import { expect, test } from 'vitest'
import type { TierDefinition } from '../../../../src/model/options/tier-definition.js'
import type { RemoteStore } from '../../../../src/model/ports.js'

function tierWith(changed: Partial<RemoteStore>): TierDefinition {
  const tier = memoryTier(new MemoryServer())
  return {
    connect: (name, clock) => {
      const connected = tier.connect(name, clock)
      const store = new Proxy(connected.store, {
        get: (own, member) => {
          const value: unknown = Reflect.get(changed, member) ?? Reflect.get(own, member)
          return typeof value === 'function' ? value.bind(own) : value
        },
      })
      return { store, bus: connected.bus }
    },
  }
}

test('a key whose bytes are damaged again before each claim is loaded without a lease after a bounded number of tries', async () => {
  const clock = new FakeClock()
  let tries = 0
  const damaged = {
    read: async (keys: readonly string[]) => keys.map(() => Buffer.alloc(40, 'garbage')),
    swap: async () => {
      tries++
      return 'refused' as const
    },
  }
  const cache = createCache({ clock, l2: tierWith(damaged), logger: false })
  let value: unknown
  void cache
    .getOrSet('k', () => 'v', { hardTimeout: Number.POSITIVE_INFINITY })
    .then((loaded) => {
      value = loaded
    })
  await clock.advance(2_000)
  expect(value).toBe('v')
  expect(tries).toBeLessThanOrEqual(50)
  await cache.close()
})
