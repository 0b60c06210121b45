// Functions wrapped by `cache.wrap`. Their arguments are in wrap-arguments.test.ts, their verbs in wrap-verbs.test.ts.
import { runInThisContext } from 'node:vm'
import { createCache } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'

function makeCache(options = {}) {
  const clock = new FakeClock()
  return { clock, cache: createCache({ clock, name: 'shop', ...options }) }
}

describe('a wrapped function', () => {
  test('runs once per arguments and returns a promise of its awaited result', async () => {
    const { cache } = makeCache()
    const add = vi.fn((a: number, b: number) => a + b)
    const wrapped = cache.wrap(add, { name: 'add' })
    expect(wrapped(1, 2)).toBeInstanceOf(Promise)
    expect(await wrapped(1, 2)).toBe(3)
    expect(await wrapped(1, 2)).toBe(3)
    expect(await wrapped(2, 1)).toBe(3)
    expect(add.mock.calls).toEqual([
      [1, 2],
      [2, 1],
    ])
  })

  test('has the name and the number of parameters of its function', () => {
    const { cache } = makeCache()
    async function fetchQuote(symbol: string, _currency: string) {
      return symbol
    }
    const quote = cache.wrap(fetchQuote)
    expect([quote.name, quote.length]).toEqual(['fetchQuote', 2])
    expect(cache.wrap(async () => 1, { name: 'one' }).name).toBe('one')
  })

  test('shares one run between concurrent calls', async () => {
    const { cache } = makeCache()
    const gate = deferred<string>()
    const fetchQuote = vi.fn((_symbol: string) => gate.promise)
    const quote = cache.wrap(fetchQuote, { name: 'quote' })
    const calls = [quote('A'), quote('A'), quote('A')]
    await settle()
    gate.resolve('v')
    expect(await Promise.all(calls)).toEqual(['v', 'v', 'v'])
    expect(fetchQuote).toHaveBeenCalledTimes(1)
  })

  test('rejects with the very error of its function, also if it throws at once, and caches nothing', async () => {
    const { cache } = makeCache()
    const error = new RangeError('no such symbol')
    let fails = true
    const quote = cache.wrap(
      (symbol: string) => {
        if (fails) throw error
        return `quote of ${symbol}`
      },
      { name: 'quote' },
    )
    await expect(quote('A')).rejects.toBe(error)
    await expect(quote('A')).rejects.toBe(error)
    fails = false
    expect(await quote('A')).toBe('quote of A')
  })

  test('runs its function with the `this` of its caller', async () => {
    const { cache } = makeCache()
    const desk = {
      prefix: 'desk',
      quote: cache.wrap(
        function (this: { prefix: string }, symbol: string) {
          return `${this.prefix} ${symbol}`
        },
        { name: 'quote' },
      ),
    }
    expect(await desk.quote('A')).toBe('desk A')
  })

  test('caches undefined and null like any result', async () => {
    const { cache } = makeCache()
    const find = vi.fn(async (id: number) => (id === 1 ? undefined : null))
    const wrapped = cache.wrap(find, { name: 'find' })
    for (const id of [1, 1, 2, 2]) await wrapped(id)
    expect(find).toHaveBeenCalledTimes(2)
  })

  test('is found in L2 by another process, under its name and version', async () => {
    const server = new MemoryServer()
    const fetchQuote = vi.fn(async (symbol: string) => ({ symbol }))
    const here = makeCache({ l2: memoryTier(server) }).cache
    const there = makeCache({ l2: memoryTier(server) }).cache
    await here.wrap(fetchQuote, { name: 'quote', version: 2 })('A')
    await here.drain()
    expect(await there.wrap(fetchQuote, { name: 'quote', version: 2 })('A')).toEqual({ symbol: 'A' })
    expect(fetchQuote).toHaveBeenCalledTimes(1)
    expect(server.keys().filter((key) => key.startsWith('shop/quote'))).toEqual(['shop/quote@2:A'])
    await there.wrap(fetchQuote, { name: 'quote', version: 3 })('A')
    expect(fetchQuote).toHaveBeenCalledTimes(2)
  })
})

