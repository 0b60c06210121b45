// Values in L2: each comes back as it was stored, with its remaining life, checked by its schema. Anything else is a miss.
import type { CacheEvents, StandardSchema } from 'tiercache'
import { record } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

const cyclic: Record<string, unknown> = { name: 'loop' }
cyclic.self = cyclic

const values: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['zero', 0],
  ['an empty string', ''],
  ['false', false],
  ['NaN', Number.NaN],
  ['minus zero', -0],
  ['Infinity', Number.NEGATIVE_INFINITY],
  ['a BigInt', 2n ** 80n],
  ['an empty list', []],
  ['a Date', new Date(0)],
  ['a Map', new Map<unknown, unknown>([[{ a: 1 }, new Set([1])]])],
  ['a Buffer', Buffer.from([0, 255])],
  ['a typed array', new Float32Array([1.5, -2])],
  ['an error', new RangeError('too far')],
  ['a cyclic object', cyclic],
  ['data named __proto__', JSON.parse('{"__proto__":{"polluted":true}}')],
]

describe('a value comes out of L2 as it went in (G7)', () => {
  test.each(values)('%s is a hit in L2 and deeply equal there', async (_name, value) => {
    const { a, b, clock } = await fleet()
    await a.cache.set('set', value)
    await a.cache.getOrSet('loaded', () => value)
    await clock.advance(1)
    const load = vi.fn()
    expect(await b.cache.getOrSet('set', load)).toStrictEqual(value)
    expect(await b.cache.get('loaded')).toStrictEqual(value)
    expect(await b.cache.has('loaded')).toBe(true)
    expect(await b.cache.getMany(['set', 'loaded'])).toStrictEqual([value, value])
    expect(await b.cache.lookup('set')).toMatchObject({ found: true })
    expect(load).not.toHaveBeenCalled()
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  class Cart {
    add() {}
  }
  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an instance with behaviour', new Cart()],
    ['a promise', Promise.resolve(1)],
    ['one of them deep inside', { list: [{ f: () => 1 }] }],
  ])('%s is refused by set before anything is done', async (_name, value) => {
    const { a, b } = await fleet()
    await a.cache.set('k', 'before')
    await expect(a.cache.set('k', value)).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
    expect(await a.cache.get('k')).toBe('before')
    expect(await b.cache.get('k')).toBe('before')
    await expect(a.cache.setMany([['k', value]])).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
  })

  test('a loaded value that L2 cannot keep is returned, stored in no tier, and reported as an event', async () => {
    const { a, b, clock } = await fleet()
    const failed: unknown[] = []
    a.cache.on('storeFailed', ({ error }) => failed.push(error))
    const cart = new Cart()
    expect(await a.cache.getOrSet('k', () => cart)).toBe(cart)
    await clock.advance(1)
    expect(failed).toMatchObject([{ code: 'UNSUPPORTED_VALUE' }])
    expect([await a.cache.has('k'), await b.cache.has('k')]).toEqual([false, false])
    const next = b.cache.getOrSet('k', () => 'plain')
    await clock.advance(10)
    expect(await next).toBe('plain')
  })
})

describe('the remaining life of an entry of L2', () => {
  test('limits that of its copy in memory', async () => {
    const { a, b, clock } = await fleet({ ttl: 60_000 })
    await a.cache.set('k', 'v')
    await clock.advance(59_700)
    expect(await b.cache.get('k')).toBe('v')
    expect(await b.cache.lookup('k')).toMatchObject({ tier: 'l1', freshForMs: 300 })
    await clock.advance(300)
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('does not depend on the ttl of the reader', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'v', { ttl: 1000 })
    await clock.advance(900)
    expect(await b.cache.getOrSet('k', () => 'never', { ttl: '1d' })).toBe('v')
    await clock.advance(100)
    expect(await b.cache.getOrSet('k', () => 'new', { ttl: '1d' })).toBe('new')
  })

  test('is the time for which the server keeps it, with both stale windows', async () => {
    const { a, server, clock } = await fleet({ ttl: 1000, staleWhileRevalidate: 500, staleIfError: 2000 })
    await a.cache.set('k', 'v')
    const has = () => server.keys().includes('tiercache:k')
    await clock.advance(2999)
    expect(has()).toBe(true)
    await clock.advance(1)
    expect(has()).toBe(false)
  })
})

