// Every read ends in exactly one outcome, whatever traffic, faults and ends of callers meet it.
import fc from 'fast-check'
import { type Cache, type CacheStats, createCache } from 'tiercache'
import { FakeClock, MemoryServer, type MemoryTier, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'

const KEYS = ['a', 'b', 'c']
const key = fc.constantFrom(...KEYS)
const keys = fc.array(key, { minLength: 1, maxLength: 4 })

/** How a loader behaves: at once, after a while, never, or by failing now or later. */
const loading = fc.record({
  afterMs: fc.constantFrom(0, 0, 3, 30, Number.POSITIVE_INFINITY),
  outcome: fc.constantFrom('value', 'value', 'error', 'error', 'skip', 'zero'),
})
const limits = fc.record({
  abortAfterMs: fc.constantFrom(undefined, undefined, 0, 2, 10),
  softTimeout: fc.constantFrom(undefined, 2),
  hardTimeout: fc.constantFrom(undefined, 5, 50),
})

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('getOrSet' as const), key, loading, limits }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('getOrSetMany' as const), keys, loading }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'lookup' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('getMany' as const), keys }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'expire' as const), key }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('set' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('update' as const, 'pull' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), forMs: fc.constantFrom(0, 1, 5, 20, 50, 50, 1500) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'restore' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const PATIENT = { abortAfterMs: undefined, softTimeout: undefined, hardTimeout: undefined }

/** The outcomes that random traffic meets rarely: a load that fails, and one that is slow, while a value within staleIfError is there. */
const SERVED_STALE: Step[] = [
  { do: 'set', key: 'a' },
  { do: 'wait', forMs: 50 },
  { do: 'getOrSet', key: 'a', loading: { afterMs: 0, outcome: 'error' }, limits: PATIENT },
  { do: 'set', key: 'b' },
  { do: 'wait', forMs: 50 },
  { do: 'getOrSet', key: 'b', loading: { afterMs: 30, outcome: 'value' }, limits: { ...PATIENT, softTimeout: 2 } },
  { do: 'wait', forMs: 50 },
]

const POLICY = { ttl: 20, staleWhileRevalidate: 20, staleIfError: 100, absentTtl: 5, hardTimeout: 200 }

/** Plays random traffic on one cache, and counts what was asked of it. */
class Traffic {
  reads = 0
  readonly #pending: Promise<void>[] = []

  constructor(
    private readonly cache: Cache,
    private readonly clock: FakeClock,
    private readonly tier: MemoryTier | undefined,
  ) {}

  async play(one: Step): Promise<void> {
    const { cache, clock, tier } = this
    switch (one.do) {
      case 'getOrSet': {
        const { abortAfterMs, ...timeouts } = one.limits
        const caller = new AbortController()
        const call = () =>
          cache.getOrSet(one.key, (ctx) => this.#load(one.loading, ctx), { ...timeouts, signal: caller.signal })
        if (abortAfterMs === 0) caller.abort()
        else if (abortAfterMs !== undefined) clock.after(abortAfterMs, () => caller.abort())
        return this.#read(1, call)
      }
      case 'getOrSetMany':
        return this.#read(new Set(one.keys).size, () =>
          cache.getOrSetMany<string>(one.keys, async (asked, { each }) => {
            await this.#load(one.loading, each[0])
            return asked.map((name, i) => (i % 2 === 1 ? new Error('this one') : name))
          }),
        )
      case 'getMany':
        return this.#read(one.keys.length, () => cache.getMany(one.keys))
      case 'get':
      case 'lookup':
        return this.#read(1, () => cache[one.do](one.key))
      case 'pull':
        return this.#read(1, () => cache.pull(one.key))
      case 'update':
        return this.#other(() => cache.update(one.key, () => 'updated'))
      case 'set':
        return this.#other(() => cache.set(one.key, 'set'))
      case 'delete':
      case 'expire':
        return this.#other(() => cache[one.do](one.key))
      case 'clear':
        return this.#other(() => cache.clear())
      case 'wait':
        return clock.advance(one.forMs)
      case 'cut':
        return tier?.cut()
      case 'restore':
        return tier?.restore()
      default:
        return one satisfies never
    }
  }

  /** Closes the cache while reads are under way, and waits until all of them are over. */
  async end(): Promise<void> {
    const closing = this.cache.close()
    await this.clock.advance(10_000)
    await closing
    await Promise.all(this.#pending)
  }

  #read(count: number, call: () => Promise<unknown>): void {
    this.reads += count
    this.#other(call)
  }

  #other(call: () => Promise<unknown>): void {
    this.#pending.push(
      call().then(
        () => undefined,
        () => undefined,
      ),
    )
  }

  #load(
    { afterMs, outcome }: { afterMs: number; outcome: string },
    ctx: { skip(): void; ttl(ms: number): void } | undefined,
  ) {
    if (outcome === 'skip') ctx?.skip()
    if (outcome === 'zero') ctx?.ttl(0)
    const end = () => (outcome === 'error' ? Promise.reject(new Error('down')) : 'loaded')
    if (afterMs === 0) return end()
    if (afterMs === Number.POSITIVE_INFINITY) return new Promise<string>(() => undefined)
    return new Promise<void>((resolve) => void this.clock.after(afterMs, resolve)).then(end)
  }
}

function sumOf({ reads }: CacheStats): number {
  const { total: _total, ...outcomes } = reads
  const counts = Object.values(outcomes).flatMap((count) =>
    typeof count === 'number' ? [count] : [count.l1, count.l2],
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The outcomes seen in all runs: a property over traffic that never meets one of them says nothing about it. */
const seen = new Set<string>()

describe.each(['without an L2', 'with an L2', 'with L1 off'])('%s', (topology) => {
  test('the outcomes of random traffic add up to its reads, and each outcome except an abort is one event', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const clock = new FakeClock()
        const tier = topology === 'without an L2' ? undefined : memoryTier(new MemoryServer({ clock }), { timeout: 20 })
        const l1 = topology === 'with L1 off' ? (false as const) : {}
        const cache = createCache({ ...POLICY, clock, l1, l2: tier, random: () => 0.5, closeTimeout: 100 })
        let events = 0
        for (const name of ['hit', 'joined', 'miss', 'servedStale'] as const) cache.on(name, () => events++)
        const traffic = new Traffic(cache, clock, tier)
        await clock.advance(1)
        for (const one of steps) await traffic.play(one)
        await settle()
        await traffic.end()
        const stats = cache.stats()
        expect({ sum: sumOf(stats), total: stats.reads.total }).toEqual({ sum: traffic.reads, total: traffic.reads })
        expect(events).toBe(traffic.reads - stats.reads.aborted)
        const { hits, staleServed, misses, reads } = stats
        expect(hits.l1 + hits.l2 + staleServed + misses + reads.joined + reads.aborted).toBe(traffic.reads)
        for (const [result, count] of Object.entries(reads)) {
          if (typeof count === 'number' ? count > 0 : count.l1 + count.l2 > 0) seen.add(result)
        }
      }),
      { numRuns: 80, seed: 20_240, examples: [[SERVED_STALE]] },
    )
  })
})

test('the traffic of the tests above had every outcome', () => {
  const all = [
    'hit',
    'stale',
    'staleIfError',
    'staleIfSlow',
    'loaded',
    'joined',
    'absent',
    'failed',
    'timedOut',
    'aborted',
  ]
  expect([...seen].filter((result) => result !== 'total').sort()).toEqual(all.sort())
})
