// A parser that can be polluted, or an old library, adds properties to every object. None of them is an option of the cache.
import { type Cache, createCache } from 'tiercache'
import { cached, invalidates, updates } from 'tiercache/decorators'
import { redisTier } from 'tiercache/redis'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'

/** Values that would change what a call does, or would be refused. */
const POLLUTION: Readonly<Record<string, unknown>> = {
  foo: 1,
  ...{ ttl: 1, l1Ttl: 1, absentTtl: 1, staleWhileRevalidate: 5, staleIfError: 5, failureBackoff: false, jitter: 1 },
  ...{ earlyRefresh: 1e9, softTimeout: 1, hardTimeout: 1, tiers: 'l2', singleFlight: 'process', schema: {} },
  ...{ tags: ['polluted'], version: 9, signal: AbortSignal.abort(new Error('polluted')) },
  ...{ name: 'polluted', l1: false, bus: {}, extend: 1, values: 'plain', clock: {}, random: () => 1 },
  ...{ recovery: { window: 0 }, background: { concurrency: 0 }, closeTimeout: -1, logger: {} },
  ...{ maxEntries: 1, maxBytes: 1, maxEntryBytes: 1, maxStaleness: 1, window: 1, maxOperations: 1 },
  ...{ concurrency: 0, maxPending: 0, from: 3, onProgress: () => fail('onProgress'), timeout: 1, until: {}, limit: 1 },
  ...{
    load: () => 'polluted',
    loadMany: () => fail('loadMany'),
    save: () => fail('save'),
    remove: () => fail('remove'),
  },
  ...{
    key: () => 'polluted',
    per: () => 'polluted',
    tagsOf: () => ['polluted'],
    ttlOf: () => 1,
    keyOf: () => 'polluted',
  },
  ...{ write: 'behind', behind: { flushSize: 1 }, maxBatch: 1, batchWindow: 1_000, batchContext: 'caller' },
  ...{ flushSize: 1, flushInterval: 1, maxQueued: 1, maxWait: 1, loadPage: () => fail('loadPage'), prefetch: 9 },
  ...{ keys: ['polluted'], method: 'polluted', args: () => [], argsOf: () => [], after: 'settled' },
  ...{ connectTimeout: 1, leaseTtl: 1, breaker: false, codec: {}, compress: false, encrypt: {}, maxValueBytes: 1 },
  ...{
    subscriber: {},
    url: 'polluted',
    host: 'polluted',
    cluster: [],
    sentinels: [],
    redisOptions: {},
    lazyConnect: false,
  },
  ...{ first: 1, longest: 1, threshold: 0, compressor: {}, failures: 1, slowAfter: 1, openFor: 1, maxOpenFor: 1 },
  // Names that the libraries we use read.
  ...{
    status: 'polluted',
    allowStale: false,
    start: -1,
    noUpdateTTL: true,
    noDisposeOnSet: true,
    size: 1e9,
    max: 1,
    maxSize: 1,
  },
  ...{ maxEntrySize: 1, ttlAutopurge: true, ttlResolution: 0, updateAgeOnHas: true, dispose: () => fail('dispose') },
  ...{ sizeCalculation: () => -1, noDeleteOnStaleGet: true, perf: {}, onInsert: () => fail('onInsert') },
  ...{
    useRecords: false,
    structures: [[]],
    structuredClone: true,
    moreTypes: true,
    bundleStrings: true,
    useFloat32: 3,
  },
  ...{
    int64AsType: 'string',
    mapsAsObjects: false,
    freezeData: true,
    sequential: true,
    trusted: true,
    useToJSON: true,
  },
  ...{ getStructures: () => fail('getStructures'), saveStructures: () => fail('saveStructures'), skipValues: [1] },
  ...{ _readStruct: () => fail('_readStruct'), _writeStruct: () => fail('_writeStruct'), encodeUndefinedAsNil: true },
  ...{ maxKeys: 1, maxLogLines: 1, busBlockMs: 1, beat: 1, active: 'polluted', padding: 7 },
}

function fail(what: string): never {
  throw new Error(`${what} of the polluted prototype was called`)
}

