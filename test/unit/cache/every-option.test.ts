// Whatever takes options refuses a name that it does not know, and says which one it may have been; and what would have no effect.
import { broadcastBus, type CacheError, type CacheOptions, createCache, inProcessBus } from 'tiercache'
import { cached, invalidates, updates } from 'tiercache/decorators'
import { redisTier } from 'tiercache/redis'
import { FakeClock, MemoryServer, memoryTier } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { testKey } from '../../support/keys.js'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()
const load = () => 1

/** The refusal of what throws or rejects. */
async function refusalOf(call: () => unknown): Promise<CacheError> {
  try {
    await call()
  } catch (error) {
    return error as CacheError
  }
  throw new Error('it was accepted')
}

const make = (options: object) =>
  createCache(
    typeof options === 'object' ? { logger: false, clock: new FakeClock(), ...options } : (options as CacheOptions),
  )
const makeL2 = (options: object) => make({ l2: { ...memoryTier(), ...options } })
const key = testKey('1')

type Cached = ReturnType<typeof l1Only>['cache']
const source = (cache: Cached, options = {}) => cache.source('s', { load, save: load, remove: load, ...options })
const pages = (cache: Cached, options = {}) =>
  cache.pages('p', { loadPage: async () => ({ items: [] }), ...options } as never)

const takers: [string, string, (wrong: never, cache: Cached) => unknown][] = [
  ['createCache', 'ttll', (wrong) => make(wrong)],
  ['l1', 'maxEntrys', (wrong) => make({ l1: wrong })],
  ['recovery', 'windw', (wrong) => make({ l2: memoryTier(), recovery: wrong })],
  ['background', 'concurency', (wrong) => make({ background: wrong })],
  ['redisTier', 'timout', (wrong) => redisTier('redis://h', wrong)],
  ['a connection of redisTier', 'hots', (wrong) => redisTier(wrong)],
  ['memoryTier', 'buss', (wrong) => memoryTier(new MemoryServer(), wrong)],
  ['MemoryServer', 'clok', (wrong) => new MemoryServer(wrong)],
  ['breaker', 'failurs', (wrong) => makeL2({ breaker: wrong })],
  ['compress', 'treshold', (wrong) => makeL2({ compress: wrong })],
  ['encrypt', 'activ', (wrong) => makeL2({ encrypt: { keys: { k: key }, active: 'k', ...(wrong as object) } })],
  ['broadcastBus', 'beet', (wrong) => broadcastBus(wrong)],
  ['getOrSet', 'ttll', (wrong, cache) => cache.getOrSet('k', load, wrong)],
  ['getOrSetMany', 'ttll', (wrong, cache) => cache.getOrSetMany(['k'], () => [1], wrong)],
  ['get', 'tier', (wrong, cache) => cache.get('k', wrong)],
  ['lookup', 'tier', (wrong, cache) => cache.lookup('k', wrong)],
  ['has', 'tier', (wrong, cache) => cache.has('k', wrong)],
  ['peek', 'versio', (wrong, cache) => cache.peek('k', wrong)],
  ['getMany', 'tier', (wrong, cache) => cache.getMany(['k'], wrong)],
  ['set', 'ttll', (wrong, cache) => cache.set('k', 1, wrong)],
  ['setMany', 'ttll', (wrong, cache) => cache.setMany([['k', 1]], wrong)],
  ['delete', 'versio', (wrong, cache) => cache.delete('k', wrong)],
  ['expire', 'versio', (wrong, cache) => cache.expire('k', wrong)],
  ['update', 'retrys', (wrong, cache) => cache.update('k', load, wrong)],
  ['pull', 'versio', (wrong, cache) => cache.pull('k', wrong)],
  ['deleteByPrefix', 'signl', (wrong, cache) => cache.deleteByPrefix('k', wrong)],
  ['namespace', 'ttll', (wrong, cache) => cache.namespace('n', wrong)],
  ['wrap', 'nam', (wrong, cache) => cache.wrap(load, { name: 'load', ...(wrong as object) })],
  ['source', 'lod', (wrong, cache) => source(cache, wrong)],
  ['behind', 'maxQueud', (wrong, cache) => source(cache, { write: 'behind', behind: wrong })],
  ['get of a source', 'signl', (wrong, cache) => source(cache).get(1, wrong)],
  ['getMany of a source', 'signl', (wrong, cache) => source(cache).getMany([1], wrong)],
  ['lookupMany of a source', 'signl', (wrong, cache) => source(cache).lookupMany([1], wrong)],
  ['refresh of a source', 'signl', (wrong, cache) => source(cache).refresh(1, wrong)],
  ['warm of a source', 'concurency', (wrong, cache) => source(cache).warm([1], wrong)],
  ['pages', 'lodPage', (wrong, cache) => pages(cache, wrong)],
  ['page', 'signl', (wrong, cache) => pages(cache).page(undefined, wrong)],
  ['warm', 'concurency', (wrong, cache) => cache.warm([], wrong)],
  ['explain', 'tier', (wrong, cache) => cache.explain('k', wrong)],
  ['ready', 'timout', (wrong, cache) => cache.ready(wrong)],
  ['scope', 'limt', (wrong, cache) => cache.requestScope(() => 1, wrong)],
  ['openRequestScope', 'limt', (wrong, cache) => cache.openRequestScope(wrong)],
  ['@cached', 'nam', (wrong, cache) => cached(cache, wrong)],
  ['@invalidates', 'tgs', (wrong, cache) => invalidates(cache, wrong)],
  ['@updates', 'keyOff', (wrong, cache) => updates(cache, { keyOf: () => 'k', ...(wrong as object) } as never)],
]

