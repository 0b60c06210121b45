import { describe, expect, test } from 'vitest'
import type { CallOptions } from '../../../src/model/options/options.js'
import { DEFAULT_POLICY, type Policy, resolvePolicy } from '../../../src/model/options/policy.js'
import type { StandardSchema } from '../../../src/model/values/schema.js'

const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const resolve = (options: unknown) => resolvePolicy(DEFAULT_POLICY, options as CallOptions)

describe('a policy', () => {
  test('without options is the defaults themselves', () => {
    expect(resolvePolicy(DEFAULT_POLICY, undefined)).toBe(DEFAULT_POLICY)
    expect(resolvePolicy(DEFAULT_POLICY, {})).toBe(DEFAULT_POLICY)
    expect(resolve({ ttl: undefined, tags: ['a'], version: 2, signal: new AbortController().signal })).toBe(
      DEFAULT_POLICY,
    )
  })

  test.each<[CallOptions, Partial<Policy>]>([
    [{ ttl: '5m' }, { ttlMs: 300_000 }],
    [{ ttl: 0 }, { ttlMs: 0 }],
    [{ l1Ttl: '1s' }, { l1TtlMs: 1_000 }],
    [{ idleTtl: '30s' }, { idleTtlMs: 30_000 }],
    [{ staleWhileRevalidate: '30s' }, { staleWhileRevalidateMs: 30_000 }],
    [{ staleIfError: Number.POSITIVE_INFINITY }, { staleIfErrorMs: Number.POSITIVE_INFINITY }],
    [{ jitter: 0.5 }, { jitter: 0.5 }],
    [{ earlyRefresh: 1 }, { earlyRefreshBeta: 1 }],
    [{ earlyRefresh: false }, { earlyRefreshBeta: 0 }],
    [{ refreshAhead: 0.2 }, { refreshAhead: 0.2 }],
    [{ refreshAhead: false }, { refreshAhead: 0 }],
    [{ lateResult: '1m' }, { lateResultMs: 60_000 }],
    [{ forceFresh: true }, {}],
    [{ softTimeout: '50ms' }, { softTimeoutMs: 50 }],
    [{ hardTimeout: '2s' }, { hardTimeoutMs: 2_000 }],
    [{ absentTtl: '1s' }, { absentTtlMs: 1_000 }],
    [{ tiers: 'l1' }, { tiers: 'l1' }],
    [{ singleFlight: 'process' }, { singleFlight: 'process' }],
    [{ schema }, { schema }],
  ])('takes %o and leaves the rest', (options, changed) => {
    expect(resolvePolicy(DEFAULT_POLICY, options)).toEqual({ ...DEFAULT_POLICY, ...changed })
  })

  test('takes what is not given from the defaults that it is given', () => {
    const defaults = resolvePolicy(DEFAULT_POLICY, { ttl: '1h', earlyRefresh: 2 })
    expect(resolvePolicy(defaults, { earlyRefresh: false })).toEqual({ ...DEFAULT_POLICY, ttlMs: 3_600_000 })
  })

  test('never writes to the options or the defaults', () => {
    const defaults = Object.freeze({ ...DEFAULT_POLICY })
    const options = Object.freeze({ ttl: '1s', tags: Object.freeze(['a']) } as const)
    expect(resolvePolicy(defaults, options).ttlMs).toBe(1_000)
  })

  test.each<[string, unknown]>([
    ['ttl', '5 minutes'],
    ['ttl', null],
    ['l1Ttl', -1],
    ['idleTtl', 0],
    ['staleWhileRevalidate', Number.NaN],
    ['staleIfError', true],
    ['softTimeout', '1x'],
    ['hardTimeout', 0],
    ['absentTtl', '1'],
    ['jitter', 1.1],
    ['jitter', -0.1],
    ['jitter', '0.5'],
    ['jitter', Number.NaN],
    ['earlyRefresh', true],
    ['earlyRefresh', -1],
    ['earlyRefresh', Number.POSITIVE_INFINITY],
    ['tiers', 'L1'],
    ['tiers', ['l1']],
    ['singleFlight', false],
    ['schema', {}],
    ['schema', () => true],
    ['tags', 'org:7'],
    ['tags', ['a', 7]],
    ['signal', {}],
  ])('refuses %s: %o, naming the option and the given value', (name, value) => {
    const resolving = () => resolve({ [name]: value })
    expect(resolving).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(resolving).toThrow(new RegExp(`^${name} must be .+; got .+`))
  })

  test('refuses options that are not an object', () => {
    for (const options of ['5m', 5, null]) expect(() => resolve(options)).toThrow(/options must be an object/)
  })

  test('refuses an unknown name and suggests the nearest', () => {
    expect(() => resolve({ tll: '5m' })).toThrow('a call has no option "tll". Did you mean ttl?')
    expect(() => resolve({ stalewhilerevalidate: 1 })).toThrow(/Did you mean staleWhileRevalidate\?/)
    expect(() => resolve({ hardTimout: 1 })).toThrow(/Did you mean hardTimeout\?/)
    expect(() => resolve({ priority: 1 })).toThrow(/has no option "priority"\. Known are ttl, l1Ttl/)
    expect(() => resolve(JSON.parse('{"__proto__":1}'))).toThrow(/has no option "__proto__"/)
  })

  test('accepts further names that its caller allows', () => {
    expect(resolvePolicy(DEFAULT_POLICY, { load: 1, ttl: '1s' } as CallOptions, ['load']).ttlMs).toBe(1_000)
  })
})
