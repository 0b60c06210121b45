// Options that `createCache` refuses before it opens anything. The rules of each option: test/unit/model/{cache-policy,policy}.test.ts.
import { CacheError, type CacheOptions, createCache, type TierOptions } from 'tiercache'
import { memoryTier } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

const wrongOptions: [string, unknown][] = [
  ['options', 'shop'],
  ['name', { name: 'my shop' }],
  ['name', { name: '' }],
  ['version', { version: 'a b' }],
  ['l1', { l1: true }],
  ['l1.maxEntries', { l1: { maxEntries: 0 } }],
  ['l1.maxBytes', { l1: { maxBytes: '1MB' } }],
  ['l1.maxEntryBytes', { l1: { maxEntryBytes: -1 } }],
  ['l1.ttl', { l1: { ttl: '1 minute' } }],
  ['l1.maxStaleness', { l1: { maxStaleness: -1 } }],
  ['l1.values', { l1: { values: 'copied' } }],
  ['l1.max', { l1: { max: 5 } }],
  ['bus', { bus: 'stream' }],
  ['clock', { clock: Date }],
  ['random', { random: 0.5 }],
  ['recovery.window', { recovery: { window: Number.POSITIVE_INFINITY } }],
  ['recovery.maxOperations', { recovery: { maxOperations: 0 } }],
  ['recovery.maxBytes', { recovery: { maxBytes: -1 } }],
  ['background.concurrency', { background: { concurrency: 0 } }],
  ['background.maxPending', { background: { maxPending: 0.5 } }],
  ['background.maxBytes', { background: { maxBytes: Number.NaN } }],
  ['closeTimeout', { closeTimeout: 'soon' }],
  ['ttl', { ttl: '5 minutes' }],
  ['l1Ttl', { l1Ttl: null }],
  ['staleWhileRevalidate', { staleWhileRevalidate: Number.NaN }],
  ['staleIfError', { staleIfError: -1 }],
  ['jitter', { jitter: 2 }],
  ['earlyRefresh', { earlyRefresh: true }],
  ['softTimeout', { softTimeout: 'fast' }],
  ['hardTimeout', { hardTimeout: 0 }],
  ['absentTtl', { absentTtl: '1' }],
  ['tiers', { tiers: 'L1' }],
  ['singleFlight', { singleFlight: 'cluster' }],
  ['schema', { schema: () => true }],
  ['an unknown name', { ttll: '5m' }],
  ['tags', { tags: ['a'] }],
]

const wrongTierOptions: [string, unknown][] = [
  ['timeout', { timeout: 0 }],
  ['leaseTtl', { leaseTtl: '2 s' }],
  ['breaker.failures', { breaker: { failures: 0 } }],
  ['breaker.openFor', { breaker: { openFor: 0 } }],
  ['breaker.tries', { breaker: { tries: 1 } }],
  ['codec', { codec: {} }],
  ['compress', { compress: 'gzip' }],
  ['maxValueBytes', { maxValueBytes: -1 }],
  ['encrypt', { encrypt: 'secret' }],
]

function refusalOf(options: unknown): CacheError {
  try {
    createCache(options as CacheOptions)
  } catch (error) {
    return error as CacheError
  }
  throw new Error('the options were accepted')
}

describe('createCache refuses', () => {
  test.each(wrongOptions)('a wrong %s: %o', (_name, options) => {
    const tier = { ...memoryTier(), connect: vi.fn() }
    const refusal = refusalOf(typeof options === 'object' ? { l2: tier, ...options } : options)
    expect(refusal).toBeInstanceOf(CacheError)
    expect(['INVALID_OPTION', 'INVALID_KEY']).toContain(refusal.code)
    expect(refusal.message, 'says what was expected and what came').toMatch(
      /must be .+; got |has no option .+\. (Did you mean|Known are) /,
    )
    expect(tier.connect, 'nothing was opened').not.toHaveBeenCalled()
  })

  test.each(wrongTierOptions)('a wrong %s of its l2: %o', (_name, options) => {
    const tier = { ...memoryTier(), connect: vi.fn(), ...(options as TierOptions) }
    const refusal = refusalOf({ l2: tier })
    expect(refusal).toBeInstanceOf(CacheError)
    expect(refusal.code).toBe('INVALID_OPTION')
    expect(tier.connect, 'nothing was opened').not.toHaveBeenCalled()
  })

  test('an l2 that is not a tier', () => {
    expect(refusalOf({ l2: {} }).message).toMatch(
      /l2 must be a tier such as redisTier\(client\), from tiercache\/redis; got/,
    )
  })
})

describe('namespace refuses', () => {
  test.each<[unknown, string]>([
    [{ ttl: '5 minutes' }, 'ttl'],
    [{ version: 'a b' }, 'version'],
    [{ tll: 1 }, 'tll'],
    [{ tags: ['a'] }, 'tags'],
    [{ signal: AbortSignal.abort() }, 'signal'],
    ['5m', 'object'],
  ])('%o', (options, named) => {
    const { cache } = l1Only()
    expect(() => cache.namespace('n', options as never)).toThrow(CacheError)
    expect(() => cache.namespace('n', options as never)).toThrow(named)
  })

  test.each([[''], ['a/b'], ['a:b'], ['ä'], [7], [undefined]])('the name %o', (name) => {
    const { cache } = l1Only()
    expect(() => cache.namespace(name as never)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
  })
})
