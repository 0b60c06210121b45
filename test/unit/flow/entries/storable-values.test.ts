// A value is treated alike with and without an L2: what L2 could not store, L1 does not store either, and it is reported once.
import { Readable } from 'node:stream'
import type { Cache, CacheEvents, Extension } from 'tiercache'
import { memoryTier, record } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet, l1Only, open: openCache } = leavesNothing()

class Money {
  constructor(
    readonly cents: bigint,
    readonly currency: string,
  ) {}

  plus(other: Money): Money {
    return new Money(this.cents + other.cents, this.currency)
  }
}

const money: Extension<Money> = {
  name: 'money',
  is: (value) => value instanceof Money,
  encode: ({ cents, currency }) => [cents, currency],
  decode: (data) => new Money(...(data as [bigint, string])),
}

class Customer {
  orders: Order[] = []
  constructor(readonly name: string) {}
  get greeting() {
    return `Hello ${this.name}`
  }
}

class Order {
  placedAt = new Date(0)
  constructor(readonly customer: Customer) {
    customer.orders.push(this)
  }
}

async function* numbers() {
  yield 1
}

const refused: [string, () => unknown, RegExp][] = [
  ['an instance of a class', () => new Customer('Ada'), /value is an instance of Customer\. .*extend/],
  ['a Headers', () => new Headers({ a: 'b' }), /value is an instance of Headers/],
  [
    'one deep inside',
    () => ({ list: [{ owner: new Customer('Ada') }] }),
    /value\.list\[0\]\.owner is an instance of Customer/,
  ],
  ['a function', () => ({ f: () => 1 }), /value\.f is a function/],
  ['an async generator', () => ({ parts: numbers() }), /value\.parts is a generator.* only once/],
  ['an iterator', () => [1].values(), /value is an iterator.* only once/],
  ['a stream of Node', () => Readable.from(['a']), /value is a stream \(Readable\).* only once/],
  ['a web stream', () => new ReadableStream(), /value is a stream.* only once/],
  ['a Response with a body', () => new Response('body'), /value is a body that is read once \(Response\)/],
  ['a promise inside', () => ({ later: Promise.resolve(1) }), /value\.later is a promise.* only once/],
  [
    'an error of a class of its own',
    () => new (class NotFound extends Error {})('x'),
    /value is an instance of NotFound/,
  ],
]

/** What a cache does with a value that `make` creates anew for each load. */
async function verdictOf(cache: Cache, settle: () => Promise<unknown>, make: () => unknown) {
  const events = record<CacheEvents>(cache, ['notice', 'storeFailed', 'loaded'])
  const load = vi.fn(make)
  for (let i = 0; i < 3; i++) {
    await cache.getOrSet('k', load)
    await settle()
  }
  const rejection = await cache.set('other', make()).then(
    () => 'kept',
    (error: unknown) => error,
  )
  return {
    loads: load.mock.calls.length,
    failures: events.of('storeFailed').length,
    notices: events.of('notice'),
    kept: events.of('loaded').map(({ kept }) => kept),
    rejection,
    found: [await cache.has('k'), await cache.has('other')],
  }
}

