// Invalidations with a hold: what is loaded while it lasts goes to its callers and is kept nowhere, in any process.
import { type Cache, type CacheEvents, createCache, inProcessBus } from 'tiercache'
import { deferred, FakeClock, memoryTier, record, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing, type Process } from '../../../support/leaves-nothing.js'

const { l1Only, fleet, open } = leavesNothing()

/** The ways to hold the key `k` with the tag `t`, for five seconds. */
const HOLDS: readonly [string, (cache: Cache) => Promise<unknown>][] = [
  ['delete', (cache) => cache.delete('k', { hold: '5s' })],
  ['invalidateTags', (cache) => cache.invalidateTags(['t'], { hold: '5s' })],
]

/** How the tag `t` of a loaded value becomes known. */
const TAGGINGS = ['listed', 'derived', 'by the loader'] as const
type Tagging = (typeof TAGGINGS)[number]

/** A source whose commit is not visible yet. */
class Source {
  value = 'old'
  loads = 0

  read(cache: Cache, tagging: Tagging = 'listed', key = 'k'): Promise<string> {
    const tags = tagging === 'listed' ? ['t'] : tagging === 'derived' ? () => ['t'] : []
    return cache.getOrSet(
      key,
      (ctx) => {
        this.loads++
        if (tagging === 'by the loader') ctx.tags('t')
        return this.value
      },
      { tags },
    )
  }
}

/** A third process, which starts now and has heard of nothing. */
async function newcomer(clock: FakeClock, { tier }: Process): Promise<Process> {
  const own = memoryTier(tier.server)
  const cache = open(clock, { ttl: '1h', l2: own })
  await clock.advance(1)
  return { cache, tier: own }
}

