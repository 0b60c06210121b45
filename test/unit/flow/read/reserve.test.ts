// `reserve`: look-up and fill apart, with everything that getOrSet guarantees.
import { type Cache, CacheError, type Reserved, type Slot } from 'tiercache'
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet, open } = leavesNothing()

function slotOf<V>(reserved: Reserved<V>): Slot<V> {
  if (reserved.hit) throw new Error(`expected a slot, got the value ${String(reserved.value)}`)
  return reserved
}

async function slot(cache: Cache, key: string, options?: Parameters<Cache['reserve']>[1]): Promise<Slot<unknown>> {
  return slotOf(await cache.reserve(key, options))
}

describe('a slot', () => {
  test('is given for a key that no tier has, and what is filled in is a hit afterwards, in every process', async () => {
    const { a, b, clock } = await fleet()
    const reserved = await slot(a.cache, 'k', { tags: ['t'], ttl: 500 })
    expect(reserved).toMatchObject({ hit: false, stale: undefined })
    expect(await reserved.fill('v')).toBe('all')
    await clock.advance(100)
    expect(await a.cache.reserve('k')).toMatchObject({
      ...{ hit: true, value: 'v', tier: 'l1', state: 'fresh', ageMs: 100, freshForMs: 400, tags: ['t'] },
      shared: false,
    })
    expect(await b.cache.reserve('k')).toMatchObject({ hit: true, value: 'v', tier: 'l2', ageMs: 100 })
    await a.cache.invalidateTags('t')
    await clock.advance(1)
    expect((await b.cache.reserve('k')).hit).toBe(false)
    await clock.advance(60_000)
  })

  test('has a cached undefined as a hit', async () => {
    const { cache } = l1Only()
    await (await slot(cache, 'k')).fill(undefined)
    expect(await cache.reserve('k')).toMatchObject({ hit: true, value: undefined })
  })

  test('takes the ttl and further tags at its fill', async () => {
    const { cache } = l1Only({ ttl: '1h' })
    await (await slot(cache, 'k', { tags: ['a'] })).fill('v', { ttl: 50, tags: 'b' })
    expect(await cache.lookup('k')).toMatchObject({ freshForMs: 50, tags: ['a', 'b'] })
    await cache.invalidateTags('b')
    expect(await cache.has('k')).toBe(false)
  })

  test('takes its stale windows at its fill', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    const windows = { staleWhileRevalidate: 100, staleIfError: 500 }
    await (await slot(cache, 'k')).fill('v', { ttl: 50, ...windows })
    await clock.advance(149)
    const stale = await slot(cache, 'k')
    expect(stale.stale).toMatchObject({ value: 'v', ageMs: 149, state: 'stale' })
    stale.release()
    await clock.advance(400)
    const late = await slot(cache, 'k')
    expect(late.stale).toMatchObject({ value: 'v', state: 'staleIfError' })
    await late.fill('w', { ttl: 50 })
    await clock.advance(51)
    const last = await slot(cache, 'k')
    expect(last.stale).toBeUndefined()
    last.release()
    await expect(late.fill('x', { staleIfError: 'never' as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('has the state of an expired value, which is not that of a stale one', async () => {
    const { cache, clock } = l1Only({ ttl: '1h' })
    await (await slot(cache, 'k')).fill('v', { ttl: 50, staleWhileRevalidate: 500, staleIfError: 500 })
    await cache.expire('k')
    const expired = await slot(cache, 'k')
    expect(expired.stale).toMatchObject({ value: 'v', state: 'staleIfError' })
    expired.release()
    await clock.advance(1)
  })

  test('derives tags from the value that is filled in', async () => {
    const { a, clock } = await fleet()
    const reserved = slotOf(await a.cache.reserve<{ org: number }>('k', { tags: (value) => [`org:${value.org}`] }))
    expect(await reserved.fill({ org: 7 })).toBe('all')
    await clock.advance(1)
    expect(await a.cache.lookup('k')).toMatchObject({ tags: ['org:7'] })
  })

  test('can be filled once, and neither a second fill nor wrong options cost anything', async () => {
    const { cache } = l1Only()
    const reserved = await slot(cache, 'k')
    await expect(reserved.fill('v', { ttl: '5 minutes' as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(reserved.fill('v', { tags: [1] as never })).rejects.toMatchObject({ code: 'INVALID_KEY' })
    expect(await reserved.fill('v')).toBe('l1')
    await expect(reserved.fill('w')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('filled once'),
    })
    reserved.release()
    expect(await cache.get('k')).toBe('v')
  })

  test('says why a value that cannot be kept is in no tier, and those who wait get it', async () => {
    const { a, clock } = await fleet()
    const reserved = await slot(a.cache, 'k')
    const waiting = a.cache.getOrSet('k', () => 'loaded')
    await settle()
    const value = { run: () => 1 }
    expect(await reserved.fill(value)).toBe('unsupported')
    expect(await waiting).toBe(value)
    await clock.advance(1)
    expect(await a.cache.has('k')).toBe(false)
  })

  test('rejects its fill with SCHEMA_MISMATCH, and those who wait load by themselves', async () => {
    const { cache } = l1Only()
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof value === 'number' ? { value } : { issues: [{ message: 'expected a number' }] },
      },
    }
    const reserved = slotOf(await cache.reserve<number>('k', { schema }))
    const waiting = cache.getOrSet('k', () => 2)
    await settle()
    await expect(reserved.fill('x' as never)).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
    expect(await waiting).toBe(2)
  })
})

describe('those who come while a slot is open', () => {
  test('wait for its fill and load nothing: getOrSet, reserve, in this process and in another', async () => {
    const { a, b, clock } = await fleet()
    const reserved = await slot(a.cache, 'k')
    const load = vi.fn(() => 'loaded')
    const waiting = [a, b].flatMap(({ cache }) => [cache.getOrSet('k', load), cache.reserve('k')])
    await clock.advance(100)
    await reserved.fill('filled')
    await clock.advance(100)
    const [first, second, third, fourth] = await Promise.all(waiting)
    expect([first, third]).toEqual(['filled', 'filled'])
    expect(second).toMatchObject({ hit: true, value: 'filled', tier: 'loader', shared: true })
    expect(fourth).toMatchObject({ hit: true, value: 'filled', tier: 'l2' })
    expect(load).not.toHaveBeenCalled()
  })

  test.each([
    ['release', '1s'],
    ['dispose', '1s'],
    ['release', Number.POSITIVE_INFINITY],
  ] as const)('look again after %s: one of them loads (hardTimeout: %s)', async (how, hardTimeout) => {
    const { a, b, clock } = await fleet()
    const reserved = await slot(a.cache, 'k')
    const load = vi.fn(async () => 'loaded')
    const waiting = [a, a, b].map(({ cache }) => cache.getOrSet('k', load, { hardTimeout }))
    await clock.advance(50)
    if (how === 'release') reserved.release()
    else reserved[Symbol.dispose]()
    await clock.advance(100)
    expect(await Promise.all(waiting)).toEqual(['loaded', 'loaded', 'loaded'])
    expect(load).toHaveBeenCalledTimes(1)
    await expect(reserved.fill('late')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('get the slot in turn if they reserve, too', async () => {
    const { cache } = l1Only()
    const first = await slot(cache, 'k')
    const second = cache.reserve('k')
    const third = cache.reserve('k')
    await settle()
    first.release()
    const next = slotOf(await second)
    await next.fill('v')
    expect(await third).toMatchObject({ hit: true, value: 'v', shared: true })
  })

  test('go on after the hardTimeout of a slot that its holder forgot, in this process and in another', async () => {
    const { a, b, clock } = await fleet()
    const forgotten = await slot(a.cache, 'k', { hardTimeout: 400 })
    const load = vi.fn(async () => 'loaded')
    const waiting = [a, b].map(({ cache }) => cache.getOrSet('k', load))
    await clock.advance(399)
    expect(load).not.toHaveBeenCalled()
    await clock.advance(100)
    expect(await Promise.all(waiting)).toEqual(['loaded', 'loaded'])
    expect(load).toHaveBeenCalledTimes(1)
    expect(await forgotten.fill('late')).toBe('tooLate')
    await clock.advance(1)
    expect(await a.cache.get('k')).toBe('loaded')
  })

  test('wait for half of their own hardTimeout at most, and have the other half for their load', async () => {
    const { cache, clock } = l1Only()
    const held = await slot(cache, 'k')
    const load = vi.fn(() => 'loaded')
    const waiting = cache.getOrSet('k', load, { hardTimeout: 300 })
    await clock.advance(149)
    expect(load).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(await waiting).toBe('loaded')
    expect(await held.fill('late')).toBe('tooLate')
    expect(await cache.get('k')).toBe('loaded')
  })

  test('take over the slot of a process that died, once its lease has ended', async () => {
    const { a, b, clock } = await fleet()
    await slot(a.cache, 'k')
    a.tier.cut()
    const waiting = b.cache.getOrSet('k', () => 'loaded')
    await clock.advance(1_900)
    await clock.advance(400)
    expect(await waiting).toBe('loaded')
    a.tier.restore()
    await clock.advance(60_000)
  })

  test('may leave with their signal while the slot stays open', async () => {
    const { cache } = l1Only()
    const held = await slot(cache, 'k')
    const caller = new AbortController()
    const leaving = cache.reserve('k', { signal: caller.signal }).catch((error: unknown) => error)
    await settle()
    caller.abort('gone')
    expect(await leaving).toBe('gone')
    expect(await held.fill('v')).toBe('l1')
  })
})

describe('an invalidation between reserve and fill wins', () => {
  const changes: [string, (cache: Cache) => Promise<unknown>][] = [
    ['delete', (cache) => cache.delete('k')],
    ['set', (cache) => cache.set('k', 'set')],
    ['expire', (cache) => cache.expire('k')],
    ['invalidateTags', (cache) => cache.invalidateTags('t')],
    ['expireTags', (cache) => cache.expireTags('t')],
    ['clear', (cache) => cache.clear()],
    ['deleteByPrefix', (cache) => cache.deleteByPrefix('k')],
  ]

  test.each(changes)('%s, with memory alone', async (verb, change) => {
    const { cache } = l1Only()
    const reserved = await slot(cache, 'k', { tags: ['t'] })
    await change(cache)
    expect(await reserved.fill('old')).toBe('overtaken')
    expect(await cache.get('k')).toBe(verb === 'set' ? 'set' : undefined)
  })

  test.each(changes)('%s, by the same process or another one, with late tags or listed ones', async (verb, change) => {
    for (const by of ['a', 'b'] as const) {
      for (const late of [true, false]) {
        const { a, b, clock } = await fleet()
        const reserved = await slot(a.cache, 'k', late ? {} : { tags: ['t'] })
        await change((by === 'a' ? a : b).cache)
        await clock.advance(1)
        const filling = reserved.fill('old', late ? { tags: ['t'] } : {})
        await clock.advance(1)
        expect(['overtaken', 'unproven']).toContain(await filling)
        const expected = verb === 'set' ? 'set' : undefined
        expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([expected, expected])
      }
    }
  })

  test('also if the process that fills hears no announcement', async () => {
    const { a, b, clock } = await fleet()
    const reserved = await slot(a.cache, 'k')
    a.tier.busLink.stall()
    await b.cache.delete('k')
    expect(await reserved.fill('old')).toBe('overtaken')
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([undefined, undefined])
    a.tier.busLink.resume()
    await clock.advance(10)
  })
})

describe('a stale value', () => {
  test('is a hit while another caller has the slot, which gets it as `stale`', async () => {
    const { a, b, clock } = await fleet({ ttl: 100, staleWhileRevalidate: '1m' })
    await a.cache.set('k', 'old')
    await clock.advance(150)
    for (const { cache } of [a, b]) {
      const refreshing = await slot(cache, 'k')
      expect(refreshing.stale).toMatchObject({ value: 'old', ageMs: 150 })
      expect(await cache.reserve('k')).toMatchObject({ hit: true, value: 'old', state: 'stale', tier: 'l1' })
      expect(await cache.getOrSet('k', () => 'loaded')).toBe('old')
      refreshing.release()
      await clock.advance(0)
    }
    await (await slot(b.cache, 'k')).fill('new')
    await clock.advance(1)
    expect(await a.cache.reserve('k')).toMatchObject({ hit: true, value: 'new', state: 'fresh' })
  })
})

describe('a running load', () => {
  test('is joined by reserve', async () => {
    const { cache } = l1Only()
    const gate = deferred<string>()
    const loading = cache.getOrSet('k', () => gate.promise)
    await settle()
    const reserved = cache.reserve('k')
    gate.resolve('loaded')
    expect(await reserved).toMatchObject({ hit: true, value: 'loaded', tier: 'loader', shared: true })
    expect(await loading).toBe('loaded')
  })

  test('that fails leaves the slot to reserve', async () => {
    const { cache } = l1Only()
    const gate = deferred<string>()
    const loading = cache.getOrSet('k', () => gate.promise).catch((error: Error) => error.message)
    await settle()
    const reserved = cache.reserve('k')
    gate.reject(new Error('down'))
    expect(await loading).toBe('down')
    expect(await slotOf(await reserved).fill('v')).toBe('l1')
  })
})

test('a slot is filled while Redis cannot be reached, in memory', async () => {
  const { a, clock } = await fleet()
  a.tier.cut()
  const reserving = a.cache.reserve('k')
  await clock.advance(500)
  const reserved = slotOf(await reserving)
  expect(await reserved.fill('v')).toBe('l1')
  expect(await a.cache.reserve('k')).toMatchObject({ hit: true, value: 'v', tier: 'l1' })
  a.tier.restore()
  await clock.advance(10_000)
})

test('a reserve whose limit passes before its slot is open rejects with LOAD_TIMEOUT, and another caller loads', async () => {
  const { a, clock } = await fleet({}, { timeout: '5s' })
  await clock.advance(10)
  a.tier.link.stall()
  const reserving = a.cache.reserve('k', { hardTimeout: 100 }).catch((error: unknown) => error)
  const waiting = a.cache.getOrSet('k', () => 'loaded')
  await clock.advance(100)
  expect(await reserving).toMatchObject({ code: 'LOAD_TIMEOUT' })
  expect(a.cache.stats().reads.timedOut).toBe(1)
  await clock.advance(10_000)
  expect(await waiting).toBe('loaded')
  a.tier.link.resume()
  await clock.advance(10_000)
})

test('a slot that is open when the cache is closed stores nothing, and close() does not wait for it', async () => {
  const { a, clock } = await fleet()
  const reserved = await slot(a.cache, 'k')
  await a.cache.drain()
  await a.cache.close()
  await clock.advance(1)
  expect(await reserved.fill('v')).toBe('tooLate')
})

test('a fill that nobody awaits crashes nothing', async () => {
  const { cache } = l1Only()
  const reserved = await slot(cache, 'k')
  void reserved.fill('v', { ttl: -1 })
  await settle()
  reserved.release()
})

test('each reserve counts as one read', async () => {
  const { cache } = l1Only()
  const reserved = await slot(cache, 'k')
  const joined = cache.reserve('k')
  await settle()
  await reserved.fill('v')
  await joined
  await cache.reserve('k')
  expect(cache.stats().reads).toMatchObject({ total: 3, absent: 1, joined: 1, hit: { l1: 1 } })
  expect(cache.stats().loads).toBe(1)
})

test('a loader that reserves the key that it loads gets REENTRANT_LOAD', async () => {
  const { cache } = l1Only()
  const error = await cache.getOrSet('k', () => cache.reserve('k')).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(CacheError)
  expect(error).toMatchObject({ code: 'REENTRANT_LOAD' })
})

test('in a request scope, what was read stays the same, and a fill is seen', async () => {
  const cache = open(l1Only().clock, {})
  await cache.requestScope(async () => {
    expect(await cache.get('k')).toBeUndefined()
    await (await slot(cache, 'k')).fill('v')
    expect(await cache.get('k')).toBe('v')
    expect(await cache.reserve('k')).toMatchObject({ hit: true, value: 'v' })
  })
})

test('options that would have no effect are refused', async () => {
  const { cache } = l1Only()
  for (const options of [{ forceFresh: true }, { softTimeout: 5 }, { lateResult: 5 }, { tll: 5 }]) {
    await expect(cache.reserve('k', options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
})