describe('the name of a wrapped function', () => {
  test('is that of the function, unless the option says another', async () => {
    const { cache } = makeCache()
    async function fetchQuote(_symbol: string) {
      return 1
    }
    const quote = cache.wrap(fetchQuote)
    await quote('A')
    expect(await cache.namespace('fetchQuote').get(quote.keyOf('A'))).toBe(1)
  })

  test.each([
    ['an anonymous function', (cache: Made) => cache.wrap(async () => 1)],
    ['an anonymous function expression', (cache: Made) => cache.wrap(async () => {})],
    ['a bound function', (cache: Made) => cache.wrap(async function find() {}.bind(null))],
    ['a function whose name cannot begin a Redis key', (cache: Made) => cache.wrap(async function $find() {})],
    ['a function made of a string', (cache: Made) => cache.wrap(new Function('return 1') as () => number)],
    ['a minified function', (cache: Made) => cache.wrap(minified('async function t(e){return e}'))],
    ['a minified method', (cache: Made) => cache.wrap(minified('({async e2(e){return e}}).e2'))],
    ['a minified arrow function', (cache: Made) => cache.wrap(minified('(()=>{const b=async e=>e;return b})()'))],
    ['a function of a large minified bundle', (cache: Made) => cache.wrap(minified('async function Ab3(e){return e}'))],
  ])('is required for %s, and the message says why and what to write', (_what, wrap) => {
    const message = expect.stringMatching(
      /same in every process and every build.*; (it|its) .*wrap\(fn, { name: 'quote' }\)/,
    )
    expect(() => wrap(makeCache().cache)).toThrow(expect.objectContaining({ code: 'NAME_REQUIRED', message }))
  })

  test('may be short in code that is not minified, and anything if given as an option', async () => {
    const { cache } = makeCache()
    async function get(id: number) {
      return id
    }
    expect(await cache.wrap(get)(1)).toBe(1)
    expect(await cache.wrap(minified('async function t(e){return e}'), { name: 't' })(2)).toBe(2)
  })

  test('cannot be shared by two functions', () => {
    const { cache } = makeCache()
    cache.wrap(async (id: number) => id, { name: 'find' })
    expect(() => cache.wrap(async (id: number) => id, { name: 'find' })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
    expect(() => cache.namespace('other').wrap(async () => 1, { name: 'find' })).not.toThrow()
    expect(() => cache.wrap(async () => 1, { name: 'find', version: 2 })).not.toThrow()
  })

  test('may be used again for the same function, which then shares its entries', async () => {
    const { cache } = makeCache()
    const find = vi.fn(async (id: number) => id)
    await cache.wrap(find, { name: 'find' })(1)
    await cache.wrap(find, { name: 'find', ttl: '1s' })(1)
    expect(find).toHaveBeenCalledTimes(1)
  })

  test('is refused if no key can begin with it', () => {
    expect(() => makeCache().cache.wrap(async () => 1, { name: 'a b' })).toThrow(
      expect.objectContaining({ code: 'INVALID_KEY' }),
    )
  })
})

describe('the options of a wrapped function', () => {
  test('may be functions of the arguments', async () => {
    const { cache, clock } = makeCache()
    const fetchQuote = vi.fn(async (symbol: string, _ttl: number) => symbol)
    const quote = cache.wrap(fetchQuote, { name: 'quote', ttl: (_symbol, ttl) => ttl })
    await quote('A', 1000)
    await quote('B', 2000)
    await clock.advance(1000)
    await quote('A', 1000)
    await quote('B', 2000)
    expect(fetchQuote.mock.calls.map(([symbol]) => symbol)).toEqual(['A', 'B', 'A'])
  })

  test('derive tags from the arguments and from the result', async () => {
    const { cache } = makeCache()
    const find = vi.fn(async (id: number) => ({ id, org: `o${id % 2}` }))
    const user = cache.wrap(find, {
      name: 'user',
      tags: (id) => [`user:${id}`],
      tagsOf: (result, id) => [`org:${result.org}`, `seen:${id}`],
    })
    for (const id of [1, 2, 3]) await user(id)
    await cache.invalidateTags('user:2')
    await cache.invalidateTags('org:o1')
    for (const id of [1, 2, 3]) await user(id)
    expect(find.mock.calls.map(([id]) => id)).toEqual([1, 2, 3, 1, 2, 3])
    await cache.invalidateTags('seen:1')
    for (const id of [1, 2, 3]) await user(id)
    expect(find).toHaveBeenCalledTimes(7)
  })

  test('may derive the ttl from the result', async () => {
    const { cache, clock } = makeCache()
    const find = vi.fn(async (id: string) => ({ id, cacheForMs: id === 'short' ? 1000 : 5000 }))
    const wrapped = cache.wrap(find, { name: 'find', ttl: '10s', ttlOf: (result) => result.cacheForMs })
    await wrapped('short')
    await wrapped('long')
    await clock.advance(1000)
    await wrapped('short')
    await wrapped('long')
    expect(find.mock.calls.map(([id]) => id)).toEqual(['short', 'long', 'short'])
  })

  test('keep results fresh, stale and usable like those of any call', async () => {
    const { cache, clock } = makeCache()
    let n = 0
    const count = cache.wrap(async () => ++n, { name: 'count', ttl: 1000, staleWhileRevalidate: '1s' })
    expect(await count()).toBe(1)
    await clock.advance(1000)
    expect(await count()).toBe(1)
    await settle()
    expect(await count()).toBe(2)
  })

  test.each([
    ['an unknown one', { tll: '1m' }],
    ['a wrong duration', { ttl: '1 minute' }],
    ['tags that are not a list', { tags: 'a' }],
    ['a key that is not a function', { key: 'a' }],
    ['tagsOf that is not a function', { tagsOf: ['a'] }],
  ])('are refused when the function is wrapped: %s', (_what, options) => {
    expect(() => makeCache().cache.wrap(async () => 1, { name: 'one', ...options } as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })

  test('are not written to', async () => {
    const { cache } = makeCache()
    const options = Object.freeze({ name: 'one', ttl: '1m' as const, tags: Object.freeze(['a']) })
    expect(await cache.wrap(async () => 1, options)()).toBe(1)
  })
})

/** What is left of a function after minification. */
function minified(source: string): (id: number) => Promise<number> {
  return runInThisContext(`(${source})`) as (id: number) => Promise<number>
}

type Made = ReturnType<typeof makeCache>['cache']