describe.each(HOLDS)('%s with a hold', (_, hold) => {
  test('keeps nothing that is loaded in memory alone, and everything once it is over', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const source = new Source()
    await source.read(cache)
    expect(await hold(cache)).toBe('applied')
    expect([await source.read(cache), await source.read(cache)]).toEqual(['old', 'old'])
    expect(source.loads).toBe(3)
    await clock.advance(4_999)
    expect(await source.read(cache)).toBe('old')
    expect(cache.peek('k')).toBeUndefined()
    source.value = 'new'
    await clock.advance(1)
    expect([await source.read(cache), await source.read(cache)]).toEqual(['new', 'new'])
    expect(source.loads).toBe(5)
  })

  test('keeps nothing of a load that begins within it and ends after it', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const gate = deferred<string>()
    await hold(cache)
    await clock.advance(4_000)
    const caller = cache.getOrSet('k', () => gate.promise, { tags: ['t'] })
    await clock.advance(2_000)
    gate.resolve('old')
    expect(await caller).toBe('old')
    expect(cache.peek('k')).toBeUndefined()
  })

  test('shares a load among the callers of a process, but not with those who come after its end', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const gate = deferred<string>()
    let loads = 0
    const read = () =>
      cache.getOrSet(
        'k',
        () => {
          loads++
          return loads === 1 ? gate.promise : 'new'
        },
        { tags: ['t'] },
      )
    await hold(cache)
    const within = [read(), read()]
    await clock.advance(6_000)
    const after = read()
    expect(await after).toBe('new')
    gate.resolve('old')
    expect(await Promise.all(within)).toEqual(['old', 'old'])
    expect(loads).toBe(2)
    expect(cache.peek('k')).toBe('new')
  })

  test.each(TAGGINGS)('keeps nothing in any process, with tags that are %s', async (tagging) => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    const source = new Source()
    await source.read(a.cache, tagging)
    await clock.advance(10)
    expect(await hold(a.cache)).toBe('applied')
    await clock.advance(1)
    const late = await newcomer(clock, a)
    for (const { cache } of [a, b, late]) expect(await source.read(cache, tagging)).toBe('old')
    await clock.advance(10)
    for (const { cache } of [a, b, late]) expect(await cache.get('k')).toBeUndefined()
    source.value = 'new'
    await clock.advance(5_000)
    for (const { cache } of [late, b, a]) expect(await source.read(cache, tagging)).toBe('new')
    await clock.advance(10)
  })

  test.each(TAGGINGS)(
    'keeps nothing of a load that a process began within it that started meanwhile, with tags that are %s',
    async (tagging) => {
      const { a, clock } = await fleet({ ttl: '1h' })
      await hold(a.cache)
      await clock.advance(2_000)
      const late = await newcomer(clock, a)
      const gate = deferred<string>()
      const source = new Source()
      const tags = tagging === 'listed' ? ['t'] : tagging === 'derived' ? () => ['t'] : []
      const load = async (ctx: { tags(tag: string): void }) => {
        const value = await gate.promise
        if (tagging === 'by the loader') ctx.tags('t')
        return value
      }
      const caller = late.cache.getOrSet('k', load, { tags })
      await clock.advance(4_000)
      gate.resolve('old')
      expect(await caller).toBe('old')
      await clock.advance(10)
      expect(await late.cache.get('k')).toBeUndefined()
      source.value = 'new'
      expect([await source.read(late.cache, tagging), await source.read(a.cache, tagging)]).toEqual(['new', 'new'])
      await clock.advance(10)
    },
  )

  test.each(TAGGINGS)(
    'lets nobody who comes long after it share a load that began within it in a process that started meanwhile, with tags that are %s',
    async (tagging) => {
      const { a, clock } = await fleet({ ttl: '1h' })
      await hold(a.cache)
      await clock.advance(2_000)
      const late = await newcomer(clock, a)
      const gate = deferred<string>()
      const tags = tagging === 'listed' ? ['t'] : tagging === 'derived' ? () => ['t'] : []
      const read = (value: string | Promise<string>) =>
        late.cache.getOrSet(
          'k',
          (ctx) => {
            if (tagging === 'by the loader') ctx.tags('t')
            return value
          },
          { tags },
        )
      const within = read(gate.promise)
      await clock.advance(7_000)
      // It begins a load of its own, once the lease of the other one is free.
      const later = read('new')
      await clock.advance(10)
      gate.resolve('old')
      expect(await within).toBe('old')
      await clock.advance(100)
      expect(await later).toBe('new')
      await clock.advance(10)
    },
  )

  test('keeps nothing in a process that hears no announcements', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    const source = new Source()
    await source.read(b.cache)
    await clock.advance(10)
    b.tier.busLink.cut()
    await clock.advance(3_100)
    await hold(a.cache)
    expect(await source.read(b.cache)).toBe('old')
    await clock.advance(5_000)
    source.value = 'new'
    expect(await source.read(b.cache)).toBe('new')
    b.tier.busLink.restore()
    await clock.advance(2_000)
  })

  test('lasts in the process that made it while L2 cannot be reached', async () => {
    const { a, clock } = await fleet({ ttl: '1h' })
    const source = new Source()
    await source.read(a.cache)
    await clock.advance(10)
    a.tier.cut()
    expect(await hold(a.cache)).toBe('queued')
    expect(await source.read(a.cache)).toBe('old')
    expect(a.cache.peek('k')).toBeUndefined()
    await clock.advance(5_000)
    source.value = 'new'
    expect([await source.read(a.cache), a.cache.peek('k')]).toEqual(['new', 'new'])
    a.tier.restore()
    await clock.advance(10_000)
  })

  test('is published late with what remains of it', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' }, { breaker: { openFor: 100, maxOpenFor: 100 } })
    const source = new Source()
    a.tier.cut()
    expect(await hold(a.cache)).toBe('queued')
    await clock.advance(1_000)
    a.tier.restore()
    await clock.advance(1_000)
    expect(await source.read(b.cache)).toBe('old')
    await clock.advance(1_500)
    expect(await source.read(b.cache)).toBe('old')
    expect(source.loads).toBe(2)
    source.value = 'new'
    // Five seconds after the call, not after its publication.
    await clock.advance(1_600)
    expect([await source.read(b.cache), await source.read(b.cache)]).toEqual(['new', 'new'])
    expect(source.loads).toBe(3)
    await clock.advance(10)
  })

  test('does not end with a plain invalidation, of this process or another', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    const source = new Source()
    await hold(a.cache)
    for (const { cache } of [a, b]) {
      await cache.delete('k')
      await cache.invalidateTags(['t'])
    }
    await clock.advance(1)
    const late = await newcomer(clock, a)
    for (const { cache } of [a, b, late]) await source.read(cache)
    await clock.advance(10)
    source.value = 'new'
    await clock.advance(5_000)
    for (const { cache } of [a, b, late]) expect(await source.read(cache)).toBe('new')
    await clock.advance(10)
  })

  test('makes no process wait for the load of another', async () => {
    const { a, b, clock } = await fleet({ ttl: '1h' })
    await hold(a.cache)
    await clock.advance(1)
    const late = await newcomer(clock, a)
    const gates = [a, b, late].map(() => deferred<string>())
    const callers = [a, b, late].map(({ cache }, i) => cache.getOrSet('k', () => gates[i]!.promise, { tags: ['t'] }))
    await clock.advance(50)
    // In the opposite order: whoever waited for another one would get nothing.
    for (const i of [2, 1, 0]) {
      gates[i]!.resolve(`own ${i}`)
      expect(await callers[i]).toBe(`own ${i}`)
    }
    await clock.advance(10)
  })

  test('says why a loaded value was not kept', async () => {
    const { cache } = l1Only({ ttl: '1h' })
    const loaded = record<CacheEvents>(cache, ['loaded'])
    await hold(cache)
    await new Source().read(cache)
    expect(loaded.of('loaded')).toEqual([expect.objectContaining({ kept: false, notKept: 'held' })])
    expect((await cache.explain('k')).why).toContain('invalidated with a hold')
  })
})

