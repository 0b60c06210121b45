// Invalidations between two processes on real Redis: during loads, at the same time, without a link, and without memory in Redis.
import type { Cache, CallOptions, LoadContext } from 'tiercache'
import { deferred } from 'tiercache/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TcpProxy } from '../support/proxy.js'
import { waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

const keys = Array.from({ length: 60 }, (_, i) => `k${i}`)
const nothing = keys.map(() => undefined)

/** What invalidates a value while it is being loaded, and what the key has afterwards. */
const ENDINGS: [string, (cache: Cache, key: string) => Promise<unknown>, string | undefined][] = [
  ['delete', (cache, key) => cache.delete(key), undefined],
  ['set', (cache, key) => cache.set(key, 'set'), 'set'],
  ['expire', (cache, key) => cache.expire(key), undefined],
  ['invalidateTags', (cache, key) => cache.invalidateTags(`of:${key}`), undefined],
  ['clear', (cache) => cache.clear(), undefined],
]

/** When the tags of a load are known. */
const TAGGED: [string, (key: string) => CallOptions<string>, (ctx: LoadContext) => void][] = [
  ['before it began', (key) => ({ tags: [`of:${key}`] }), () => undefined],
  ['when it ends', () => ({}), (ctx) => ctx.tags(`of:${ctx.key}`)],
]

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache
  /** A process whose links can be cut, and which then trusts its memory for an hour. */
  let cut: Cache
  let proxies: TcpProxy[]

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    ;[a, b] = await fleet.openTwo()
    const breaker = { openFor: '100ms', maxOpenFor: '200ms' } as const
    ;[cut, proxies] = await fleet.openBehindProxies({ l1: { maxStaleness: '1h' } }, { timeout: '2s', breaker })
  })

  afterAll(() => fleet.stop())

  const refuse = () => Promise.all(proxies.map((proxy) => proxy.refuse()))

  async function restore(): Promise<void> {
    await Promise.all(proxies.map((proxy) => proxy.restore()))
    await waitFor('Redis to be used', () => cut.stats().l2.available && cut.stats().l2.waiting === 0)
  }

  describe.each(TAGGED)('a load whose tag is known %s', (when, optionsOf, tell) => {
    test.each(ENDINGS)(
      'stores nothing if its own process or another one calls %s while it runs',
      async (verb, end, left) => {
        for (const [name, by] of Object.entries({ own: a, other: b })) {
          const key = `${verb} ${when} ${name}`
          const begun = deferred()
          const gate = deferred<string>()
          const load = (ctx: LoadContext) => {
            tell(ctx)
            begun.resolve()
            return gate.promise
          }
          const loading = a.getOrSet(key, load, optionsOf(key))
          await begun.promise
          expect(await end(by, key)).toBe('applied')
          gate.resolve('outdated')
          // The caller of the load gets the loaded value.
          expect(await loading).toBe('outdated')
          await a.drain()
          expect(await by.get(key)).toBe(left)
          for (const cache of [a, b]) {
            expect(await cache.get(key, { tiers: 'l2' })).toBe(left)
            await waitFor('the memory of both', async () => (await cache.get(key)) === left)
          }
          for (const cache of [a, b]) expect(await cache.getOrSet(key, () => 'anew')).toBe(left ?? 'anew')
        }
      },
    )
  })

  test('an old value of a key that changed while a process was cut off is not served after it is back', async () => {
    await a.set('changed', 'old')
    await waitFor('the value', async () => (await cut.get('changed')) === 'old')
    await refuse()
    await a.set('changed', 'new')
    await restore()
    await waitFor('the new value', async () => (await cut.get('changed')) === 'new')
  })

  test('reads, writes and deletes of many keys and clear() affect every one of the keys', async () => {
    expect(await a.setMany(keys.map((key) => [key, key] as const))).toBe('applied')
    expect(await b.getMany(keys)).toEqual(keys)
    const some = keys.slice(0, 4)
    expect(await a.delete(some)).toBe('applied')
    const left = [...nothing.slice(0, 4), ...keys.slice(4)]
    await waitFor('the other process', async () => (await b.getMany(some)).every((value) => value === undefined))
    for (const cache of [a, b]) expect(await cache.getMany(keys)).toEqual(left)
    const loaded: string[][] = []
    const load = async (missing: readonly string[]) => {
      loaded.push([...missing].sort())
      return missing
    }
    expect(await b.getOrSetMany(keys, load)).toEqual(keys)
    expect(loaded).toEqual([some])
    await b.drain()
    expect(await a.clear()).toBe('applied')
    expect(await a.getMany(keys)).toEqual(nothing)
    await waitFor('the other process', async () => (await b.getMany(keys)).every((value) => value === undefined))
    expect(await b.getMany(keys, { tiers: 'l2' })).toEqual(nothing)
    for (const node of fleet.nodes) expect(await node.info('errorstats')).not.toHaveProperty('errorstat_CROSSSLOT')
  })

  test('invalidations that two processes make at the same time all take effect', async () => {
    for (let round = 0; round < 5; round++) {
      const tagged = keys.slice(0, 12)
      await Promise.all(tagged.map((key, i) => a.set(key, round, { tags: [`t${i % 3}`] })))
      await waitFor('the other process', async () => (await b.getMany(tagged)).every((value) => value === round))
      const invalidations = [a.invalidateTags('t0'), b.invalidateTags('t1'), a.invalidateTags('t2')]
      expect(await Promise.all(invalidations)).toEqual(['applied', 'applied', 'applied'])
      for (const cache of [a, b]) {
        await waitFor('all three', async () => (await cache.getMany(tagged)).every((value) => value === undefined))
      }
    }
  })

  test('invalidations made while Redis is unreachable are queued and published later, and no older write undoes them', async () => {
    await a.setMany(
      keys.map((key) => [key, 'old'] as const),
      { tags: ['unreached'] },
    )
    await waitFor('the values', async () => (await cut.getMany(keys)).every((value) => value === 'old'))
    await refuse()
    expect(await cut.set('k0', 'older than its delete')).toBe('queued')
    expect(await cut.delete('k0')).toBe('queued')
    expect(await cut.invalidateTags('unreached')).toBe('queued')
    expect(await cut.getMany(keys)).toEqual(nothing)
    await restore()
    expect(await cut.getMany(keys)).toEqual(nothing)
    for (const cache of [a, b]) {
      await waitFor('the others', async () => (await cache.getMany(keys)).every((value) => value === undefined))
    }
    await cut.drain()
    expect(await b.getMany(keys, { tiers: 'l2' })).toEqual(nothing)
  })

  test('invalidations work while Redis is out of memory', async () => {
    await a.setMany(
      keys.map((key) => [key, 'old'] as const),
      { tags: ['full'] },
    )
    await waitFor('the values', async () => (await b.getMany(keys)).every((value) => value === 'old'))
    const limit = (bytes: number) => fleet.nodes.map((node) => node.command('CONFIG', 'SET', 'maxmemory', bytes))
    await Promise.all(limit(1))
    try {
      expect(await a.invalidateTags('full')).toBe('applied')
      expect(await a.getMany(keys)).toEqual(nothing)
      await waitFor('the other process', async () => (await b.getMany(keys)).every((value) => value === undefined))
    } finally {
      await Promise.all(limit(0))
    }
    expect(await b.getMany(keys, { tiers: 'l2' })).toEqual(nothing)
  })

  test('entries whose tokens Redis evicted are misses, also if they were invalidated after that', async () => {
    const home = await fleet.nodeOf('{shop}#t:evicted')
    for (const round of ['evicted alone', 'evicted and invalidated']) {
      await a.setMany(
        keys.map((key) => [key, round] as const),
        { tags: ['evicted'] },
      )
      expect(await home.command('DEL', '{shop}#t:evicted')).toBe(1)
      if (round !== 'evicted alone') expect(await a.invalidateTags('evicted')).toBe('applied')
      // A new process has nothing in memory, so it can use only what is in Redis.
      const newcomer = await fleet.open()
      expect(await newcomer.getMany(keys)).toEqual(nothing)
      expect(await newcomer.getOrSet('k0', () => 'anew', { tags: ['evicted'] })).toBe('anew')
      await newcomer.drain()
      expect(await newcomer.getMany(keys.slice(1), { tiers: 'l2' })).toEqual(nothing.slice(1))
      await newcomer.close()
    }
  })
})
