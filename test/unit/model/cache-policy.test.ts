import { describe, expect, test } from 'vitest'
import { resolveCacheOptions } from '../../../src/model/options/cache-policy.js'
import type { CacheOptions } from '../../../src/model/options/options.js'
import { DEFAULT_POLICY } from '../../../src/model/options/policy.js'
import { ValueRules } from '../../../src/model/values/value-rules.js'

const resolve = (options: unknown) => resolveCacheOptions(options as CacheOptions)

describe('the resolved options of a cache', () => {
  test('have defaults: a bounded L1, and limits for all queues', () => {
    const policy = resolveCacheOptions()
    expect(policy).toEqual({
      name: 'tiercache',
      version: undefined,
      memory: {
        maxEntries: 10_000,
        maxBytes: 128 * 2 ** 20,
        maxEntryBytes: Number.POSITIVE_INFINITY,
        maxStalenessMs: 3_000,
        values: 'shared',
        ghosts: false,
      },
      l2: undefined,
      bus: undefined,
      clock: undefined,
      values: new ValueRules([], 'exact'),
      random: Math.random,
      recovery: { windowMs: 10_000, maxOperations: 10_000, maxBytes: 16 * 2 ** 20 },
      background: { concurrency: 16, maxPending: 10_000, maxBytes: 64 * 2 ** 20 },
      closeTimeoutMs: 5_000,
      eventKeys: 'plain',
      logger: undefined,
      defaults: { ...DEFAULT_POLICY, missingTier: 'l2' },
    })
    expect(resolve({ l1: undefined, name: undefined, recovery: undefined, ttl: undefined })).toEqual(policy)
  })

  test('with maxBytes limit L1 by bytes alone, unless maxEntries is given too', () => {
    expect(resolve({ l1: { maxBytes: 1e6 } }).memory).toMatchObject({
      maxBytes: 1e6,
      maxEntries: Number.POSITIVE_INFINITY,
    })
    expect(resolve({ l1: { maxBytes: 1e6, maxEntries: 5 } }).memory).toMatchObject({ maxBytes: 1e6, maxEntries: 5 })
    expect(resolve({ l1: { maxBytes: Number.POSITIVE_INFINITY } }).memory).toMatchObject({ maxEntries: 10_000 })
  })

  test('limit L1 to at most an eighth of the heap, unless maxBytes is given', () => {
    const bytesOf = (l1: object, heapMiB: number) =>
      (resolveCacheOptions({ l1 }, heapMiB * 2 ** 20).memory?.maxBytes ?? 0) / 2 ** 20
    expect(bytesOf({}, 4_096)).toBe(128)
    expect(bytesOf({ maxEntries: 1_000_000 }, 4_096)).toBe(128)
    expect(bytesOf({}, 256)).toBe(32)
    expect(bytesOf({ maxBytes: 200 * 2 ** 20 }, 256)).toBe(200)
    expect(bytesOf({ maxBytes: Number.POSITIVE_INFINITY }, 256)).toBe(Number.POSITIVE_INFINITY)
  })

  test('may have no L1', () => {
    expect(resolve({ l1: false }).memory).toBeUndefined()
  })

  test('make the ttl of L1 the default of every call, below its own l1Ttl', () => {
    expect(resolve({ l1: { ttl: '10s' } }).defaults).toMatchObject({
      ...DEFAULT_POLICY,
      l1TtlMs: 10_000,
      missingTier: 'l2',
    })
    expect(resolve({ l1: { ttl: '10s' }, l1Ttl: '5s' }).defaults.l1TtlMs).toBe(5_000)
  })

  test('are resolved into numbers', () => {
    const policy = resolve({
      name: 'shop',
      version: 2,
      ttl: '5m',
      staleIfError: '1h',
      closeTimeout: '1s',
      l2: { connect: () => ({}) },
      recovery: { window: '30s', maxOperations: 5 },
      background: { concurrency: 2 },
      l1: { values: 'frozen', maxStaleness: '1s' },
    })
    expect(policy).toMatchObject({ name: 'shop', version: 2, closeTimeoutMs: 1_000 })
    expect(policy.defaults).toEqual({ ...DEFAULT_POLICY, ttlMs: 300_000, staleIfErrorMs: 3_600_000 })
    expect(policy.recovery).toMatchObject({ windowMs: 30_000, maxOperations: 5 })
    expect(policy.background).toMatchObject({ concurrency: 2, maxPending: 10_000 })
    expect(policy.memory).toMatchObject({ values: 'frozen', maxStalenessMs: 1_000 })
  })

  test('are never written to', () => {
    const options = Object.freeze({ l1: Object.freeze({}), background: Object.freeze({}) })
    expect(() => resolveCacheOptions(options)).not.toThrow()
  })

  test.each<[unknown, RegExp]>([
    ['shop', /^createCache must be an object/],
    [{ ttl: '5 minutes' }, /^ttl must be a duration/],
    [{ l1: true }, /^l1 must be an object/],
    [{ l1: { maxEntries: 0 } }, /^l1\.maxEntries must be a whole number, 1 to 16777216; got 0$/],
    [{ l1: { maxEntries: 1.5 } }, /^l1\.maxEntries must be a whole number/],
    [{ l1: { maxEntries: Number.POSITIVE_INFINITY } }, /^l1\.maxEntries must be/],
    [{ l1: { maxBytes: '1MB' } }, /^l1\.maxBytes must be a whole number, 1 or more, or Infinity; got "1MB"$/],
    [{ l1: { maxEntryBytes: -1 } }, /^l1\.maxEntryBytes must be/],
    [{ l1: { maxStaleness: '3 s' } }, /^l1\.maxStaleness must be a duration/],
    [{ l1: { values: 'freeze' } }, /^l1\.values must be 'shared' or 'frozen' or 'checked' or 'cloned'; got "freeze"$/],
    [{ l1: { max: 5 } }, /^l1 has no option "max"\. Known are maxEntries/],
    [{ l2: {} }, /^l2 must be a tier such as redisTier\(client\)/],
    [{ bus: 'stream' }, /^bus must be a bus; got "stream"$/],
    [{ clock: Date }, /^clock must be a clock/],
    [{ random: 0.5 }, /^random must be a function/],
    [{ closeTimeout: 'soon' }, /^closeTimeout must be a duration/],
    [{ recovery: { window: Number.POSITIVE_INFINITY } }, /^recovery\.window must be finite/],
    [{ recovery: { maxOperations: 0 } }, /^recovery\.maxOperations must be/],
    [{ background: { concurrency: 0 } }, /^background\.concurrency must be/],
    [{ background: { limit: 1 } }, /^background has no option "limit"/],
    [{ l1: [] }, /^l1 must be an object; got an array of 0$/],
    [{ ttll: '5m' }, /^createCache has no option "ttll"\. Did you mean ttl\?$/],
    [{ tags: ['a'] }, /^createCache has no option "tags"/],
  ])('are refused if they are wrong: %o', (options, message) => {
    expect(() => resolve(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(() => resolve(options)).toThrow(message)
  })

  test('are refused with a name that cannot begin a Redis key', () => {
    expect(() => resolve({ name: 'my shop' })).toThrow(/^name must be 1 to 128 of/)
  })
})
