// Caches for unit tests, on a fake clock. After each test nothing may be left of them: no flight, no background work, no timer, no
// entry beyond the bound. All options and lists that a test passes are deeply frozen, since the SDK never writes to them (G10).
import { type Cache, type CacheOptions, createCache } from 'tiercache'
import { FakeClock, MemoryServer, type MemoryTier, type MemoryTierOptions, memoryTier, settle } from 'tiercache/testing'
import { afterEach, expect } from 'vitest'

/** One process of a fleet: a cache with its own link to the shared server. */
export interface Process {
  readonly cache: Cache
  readonly tier: MemoryTier
}

export interface Fleet {
  readonly clock: FakeClock
  readonly server: MemoryServer
  readonly a: Process
  readonly b: Process
}

type Options = Omit<CacheOptions, 'clock' | 'l2'>

interface Opened {
  readonly cache: Cache
  readonly clock: FakeClock
  readonly maxEntries: number
}

/** Call it once at the top of a test file. What it returns creates the caches. */
export function leavesNothing() {
  const opened: Opened[] = []

  afterEach(async () => {
    const all = opened.splice(0)
    await settle()
    for (const { cache, maxEntries } of all) {
      const { l1, loading } = cache.stats()
      expect(loading, 'no flight and no background work is left').toMatchObject({ flights: 0, background: 0 })
      expect(l1.entries, 'L1 is within its bound').toBeLessThanOrEqual(maxEntries)
    }
    await Promise.all([...all.map(({ cache }) => cache.close()), settle(20)])
    for (const { clock } of all) expect(clock.pendingTimers, 'no timer is left after close()').toBe(0)
  })

  function open(clock: FakeClock, options: CacheOptions): Cache {
    // There is one warning per kind and process, and it would be printed among the test results.
    const cache = createCache(deepFreeze({ logger: false, ...options, l1: smallByDefault(options.l1), clock }))
    const maxEntries = (options.l1 === false ? 0 : options.l1?.maxEntries) ?? 10_000
    opened.push({ cache, clock, maxEntries })
    return freezingArguments(cache)
  }

  function connect(clock: FakeClock, server: MemoryServer, options: Options, tierOptions: MemoryTierOptions): Process {
    const tier = memoryTier(server, tierOptions)
    return { tier, cache: open(clock, { ...options, l2: tier }) }
  }

  return {
    /** A cache with memory alone. */
    l1Only(options: Options = {}): { readonly clock: FakeClock; readonly cache: Cache } {
      const clock = new FakeClock()
      return { clock, cache: open(clock, options) }
    },

    /** Two processes over one server, connected. Their tokens are not known yet. */
    async fleet(options: Options = {}, tierOptions: MemoryTierOptions = {}): Promise<Fleet> {
      const clock = new FakeClock()
      // The server's clock begins at a whole millisecond, so that boundaries are exact.
      const server = new MemoryServer({ clock, startAtMs: 1_700_000_000_000 })
      const a = connect(clock, server, options, tierOptions)
      const b = connect(clock, server, options, tierOptions)
      await clock.advance(1)
      return { clock, server, a, b }
    },

    open,
  }
}

/** lru-cache allocates its whole table at once. With the default of 10,000 entries that is most of the cost of a small test. */
function smallByDefault(l1: CacheOptions['l1']): CacheOptions['l1'] {
  if (l1 === false || l1?.maxEntries !== undefined || l1?.maxBytes !== undefined) return l1
  return { maxEntries: 1_000, ...l1 }
}

/** Freezes plain objects and arrays deeply. Instances of classes, such as clocks, are left unchanged. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain) return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}

/** The cache, with all arguments frozen first, except values to be cached: a cache may be asked to freeze those itself. */
function freezingArguments(cache: Cache): Cache {
  return new Proxy(cache, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...passed: unknown[]) => {
        passed.forEach((argument, i) => {
          const holdsValues = (name === 'set' && i === 1) || (name === 'setMany' && i === 0)
          if (holdsValues) Object.freeze(Array.isArray(argument) ? argument : undefined)
          else deepFreeze(argument)
        })
        const answer: unknown = member.apply(target, passed)
        return name === 'namespace' ? freezingArguments(answer as Cache) : answer
      }
    },
  })
}