describe('a hold', () => {
  test('of a tag holds no other key and no other tag', async () => {
    const { cache } = l1Only({ ttl: '1h' })
    await cache.invalidateTags(['t'], { hold: '5s' })
    await cache.delete('x', { hold: '5s' })
    await cache.getOrSet('other', () => 1, { tags: ['u'] })
    await cache.getOrSet('t', () => 2)
    expect([cache.peek('other'), cache.peek('t')]).toEqual([1, 2])
  })

  test('of one tag that is over is not prolonged by that of another tag', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const gate = deferred<string>()
    await cache.invalidateTags(['a'], { hold: '1s' })
    await cache.invalidateTags(['b'], { hold: '9s' })
    const within = cache.getOrSet('k', () => gate.promise, { tags: ['a', 'b'] })
    await clock.advance(2_000)
    expect(await cache.getOrSet('k', () => 'new', { tags: ['a', 'b'] })).toBe('new')
    gate.resolve('old')
    expect(await within).toBe('old')
  })

  test('reaches other processes over a bus without an L2', async () => {
    const clock = new FakeClock()
    const bus = inProcessBus()
    const [one, other] = [0, 1].map(() =>
      createCache({ name: 'shop', ttl: '1h', clock, logger: false, bus: bus.connect() }),
    ) as [Cache, Cache]
    await one.invalidateTags(['t'], { hold: '5s' })
    await settle()
    await new Source().read(other)
    expect(other.peek('k')).toBeUndefined()
    await clock.advance(5_000)
    await new Source().read(other)
    expect(other.peek('k')).toBe('old')
    await Promise.all([one.close(), other.close()])
  })

  test('keeps a refresh from being kept', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const source = cache.source('rows', { load: () => 'old' })
    await source.get(1)
    await source.invalidate(1, { hold: '5s' })
    expect(await source.refresh(1)).toBe('old')
    expect(source.peek(1)).toBeUndefined()
    await clock.advance(5_000)
    await source.refresh(1)
    expect(source.peek(1)).toBe('old')
  })

  test('lets a load neither claim its key nor ask for tokens', async () => {
    const { a, clock } = await fleet({ ttl: '1h' })
    await a.cache.getOrSet('k', () => 1, { tags: ['t'] })
    await clock.advance(10)
    await a.cache.invalidateTags(['t'], { hold: '5s' })
    a.tier.link.resetCounts()
    await a.cache.getOrSet('k', () => 1, { tags: ['t'] })
    await clock.advance(10)
    for (const command of ['claim', 'ensureTokens', 'swap']) expect(a.tier.link.count(command)).toBe(0)
  })
})
