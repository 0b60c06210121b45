// Every read ends in exactly one outcome, at the path of its call, whatever the traffic and the faults, and however callers leave.
import fc from 'fast-check'
import { type Cache, type CacheStats, createCache, type PathStats } from 'tiercache'
import { FakeClock, MemoryServer, type MemoryTier, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'

const KEYS = ['a', 'b', 'c']
const key = fc.constantFrom(...KEYS)
const keys = fc.array(key, { minLength: 1, maxLength: 4 })
/** The path of a call: the cache itself, a namespace of it, or one of them with the option `version`. Most calls meet at the first. */
const PATHS = ['shop', 'shop/ns', 'shop/@2', 'shop/ns/@2'] as const
type Path = (typeof PATHS)[number]
const at = fc.constantFrom<Path>('shop', 'shop', 'shop', ...PATHS)

/** What a loader does: it returns at once, after a while or never, or fails now or later. */
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
  { weight: 6, arbitrary: fc.record({ do: fc.constant('getOrSet' as const), at, key, loading, limits }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('getOrSetMany' as const), at, keys, loading }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('entry' as const, 'forced' as const), at, key, loading }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      at,
      key,
      end: fc.constantFrom('fill' as const, 'release' as const, 'forget' as const),
      afterMs: fc.constantFrom(0, 5, 60),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'lookup' as const), at, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('getMany' as const), at, keys }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'expire' as const), at, key }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('set' as const), at, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('update' as const, 'pull' as const), at, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('clear' as const, 'expireAll' as const), at }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), forMs: fc.constantFrom(0, 1, 5, 20, 50, 50, 1500) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'restore' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const PATIENT = { abortAfterMs: undefined, softTimeout: undefined, hardTimeout: undefined }

/** Outcomes that random traffic rarely has: a load that fails, and a slow one, while there is a value within staleIfError. */
const SERVED_STALE: Step[] = [
  { do: 'set', at: 'shop', key: 'a' },
  { do: 'wait', forMs: 50 },
  { do: 'getOrSet', at: 'shop', key: 'a', loading: { afterMs: 0, outcome: 'error' }, limits: PATIENT },
  { do: 'set', at: 'shop/@2', key: 'b' },
  { do: 'wait', forMs: 50 },
  {
    do: 'getOrSet',
    at: 'shop/@2',
    key: 'b',
    loading: { afterMs: 30, outcome: 'value' },
    limits: { ...PATIENT, softTimeout: 2 },
  },
  { do: 'wait', forMs: 50 },
]

const POLICY = { ttl: 20, staleWhileRevalidate: 20, staleIfError: 100, absentTtl: 5, hardTimeout: 200 }

/** Plays random traffic on one cache, and counts the reads. */
class Traffic {
  reads = 0
  readonly readsAt = new Map<Path, number>()
  readonly #pending: Promise<void>[] = []
  readonly #namespace: Cache

  constructor(
    private readonly cache: Cache,
    private readonly clock: FakeClock,
    private readonly tier: MemoryTier | undefined,
  ) {
    this.#namespace = cache.namespace('ns')
  }

