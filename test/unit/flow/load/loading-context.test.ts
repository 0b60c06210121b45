// What a loader receives, and what it can set for its value.
import type { CacheEvents, LoadContext } from 'tiercache'
import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('the loader’s ctx', () => {
  test('has the key and the reason, and no stale value on a miss', async () => {
    const { cache } = l1Only()
    const seen = await cache.namespace('n').getOrSet('k', ({ key, reason, stale }) => ({ key, reason, stale }))
    expect(seen).toEqual({ key: 'k', reason: 'miss', stale: undefined })
  })

  test.each<[string, 'stale' | 'staleIfError', { staleWhileRevalidate?: number; staleIfError?: number }]>([
    ['while it is refreshed', 'stale', { staleWhileRevalidate: 1000 }],
    ['when only a failing load could use it', 'staleIfError', { staleIfError: 1000 }],
  ])('has the stale value with its age, state and etag %s, from memory or from L2', async (_name, state, windows) => {
    for (const from of ['memory', 'L2']) {
      const { a, b, clock } = await fleet({ ttl: 100, ...windows })
      await a.cache.getOrSet('k', (ctx) => {
        ctx.etag('"1"')
        return 'old'
      })
      await clock.advance(150)
      const seen: unknown[] = []
      const load = ({ reason, stale }: LoadContext) => {
        seen.push({ reason, stale })
        return 'new'
      }
      await (from === 'memory' ? a : b).cache.getOrSet('k', load)
      await clock.advance(1)
      expect(seen).toEqual([{ reason: 'stale', stale: { value: 'old', ageMs: 150, state, etag: '"1"' } }])
    }
  })

  test('has methods that work without it as `this`', async () => {
    const { cache } = l1Only()
    await cache.getOrSet('k', ({ ttl, tags, etag }) => {
      ttl(50)
      tags('a')
      etag('e')
      return 1
    })
    expect(await cache.lookup('k')).toMatchObject({ freshForMs: 50, tags: ['a'] })
  })
})

describe('ctx.staleWhileRevalidate and ctx.staleIfError', () => {
  test('set the windows of this value, in both tiers', async () => {
    for (const by of ['a', 'b'] as const) {
      const processes = await fleet({ ttl: 100 })
      const { a, clock } = processes
      await a.cache.getOrSet('k', (ctx) => {
        ctx.staleWhileRevalidate(100)
        ctx.staleIfError('1s')
        return 'old'
      })
      const { cache } = processes[by]
      await clock.advance(150)
      expect(await cache.lookup('k')).toMatchObject({ found: true, state: 'stale' })
      await clock.advance(100)
      expect(await cache.lookup('k')).toMatchObject({ found: true, state: 'staleIfError' })
      expect(await cache.getOrSet('k', () => Promise.reject(new Error('down')))).toBe('old')
      await clock.advance(1_000)
      expect(await cache.has('k')).toBe(false)
      await clock.advance(60_000)
    }
  })

  test('with a wrong duration keep the value nowhere, and report it', async () => {
    const { cache } = l1Only()
    const heard = record<CacheEvents>(cache, ['notice'])
    const load = (ctx: LoadContext) => {
      ctx.staleIfError(-1)
      return 1
    }
    expect(await cache.getOrSet('k', load)).toBe(1)
    expect(await cache.has('k')).toBe(false)
    expect(heard.of('notice')).toMatchObject([{ code: 'OPTION_FAILED' }])
  })
})

describe('ctx.ttl', () => {
  test('sets the life of this value, in both tiers', async () => {
    const { a, b, clock } = await fleet({ ttl: 1000 })
    await a.cache.getOrSet('k', (ctx) => {
      ctx.ttl('50ms')
      return 1
    })
    await clock.advance(49)
    expect([await a.cache.has('k'), await b.cache.has('k')]).toEqual([true, true])
    await clock.advance(1)
    expect([await a.cache.has('k'), await b.cache.has('k')]).toEqual([false, false])
  })

  test('overrides absentTtl, and 0 caches nothing', async () => {
    const { cache } = l1Only({ absentTtl: 10 })
    await cache.getOrSet('k', (ctx) => {
      ctx.ttl(500)
      return undefined
    })
    expect(await cache.lookup('k')).toMatchObject({ freshForMs: 500 })
    await cache.getOrSet('none', (ctx) => {
      ctx.ttl(0)
      return 1
    })
    expect(await cache.has('none')).toBe(false)
  })

  test('with a wrong duration does not fail the caller: the value is not stored, and the mistake is reported once', async () => {
    const { cache } = l1Only()
    const heard = record<CacheEvents>(cache, ['notice'])
    const load = (ctx: LoadContext) => {
      ctx.ttl('5 minutes' as never)
      return 'loaded'
    }
    expect([await cache.getOrSet('k', load), await cache.getOrSet('k', load)]).toEqual(['loaded', 'loaded'])
    expect(await cache.has('k')).toBe(false)
    expect(heard.of('notice')).toMatchObject([{ code: 'OPTION_FAILED', detail: expect.stringContaining('ctx.ttl()') }])
  })

  test.each<[string, string, (ctx: LoadContext) => void]>([
    ['two tags that are not an array', 'TAGS_FAILED', (ctx) => (ctx.tags as (...tags: string[]) => void)('a', 'b')],
    ['no tag', 'TAGS_FAILED', (ctx) => ctx.tags(undefined as never)],
    ['a tag that is not a string', 'TAGS_FAILED', (ctx) => ctx.tags([7 as never])],
    ['an etag that is not a string', 'OPTION_FAILED', (ctx) => ctx.etag(7 as never)],
    ['an etag of more than 4,096 characters', 'OPTION_FAILED', (ctx) => ctx.etag('e'.repeat(4097))],
  ])('with %s does not fail the caller either', async (_what, code, say) => {
    const { a } = await fleet()
    const heard = record<CacheEvents>(a.cache, ['notice', 'storeFailed'])
    const load = (ctx: LoadContext) => {
      say(ctx)
      return 'loaded'
    }
    expect(await a.cache.getOrSet('k', load)).toBe('loaded')
    await a.cache.drain()
    expect(await a.cache.has('k')).toBe(false)
    expect(heard.of('notice')).toMatchObject([{ code, error: { code } }])
    expect(heard.of('storeFailed')).toMatchObject([{ key: 'k', error: { code } }])
  })
})