describe.each(['without an L2', 'with an L2'])('%s', (setup) => {
  const open = async (options: Parameters<typeof l1Only>[0] = {}) => {
    if (setup === 'without an L2') {
      const { cache, clock } = l1Only(options)
      return { cache, settle: () => clock.advance(1) }
    }
    const { a, clock } = await fleet(options)
    return { cache: a.cache, settle: () => clock.advance(1) }
  }

  test.each(refused)(
    '%s is stored in no tier, is returned to its callers and is reported once',
    async (_, make, message) => {
      const { cache, settle } = await open()
      const verdict = await verdictOf(cache, settle, make)
      expect(verdict).toMatchObject({ loads: 3, failures: 3, kept: [false, false, false], found: [false, false] })
      expect(verdict.rejection).toMatchObject({ code: 'UNSUPPORTED_VALUE', message: expect.stringMatching(message) })
      expect(verdict.notices).toMatchObject([
        { code: 'VALUE_NOT_KEPT', detail: expect.stringMatching(message), error: { code: 'UNSUPPORTED_VALUE' } },
      ])
    },
  )

  test('values that are refused for another reason are reported separately', async () => {
    const { cache } = await open()
    const events = record<CacheEvents>(cache, ['notice'])
    await cache.getOrSet('a', () => new Customer('Ada'))
    await cache.getOrSet('b', () => ({ nested: new Customer('Bob') }))
    await cache.getOrSet('c', () => new Money(1n, 'EUR'))
    expect(events.of('notice').map(({ detail }) => /instance of (\w+)/.exec(detail)?.[1])).toEqual([
      'Customer',
      'Money',
    ])
  })

  test("with tiers: 'l1' a value may be anything that can be used twice", async () => {
    const { cache, settle } = await open()
    const ada = new Customer('Ada')
    await cache.set('ada', ada, { tiers: 'l1' })
    expect(await cache.get('ada')).toBe(ada)
    const load = vi.fn(() => ({ render: () => 'x' }))
    await cache.getOrSet('f', load, { tiers: 'l1' })
    await settle()
    await cache.getOrSet('f', load, { tiers: 'l1' })
    expect(load).toHaveBeenCalledTimes(1)
    await expect(cache.set('g', { parts: numbers() }, { tiers: 'l1' })).rejects.toThrow(/only once/)
  })

  test("with values: 'plain' every caller gets the plain object, also the first one", async () => {
    const { cache, settle } = await open({ values: 'plain' })
    const ada = new Customer('Ada')
    new Order(ada)
    const load = vi.fn(() => ({ customer: ada, rows: new (class Rows extends Array<number> {})(1, 2) }))
    const first = await cache.getOrSet('k', load)
    await settle()
    const second = await cache.getOrSet('k', load)
    expect(load).toHaveBeenCalledTimes(1)
    for (const value of [first, second]) {
      expect(Object.getPrototypeOf(value.customer)).toBe(Object.prototype)
      expect(value.customer).toMatchObject({ name: 'Ada', orders: [{ placedAt: new Date(0) }] })
      expect(value.customer.orders[0]?.customer).toBe(value.customer)
      expect(value.customer.greeting).toBeUndefined()
      expect(Object.getPrototypeOf(value.rows)).toBe(Array.prototype)
    }
    expect(ada).toBeInstanceOf(Customer)
    expect(ada.orders[0]).toBeInstanceOf(Order)
    await cache.set('s', ada)
    expect(await cache.get('s')).toMatchObject({ name: 'Ada' })
  })

  test.each<[string, () => unknown]>([
    ['has its data elsewhere', () => new Headers({ a: 'b' })],
    ['can be used only once', () => ({ body: new Response('x') })],
    ['holds a function', () => Object.assign(new Customer('Ada'), { f: () => 1 })],
  ])("with values: 'plain' an instance that %s is still refused", async (_, make) => {
    const { cache } = await open({ values: 'plain' })
    await expect(cache.set('k', make())).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
  })

  test.each(['shared', 'frozen', 'cloned'] as const)(
    'a class with an extension is stored, also nested, with l1.values %s',
    async (values) => {
      const { cache, settle } = await open({ extend: [money], l1: { values, maxBytes: 1e6 } })
      const price = new Money(995n, 'EUR')
      const load = vi.fn(() => ({
        lines: [{ price }],
        byKey: new Map([[price, new Set([price])]]),
        $tiercache: 'mine',
      }))
      await cache.getOrSet('k', load)
      await settle()
      const again = await cache.getOrSet('k', load)
      expect(load).toHaveBeenCalledTimes(1)
      expect(again).toEqual({
        lines: [{ price }],
        byKey: new Map([[price, new Set([price])]]),
        $tiercache: 'mine',
      })
      expect(again.lines[0]?.price.plus(price)).toEqual(new Money(1990n, 'EUR'))
      expect(again.lines[0]?.price === price).toBe(values !== 'cloned')
    },
  )

  test('the result of an extension must be data', async () => {
    const hollow: Extension<Money> = { ...money, encode: () => ({ f: () => 1 }) }
    const throwing: Extension<Customer> = {
      name: 'customer',
      is: (value) => value instanceof Customer,
      encode: () => {
        throw new Error('a bug')
      },
      decode: () => new Customer(''),
    }
    const { cache } = await open({ extend: [hollow, throwing] })
    await expect(cache.set('k', { price: new Money(1n, 'EUR') })).rejects.toThrow(
      /value\.price as money encodes it\.f is a function/,
    )
    await expect(cache.set('k', new Customer('Ada'))).rejects.toThrow(/extension customer could not encode .*a bug/)
  })

  test('an extension that leads back to its own value is refused', async () => {
    const customer: Extension<Customer> = {
      name: 'customer',
      is: (value) => value instanceof Customer,
      encode: (value) => ({ name: value.name, self: value }),
      decode: () => new Customer(''),
    }
    const { cache } = await open({ extend: [customer] })
    await expect(cache.set('k', new Customer('Ada'))).rejects.toThrow(/its own extension customer leads back to/)
  })
})