describe('the option tiers', () => {
  test("'l1' neither reads nor writes L2", async () => {
    const { a } = await fleet()
    expect(await a.cache.getOrSet('k', () => 1, { tiers: 'l1' })).toBe(1)
    expect(await a.cache.get('k', { tiers: 'l1' })).toBe(1)
    expect(await a.cache.get('none', { tiers: 'l1' })).toBeUndefined()
    expect(a.tier.link.count()).toBe(0)
  })

  test("'l1' in a set removes the older value from L2", async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'shared')
    await a.cache.set('k', 'mine', { tiers: 'l1' })
    await clock.advance(1)
    expect(await a.cache.get('k')).toBe('mine')
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test("'l2' keeps a value out of memory", async () => {
    const { a, b } = await fleet()
    await a.cache.getOrSet('loaded', () => 1, { tiers: 'l2' })
    await a.cache.set('set', 1, { tiers: 'l2' })
    await a.cache.drain()
    expect([a.cache.peek('loaded'), a.cache.peek('set')]).toEqual([undefined, undefined])
    expect(await b.cache.getMany(['loaded', 'set'])).toEqual([1, 1])
  })
})

describe('a schema for values of L2', () => {
  const schemaOf = <T>(
    check: (value: unknown) => { value: T } | { issues: { message: string }[] },
  ): StandardSchema<T> => ({
    '~standard': { version: 1, vendor: 'test', validate: check },
  })
  const numbers = schemaOf((value) =>
    typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] },
  )

  test('turns an entry that it refuses into a miss with an event, and the entry is replaced', async () => {
    const { a, b, clock } = await fleet()
    await a.cache.set('k', 'text')
    const events = record<CacheEvents>(b.cache, ['corrupt', 'hit'])
    const load = vi.fn(() => 42)
    const caller = b.cache.getOrSet('k', load, { schema: numbers })
    await clock.advance(1)
    expect(await caller).toBe(42)
    expect(events.events).toMatchObject([
      { event: 'corrupt', detail: { key: 'k', error: { code: 'SCHEMA_MISMATCH' } } },
    ])
    expect(events.of('corrupt')[0]?.error.message).toContain('not a number')
    await clock.advance(1)
    expect(await a.cache.get('k', { tiers: 'l2' })).toBe(42)
  })
})

describe('bytes in L2 that are not an entry of the key', () => {
  const cases: [string, (bytes: Buffer) => Uint8Array][] = [
    ['truncated', (bytes) => bytes.subarray(0, bytes.length - 3)],
    ['cut within its header', (bytes) => bytes.subarray(0, 20)],
    ['cut within its stamp', (bytes) => bytes.subarray(0, 5)],
    ['empty', () => new Uint8Array(0)],
    ['changed by one bit in its payload', (bytes) => bytes.fill(bytes.at(-1)! ^ 1, bytes.length - 1)],
    ['changed by one bit in its header', (bytes) => bytes.fill(bytes[24]! ^ 128, 24, 25)],
    ['JSON of another program', () => Buffer.from('{"value":"stolen"}')],
    ['random', () => Buffer.from('4f9c1c0de0ff00aa4f9c1c0de0ff00aa4f9c1c0de0ff00aa', 'hex')],
  ]

  test.each(cases)('with %s are a miss for get and are replaced by a load', async (_name, change) => {
    const { a, b, server, clock } = await fleet()
    await a.cache.set('k', 'v')
    server.corrupt('tiercache:k', change)
    const corrupt: unknown[] = []
    b.cache.on('corrupt', ({ key, error }) => corrupt.push([key, error.code]))
    expect(await b.cache.get('k')).toBeUndefined()
    expect(corrupt).toEqual([['k', 'ENTRY_CORRUPT']])
    const caller = b.cache.getOrSet('k', () => 'new')
    await clock.advance(20)
    expect(await caller).toBe('new')
    await clock.advance(20)
    expect(await b.cache.get('k', { tiers: 'l2' })).toBe('new')
  })

  test('that are the entry of another key are a miss', async () => {
    const { a, b, server } = await fleet()
    await a.cache.set('mine', 'v')
    await a.cache.set('other', 'secret')
    let stolen: Uint8Array = new Uint8Array()
    server.corrupt('tiercache:other', (bytes) => {
      stolen = Buffer.from(bytes)
      return bytes
    })
    server.corrupt('tiercache:mine', () => stolen)
    expect(await b.cache.get('mine')).toBeUndefined()
  })

  test('of a later format are not overwritten, and the value is loaded', async () => {
    const { a, b, server, clock } = await fleet()
    await a.cache.set('k', 'v')
    server.corrupt('tiercache:k', (bytes) => bytes.fill(99, 2, 3))
    const caller = b.cache.getOrSet('k', () => 'loaded')
    await clock.advance(1)
    expect(await caller).toBe('loaded')
    await clock.advance(1)
    server.corrupt('tiercache:k', (bytes) => {
      expect(bytes[2]).toBe(99)
      return bytes
    })
  })

  test('under a key of another Redis type are a miss', async () => {
    const { b, server, clock } = await fleet()
    server.plantOtherType('tiercache:k')
    expect(await b.cache.get('k')).toBeUndefined()
    const caller = b.cache.getOrSet('k', () => 'loaded')
    await clock.advance(300)
    expect(await caller).toBe('loaded')
    await clock.advance(5000)
  })
})