  async play(one: Step): Promise<void> {
    const { clock, tier } = this
    const cache = 'at' in one && one.at.startsWith('shop/ns') ? this.#namespace : this.cache
    const options = 'at' in one && one.at.endsWith('@2') ? { version: 2 } : {}
    switch (one.do) {
      case 'getOrSet': {
        const { abortAfterMs, ...timeouts } = one.limits
        const caller = new AbortController()
        const call = () =>
          cache.getOrSet(one.key, (ctx) => this.#load(one.loading, ctx), {
            ...timeouts,
            ...options,
            signal: caller.signal,
          })
        if (abortAfterMs === 0) caller.abort()
        else if (abortAfterMs !== undefined) clock.after(abortAfterMs, () => caller.abort())
        return this.#read(one.at, 1, call)
      }
      case 'getOrSetMany':
        return this.#read(one.at, new Set(one.keys).size, () =>
          cache.getOrSetMany<string>(
            one.keys,
            async (asked, { each }) => {
              await this.#load(one.loading, each[0])
              return asked.map((name, i) => (i % 2 === 1 ? new Error('this one') : name))
            },
            options,
          ),
        )
      case 'entry':
        return this.#read(one.at, 1, () => cache.getOrSetEntry(one.key, (ctx) => this.#load(one.loading, ctx), options))
      case 'forced':
        return this.#read(one.at, 1, () =>
          cache.getOrSet(one.key, (ctx) => this.#load(one.loading, ctx), { ...options, forceFresh: true }),
        )
      case 'reserve':
        return this.#read(one.at, 1, async () => {
          const reserved = await cache.reserve(one.key, options)
          if (reserved.hit) return
          await new Promise<void>((resolve) => void clock.after(one.afterMs, resolve))
          if (one.end === 'fill') await reserved.fill('filled')
          else if (one.end === 'release') reserved.release()
        })
      case 'getMany':
        return this.#read(one.at, one.keys.length, () => cache.getMany(one.keys, options))
      case 'get':
      case 'lookup':
        return this.#read(one.at, 1, () => cache[one.do](one.key, options))
      case 'pull':
        return this.#read(one.at, 1, () => cache.pull(one.key, options))
      case 'update':
        return this.#other(() => cache.update(one.key, () => 'updated', options))
      case 'set':
        return this.#other(() => cache.set(one.key, 'set', options))
      case 'delete':
      case 'expire':
        return this.#other(() => cache[one.do](one.key, options))
      case 'clear':
      case 'expireAll':
        return this.#other(() => cache[one.do]())
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

  /** Closes the cache during reads, and waits until all of them are over. */
  async end(): Promise<void> {
    const closing = this.cache.close()
    await this.clock.advance(10_000)
    await closing
    await Promise.all(this.#pending)
  }

  #read(path: Path, count: number, call: () => Promise<unknown>): void {
    this.reads += count
    this.readsAt.set(path, (this.readsAt.get(path) ?? 0) + count)
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

const LOADING = ['loads', 'loadFailures', 'loadMs', 'stored', 'storeFailures', 'fillsRefused'] as const
const COUNTERS = [...LOADING, 'writes', 'invalidations', 'corrupt'] as const

/** All counters side by side, as in `{ 'hit l1': 2, loads: 1 }`. */
function flat(counted: PathStats): Record<string, number> {
  const outcomes = Object.entries(counted.reads).flatMap(([result, count]): [string, number][] =>
    typeof count === 'number'
      ? [[result, count]]
      : [
          [`${result} l1`, count.l1],
          [`${result} l2`, count.l2],
        ],
  )
  return Object.fromEntries([...outcomes, ...COUNTERS.map((name) => [name, counted[name]] as const)])
}

function sumsOfPaths({ byPath }: CacheStats): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const counted of Object.values(byPath)) {
    for (const [name, count] of Object.entries(flat(counted))) sums[name] = (sums[name] ?? 0) + count
  }
  return sums
}

/** How often each event named each path. */
class EventsByPath {
  readonly #counts = new Map<string, number>()

  constructor(cache: Cache) {
    for (const name of ['hit', 'joined', 'miss', 'servedStale'] as const) {
      cache.on(name, ({ scope }) => this.#add('read', scope))
    }
    for (const name of ['loadFailed', 'stored', 'storeFailed', 'corrupt'] as const) {
      cache.on(name, ({ scope }) => this.#add(name, scope))
    }
  }

  /** The events of a path, under the names of their counters. */
  at(path: string) {
    return {
      read: this.#of('read', path),
      loadFailures: this.#of('loadFailed', path),
      stored: this.#of('stored', path),
      storeFailures: this.#of('storeFailed', path),
      corrupt: this.#of('corrupt', path),
    }
  }

  #of(event: string, path: string): number {
    return this.#counts.get(`${event} ${path}`) ?? 0
  }

  #add(event: string, path: string): void {
    this.#counts.set(`${event} ${path}`, this.#of(event, path) + 1)
  }
}

/** The outcomes of all runs. The property says nothing about an outcome that never occurred. */
const seen = new Set<string>()

describe.each(['without an L2', 'with an L2', 'with L1 off'])('%s', (topology) => {
  test('the outcomes of random traffic add up to its reads, and each outcome except an abort is one event', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const clock = new FakeClock()
        const tier = topology === 'without an L2' ? undefined : memoryTier(new MemoryServer({ clock }), { timeout: 20 })
        const l1 = topology === 'with L1 off' ? (false as const) : {}
        const cache = createCache({
          ...{ ...POLICY, name: 'shop', clock, l1, l2: tier },
          ...{ random: () => 0.5, closeTimeout: 100 },
        })
        const named = new EventsByPath(cache)
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
        expect(sumsOfPaths(stats)).toEqual(flat(stats))
        for (const [path, counted] of Object.entries(stats.byPath)) {
          expect(counted.reads.total).toBe(traffic.readsAt.get(path as Path) ?? 0)
          const { loadFailures, stored, storeFailures, corrupt } = counted
          const read = counted.reads.total - counted.reads.aborted
          expect({ path, read, loadFailures, stored, storeFailures, corrupt }).toEqual({ path, ...named.at(path) })
        }
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