describe('an extension in L2', () => {
  test('gives another process the class, also if one value occurs twice', async () => {
    const { a, b, clock } = await fleet({ extend: [money] })
    const price = new Money(5n, 'EUR')
    const data = { $tiercache: 'money', data: [1n, 'EUR'] }
    await a.cache.set('k', { net: price, gross: price, data })
    await clock.advance(1)
    const found = (await b.cache.get('k')) as { net: Money; gross: Money }
    expect(found.net).toBeInstanceOf(Money)
    expect(found, 'data that looks like its form in L2 stays data').toEqual({ net: price, gross: price, data })
  })

  test('that a process does not have makes the entry a miss with an event', async () => {
    const { a, server, clock } = await fleet({ extend: [money] })
    await a.cache.set('k', new Money(5n, 'EUR'))
    const cache = openCache(clock, { l2: memoryTier(server) })
    await clock.advance(1)
    const events = record<CacheEvents>(cache, ['corrupt'])
    expect(await cache.get('k')).toBeUndefined()
    expect(events.of('corrupt')[0]?.error.message).toContain('unknown-extension')
    await clock.advance(1)
  })
})

test.each<[string, unknown, RegExp]>([
  ['no array', money, /extend must be an array/],
  ['a name with other characters', [{ ...money, name: 'my money' }], /extend\[0\]\.name/],
  ['a missing function', [{ ...money, decode: undefined }], /extend\[0\]\.decode must be a function/],
  ['an unknown part', [{ ...money, encod: 1 }], /Did you mean encode/],
  ['a name that comes twice', [money, money], /must differ; got "money" twice/],
])('extend with %s is refused by createCache', (_, extend, message) => {
  expect(() => l1Only({ extend } as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => l1Only({ extend } as never)).toThrow(message)
})

test('an unknown word for values is refused by createCache', () => {
  expect(() => l1Only({ values: 'plane' as never })).toThrow(/values must be 'exact' or 'plain'/)
})

test('a generator function is refused where it is passed', async () => {
  const { cache } = l1Only()
  expect(() => cache.wrap(numbers, { name: 'numbers' })).toThrow(/can be read only once/)
  expect(() =>
    cache.wrap(
      function* () {
        yield 1
      },
      { name: 'more' },
    ),
  ).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => cache.source('s', { load: numbers })).toThrow(/can be read only once/)
  await expect(cache.getOrSet('k', numbers)).rejects.toThrow(/can be read only once/)
})