describe('an unknown option is refused', () => {
  test.each(takers)('by %s: %s', async (_taker, wrong, call) => {
    const { cache } = l1Only()
    const refusal = await refusalOf(() => call({ [wrong]: 1 } as never, cache))
    expect(refusal).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(`"${wrong}". Did you mean `),
    })
  })

  test.each(takers)('by %s, as are options that are not an object', async (_taker, _wrong, call) => {
    const { cache } = l1Only()
    if (!/encrypt|wrap|source$|^pages|behind|@updates|connection/.test(_taker)) {
      for (const options of ['1s', 5, true]) {
        expect(await refusalOf(() => call(options as never, cache))).toMatchObject({ code: 'INVALID_OPTION' })
      }
    }
  })
})

describe('options that would have no effect are refused:', () => {
  test.each<[string, RegExp, (cache: Cached) => unknown]>([
    ['recovery without L2', /recovery has no effect without l2/, () => make({ recovery: {} })],
    [
      'l1.maxStaleness of a cache without a bus',
      /l1\.maxStaleness has no effect without l2 or bus/,
      () => make({ l1: { maxStaleness: '1s' } }),
    ],
    [
      "tiers: 'l2' of a cache without L2",
      /tiers: 'l2' has no effect in a cache that has no l2/,
      () => make({ tiers: 'l2' }),
    ],
    [
      "tiers: 'l1' of a cache without L1",
      /tiers: 'l1' has no effect in a cache that has no l1/,
      () => make({ l1: false, l2: memoryTier(), tiers: 'l1' }),
    ],
    ['a limit of L1 in a cache without it', /l1Ttl has no effect with l1: false/, () => make({ l1: false, l1Ttl: 1 })],
    ["tiers: 'l2' of a call", /has no l2/, (cache) => cache.getOrSet('k', load, { tiers: 'l2' })],
    ["tiers: 'l2' of a set", /has no l2/, (cache) => cache.set('k', 1, { tiers: 'l2' })],
    ["tiers: 'l2' of an update", /has no l2/, (cache) => cache.update('k', load, { tiers: 'l2' })],
    ["tiers: 'l2' of a namespace", /has no l2/, (cache) => cache.namespace('n', { tiers: 'l2' })],
    ["tiers: 'l2' of a wrapped function", /has no l2/, (cache) => cache.wrap(load, { name: 'l', tiers: 'l2' })],
    ['behind of a source that writes through', /behind has no effect/, (cache) => source(cache, { behind: {} })],
    ['write of a source that cannot', /write has no effect/, (cache) => cache.source('s', { load, write: 'behind' })],
    ['maxBatch of a source without loadMany', /maxBatch has no effect/, (cache) => source(cache, { maxBatch: 5 })],
    ['batchWindow of one', /batchWindow has no effect/, (cache) => source(cache, { batchWindow: 5 })],
  ])('%s', async (_what, message, call) => {
    const { cache } = l1Only()
    expect(await refusalOf(() => call(cache))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message),
    })
  })

  test('options that have an effect are accepted', () => {
    const bus = inProcessBus().connect()
    expect(() => make({ bus, l1: { maxStaleness: '1s' } })).not.toThrow()
    expect(() => make({ l1: false, tiers: 'l1' }), 'a cache without tiers shares loads only').not.toThrow()
    const { cache } = l1Only()
    expect(() => cache.namespace('n', { tiers: 'l1' })).not.toThrow()
  })
})

test('no error message shows an encryption key', async () => {
  const secret = key.toString('base64')
  const wrong = [
    secret,
    { keys: secret, active: 'k' },
    { keys: { [secret]: 'k' }, active: 'k' },
    { keys: { k: key }, active: secret },
  ]
  for (const encrypt of [...wrong, { keys: { k: secret.slice(1) }, active: 'k' }]) {
    const refusal = await refusalOf(() => makeL2({ encrypt }))
    expect(refusal.code).toBe('INVALID_OPTION')
    expect(refusal.message).not.toContain(secret.slice(2, 12))
  }
})

test('properties that a library added to every object are not options', () => {
  const everyObject = Object.prototype as { tiercacheTest?: unknown }
  Object.defineProperty(everyObject, 'tiercacheTest', {
    value: 1,
    enumerable: true,
    configurable: true,
    writable: true,
  })
  try {
    const { cache } = l1Only({ ttl: '1m', l1: {} })
    expect(() => cache.namespace('n', {})).not.toThrow()
    expect(() => redisTier({ host: 'h' }, {})).not.toThrow()
  } finally {
    delete everyObject.tiercacheTest
  }
})