async function polluted<T>(names: Iterable<string>, run: () => Promise<T>): Promise<T> {
  const prototype = Object.prototype as Record<string, unknown>
  const added = [...names]
  for (const name of added) {
    Object.defineProperty(prototype, name, {
      value: POLLUTION[name],
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  try {
    return await run()
  } finally {
    for (const name of added) delete prototype[name]
  }
}

/** Calls everything that takes options, with few options, and returns the results as text. */
async function outcome(): Promise<string> {
  const clock = new FakeClock()
  // With the clock of the caches. The real clock would differ from it by part of a millisecond, which is rounded up or down.
  const server = new MemoryServer({ clock })
  const log: unknown[] = []
  redisTier('redis://localhost:1', { timeout: '1s' })
  redisTier({ host: 'localhost', port: 1 })
  const open = () => createCache({ ttl: '1m', clock, l1: {}, l2: memoryTier(server, { timeout: '1s' }), logger: false })
  const [cache, other] = [open(), open()]
  for (const each of [cache, other]) each.on('invalidated', ({ by, keys, tags }) => log.push(by, keys, tags))
  log.push(cache.path)
  log.push(await cache.set('set', 1, { jitter: 0 }))
  log.push(await cache.setMany([['many', 1]], {}))
  log.push(await cache.getOrSet('k', async () => 'loaded', { jitter: 0 }))
  log.push(await cache.getOrSet('k', async () => 'again', { jitter: 0 }))
  log.push(await cache.getOrSetMany(['k', 'k2'], async (keys) => keys.map(() => 'by many'), {}))
  await cache.drain()
  // Longer than the lives above, but short enough that L1 is still trusted without hearing the bus.
  await clock.advance(500)
  log.push(
    await other.get('k', {}),
    await other.has('set', {}),
    other.peek('k', {}),
    await other.getMany(['k', 'x'], {}),
  )
  const { tier, state, freshForMs, tags } = (await other.lookup('k2', {})) as unknown as Record<string, unknown>
  log.push(tier, state, freshForMs, tags)
  log.push((await other.explain('k2', {})).why)
  log.push(await cache.namespace('n', {}).getOrSet('k', () => 'in a namespace'))
  await members(cache, log)
  await cache.ready({})
  log.push(await cache.requestScope(async () => cache.getOrSet('k', () => 'scoped', {}), {}))
  const scope = cache.openRequestScope({})
  log.push(await scope.run(() => cache.get('k', {})))
  scope.end()
  log.push(await cache.expire('k2', {}), await cache.delete('k', {}), await cache.deleteByPrefix('man', {}))
  await clock.advance(500)
  log.push(await other.get('k'), await other.get('many'))
  await Promise.all([cache.close(), other.close(), settle(20)])
  return JSON.stringify(log, undefined, 1)
}

async function members(cache: Cache, log: unknown[]): Promise<void> {
  const rows = cache.source<number, string>('rows', { load: (id) => `row ${id}` })
  log.push(await rows.get(1, {}), await rows.getMany([1, 2], {}), await rows.refresh(1, {}), rows.keyOf(1))
  const batched = cache.source<number, string>('batched', { loadMany: (ids) => ids.map((id) => `row ${id}`) })
  log.push(await Promise.all([batched.get(1), batched.get(2)]))
  const saved: unknown[] = []
  const saving = cache.source<number, string>('saving', { load: () => 'x', save: (...saving) => saved.push(saving[1]) })
  log.push(await saving.save(1, 'saved'), saved.length, await saving.get(1))
  const wrapped = cache.wrap(async (a: number) => a + 1, { name: 'plus' })
  log.push(await wrapped(1), await wrapped(2), wrapped.keyOf(1), await wrapped.refresh(1), await wrapped.invalidate(1))
  const pages = cache.pages<number, number>('pages', { loadPage: (at = 0) => ({ items: [at], next: null }) })
  log.push(await pages.page(undefined, {}))
  const warmed = await cache.warm([['w1', () => 1], { key: 'w2', load: () => 2, options: {} }], {})
  log.push({ ...warmed })
  class Repo {
    async find(id: number) {
      return `found ${id}`
    }
    async update(id: number) {
      return `updated ${id}`
    }
    async create(id: number) {
      return `created ${id}`
    }
  }
  decorated(Repo, 'find', cached(cache, {}) as never)
  decorated(Repo, 'update', invalidates(cache, { keys: ['k9'] }) as never)
  decorated(Repo, 'create', updates(cache, { keyOf: (_: unknown, id: number) => `created:${id}` } as never) as never)
  const repo = new Repo()
  log.push(await repo.find(1), await repo.find(2), await repo.update(1), await repo.create(1))
  log.push(await cache.get('created:1'), await cache.get('polluted'))
}

function decorated(type: new () => object, name: string, decorator: (...place: unknown[]) => void): void {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name) as PropertyDescriptor
  const replaced = { value: descriptor.value as unknown }
  decorator(type.prototype, name, replaced)
  Object.defineProperty(type.prototype, name, { ...descriptor, value: replaced.value })
}

describe('properties on Object.prototype', () => {
  test.each([...Object.keys(POLLUTION)])('named %s change nothing', async (name) => {
    const clean = await outcome()
    expect(await polluted([name], outcome)).toBe(clean)
  })

  test('with all these names together change nothing', async () => {
    const clean = await outcome()
    expect(await polluted(Object.keys(POLLUTION), outcome)).toBe(clean)
  })

  test('do not reach lru-cache, which has an option ttl of its own and a status that it writes to', async () => {
    await polluted(['ttl', 'status'], async () => {
      const cache = createCache({ logger: false })
      await cache.set('k', 1, { tags: ['t'] })
      const untilMs = performance.now() + 10
      while (performance.now() < untilMs);
      expect(cache.peek('k')).toBe(1)
      expect(await cache.get('k')).toBe(1)
      await cache.close()
    })
  })

  test('do not hide an unknown option', async () => {
    await polluted(['foo'], async () => {
      expect(() => createCache({ foo: 1 } as never)).toThrow(/has no option "foo"/)
      expect(() => createCache(Object.create({ fooo: 1 }) as never)).toThrow(/has no option "fooo"/)
    })
  })

  test('do not hide options that an object inherits from another prototype', async () => {
    const defaults = { ttl: '1h' } as const
    await polluted(['foo', 'ttl'], async () => {
      const cache = createCache(Object.create(defaults) as typeof defaults)
      await cache.set('k', 1)
      expect(await cache.lookup('k')).toMatchObject({ freshForMs: expect.closeTo(3_600_000, -4) })
      await cache.close()
    })
  })
})