describe('ctx.tags', () => {
  test('adds to the tags of the options, which are not changed', async () => {
    const { a, b, clock } = await fleet()
    const tags = ['listed']
    await a.cache.getOrSet(
      'k',
      (ctx) => {
        ctx.tags(['said', 'listed', 'said'])
        ctx.tags('more')
        return 1
      },
      { tags },
    )
    expect(tags).toEqual(['listed'])
    await clock.advance(1)
    expect(await b.cache.lookup('k')).toMatchObject({ tags: ['listed', 'said', 'more'] })
    await b.cache.invalidateTags(['more'])
    await clock.advance(1)
    expect([await a.cache.has('k'), await b.cache.has('k')]).toEqual([false, false])
  })

  test('with a tag that is not a string does not fail the caller, and the value is not stored', async () => {
    const { cache } = l1Only()
    const failed: unknown[] = []
    cache.on('storeFailed', ({ error }) => failed.push(error))
    expect(await cache.getOrSet('k', () => 1, { tags: () => [7 as never] })).toBe(1)
    expect(failed).toMatchObject([{ code: 'TAGS_FAILED', cause: { code: 'INVALID_KEY' } }])
    expect(await cache.has('k')).toBe(false)
  })

  test('and a tags function that throws do not fail the caller', async () => {
    const { cache } = l1Only()
    const failed: unknown[] = []
    cache.on('storeFailed', ({ error }) => failed.push(error))
    const failure = new TypeError('cannot read org of undefined')
    const tags = () => {
      throw failure
    }
    expect(await cache.getOrSet('k', () => 1, { tags })).toBe(1)
    expect(failed).toMatchObject([{ code: 'TAGS_FAILED', cause: failure }])
  })
})

describe('ctx.notModified', () => {
  const revalidated = { ttl: 100, staleIfError: 10_000 } as const
  const load = (ctx: LoadContext) => {
    if (ctx.stale?.etag === 'v1') return ctx.notModified()
    ctx.etag('v1')
    return { data: 'v1' }
  }

  test('keeps the stale value and renews its life, in both tiers, with its etag', async () => {
    const { a, b, clock } = await fleet(revalidated)
    const first = await a.cache.getOrSet('k', load)
    await clock.advance(100)
    expect(await a.cache.getOrSet('k', load)).toEqual(first)
    await clock.advance(99)
    expect(await a.cache.lookup('k')).toMatchObject({ state: 'fresh', ageMs: 99, freshForMs: 1 })
    expect(await b.cache.lookup('k')).toMatchObject({ state: 'fresh', value: { data: 'v1' }, tier: 'l2' })
    await clock.advance(1)
    expect(await b.cache.getOrSet('k', load)).toEqual({ data: 'v1' })
    expect(await b.cache.lookup('k')).toMatchObject({ state: 'fresh', ageMs: 0 })
    await settle()
  })

  test('keeps the tags that the value had', async () => {
    const { a, b, clock } = await fleet(revalidated)
    await a.cache.getOrSet('k', (ctx) => {
      ctx.tags('org:7')
      return load(ctx)
    })
    await clock.advance(100)
    await a.cache.getOrSet('k', load)
    expect(await a.cache.lookup('k')).toMatchObject({ state: 'fresh', tags: ['org:7'] })
    await clock.advance(1)
    await b.cache.invalidateTags(['org:7'])
    await clock.advance(1)
    expect([await a.cache.has('k'), await b.cache.has('k')]).toEqual([false, false])
  })

  test('does not renew a value that was invalidated during the load', async () => {
    const { a, clock } = await fleet(revalidated)
    await a.cache.getOrSet('k', load)
    await clock.advance(100)
    const gate = deferred<void>()
    const caller = a.cache.getOrSet('k', async (ctx) => {
      await gate.promise
      return load(ctx)
    })
    await clock.advance(1)
    await a.cache.delete('k')
    gate.resolve()
    expect(await caller).toEqual({ data: 'v1' })
    await clock.advance(1)
    expect(await a.cache.has('k')).toBe(false)
  })

  test('without a stale value is an error with an explanation', async () => {
    const { cache } = l1Only()
    await expect(cache.getOrSet('k', (ctx) => ctx.notModified())).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('ctx.stale'),
    })
  })
})

describe('ctx.skip', () => {
  test('returns the value to the callers and leaves the cached entry as it is', async () => {
    const { cache, clock } = l1Only({ ttl: 100, staleIfError: 10_000 })
    await cache.set('k', 'old')
    await clock.advance(100)
    const skipping = (ctx: LoadContext) => {
      ctx.skip()
      return 'not to be kept'
    }
    expect(await cache.getOrSet('k', skipping)).toBe('not to be kept')
    expect(await cache.lookup('k')).toMatchObject({ value: 'old', state: 'staleIfError' })
  })
})
