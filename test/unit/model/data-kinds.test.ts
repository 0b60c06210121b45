// One table of data kinds: copying, encoding, measuring and making keys all have the same idea of what data is.
import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMsgpackCodec } from '../../../src/codec/payload/msgpack.js'
import { encodeArguments } from '../../../src/model/keys/arguments.js'
import { isPlainData } from '../../../src/model/values/data-check.js'
import { brandOf, dataKindOf } from '../../../src/model/values/data-kinds.js'
import { search } from '../../../src/model/values/data-search.js'
import { estimateBytes } from '../../../src/tiers/estimate-bytes.js'
import { cloneValue } from '../../../src/tiers/value-sharing.js'
import { KEPT, REFUSED, TOO_MUCH } from '../codec/samples.js'

const codec = createMsgpackCodec()
const throughL2 = (value: unknown) => codec.decode(codec.encode(value))
const strict = { extensions: [], others: 'refuse', code: 'refuse' } as const

const foreign = (code: string): object => runInNewContext(`(${code})`, {}) as object

const pairs: [string, object, string][] = [
  ['a plain object', { a: [1] }, '{ a: [1] }'],
  ['an array', [1, [2]], '[1, [2]]'],
  [
    'an object without a prototype',
    Object.assign(Object.create(null), { a: 1 }),
    'Object.assign(Object.create(null), { a: 1 })',
  ],
  ['a Date', new Date(5), 'new Date(5)'],
  ['a Map', new Map([[1, { a: 1 }]]), 'new Map([[1, { a: 1 }]])'],
  ['a Set', new Set([1]), 'new Set([1])'],
  ['a RegExp', /a/gi, '/a/gi'],
  ['an ArrayBuffer', Uint8Array.of(1, 2).buffer, 'Uint8Array.of(1, 2).buffer'],
  ['bytes', Uint8Array.of(1, 2), 'Uint8Array.of(1, 2)'],
  ['a typed array', Float64Array.of(0.5), 'Float64Array.of(0.5)'],
  ['a DataView', new DataView(new ArrayBuffer(2)), 'new DataView(new ArrayBuffer(2))'],
]

describe('an object of another realm has the kind that it has in its own:', () => {
  test.each(pairs)('%s', (_, own, code) => {
    const value = foreign(code)
    expect(dataKindOf(value)).toBe(dataKindOf(own))
    expect(isPlainData({ held: [value] })).toBe(true)
    expect(throughL2(value)).toStrictEqual(own)
    expect(cloneValue(value)).toStrictEqual(own)
    expect(encodeArguments([value])).toBe(encodeArguments([own]))
    expect(estimateBytes(value)).toBe(estimateBytes(own))
  })

  test.each(['Error', 'TypeError', 'RangeError'])('%s', (name) => {
    const value = foreign(`Object.assign(new ${name}('mine'), { code: 'E_MINE' })`)
    for (const copy of [throughL2(value), cloneValue(value)]) {
      expect(copy).toBeInstanceOf(globalThis[name as 'Error'])
      expect(copy).toMatchObject({ message: 'mine', code: 'E_MINE', stack: (value as Error).stack })
    }
  })

  test.each([
    ['an instance of a class', 'new (class Point { x = 1 })()'],
    ['an instance of a class without a base', 'Object.create((class extends null {}).prototype)'],
    ['an instance of a subclass of Map', 'new (class extends Map {})()'],
    ['an instance of a class that calls itself Date', 'new (class Date {})()'],
    ['a pretended Date', 'Object.create(Date.prototype)'],
    ['a namespace', 'Math'],
  ])('%s has none', (_, code) => {
    expect(dataKindOf(foreign(code))).toBeUndefined()
    expect(() => throughL2(foreign(code))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VALUE' }))
  })
})

describe('a Date under fake timers', () => {
  afterEach(() => vi.useRealTimers())

  const expectKept = (value: Date) => {
    expect(dataKindOf(value)).toBe('date')
    expect(throughL2({ value })).toEqual({ value })
    expect(cloneValue({ value })).toEqual({ value })
    expect(encodeArguments([value])).toBe(`Date(${value.toISOString()})`)
  }

  test('that was created before them is a Date', () => {
    const before = new Date(5)
    vi.useFakeTimers()
    expectKept(before)
  })

  test('that was created under them is a Date, also once they are gone', () => {
    vi.useFakeTimers()
    const during = new Date(5)
    expectKept(during)
    vi.useRealTimers()
    expectKept(during)
  })

  test('of a subclass is not a Date', () => {
    vi.useFakeTimers()
    class Day extends Date {}
    expect(dataKindOf(new Day(5))).toBeUndefined()
    vi.useRealTimers()
    expect(dataKindOf(new Day(5))).toBeUndefined()
  })
})

describe('a value that the codec keeps', () => {
  test.each(Object.entries(KEPT))('passes the check and is cloned as L2 returns it: %s', (name, make) => {
    const value = make()
    expect(search(value, strict)).toBe('data')
    // Large values are left out: they prove no more than small ones of their kind, and copying them takes long.
    if (/70,000|million/.test(name)) return
    expect(isDeepStrictEqual(cloneValue(value), throughL2(value))).toBe(true)
  })

  test('passes the quick check if it is a usual row of a database', () => {
    const row = { id: 1, name: 'a', at: new Date(0), tags: ['x'], nested: { n: null, u: undefined, b: 1n } }
    expect(isPlainData([row, row, new Map([['k', new Set([row])]]), new Error('x'), Buffer.from('x')])).toBe(true)
  })

  test.each(Object.entries(REFUSED))(
    'is the only one that passes: %s is refused by all, with the same path',
    (_, [make, path]) => {
      expect(isPlainData(make())).toBe(false)
      expect(search(make(), strict)).toMatchObject({ path: expect.stringContaining(path) })
      expect(() => cloneValue(make())).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VALUE' }))
    },
  )

  test('goes to the slow check if it has cycles, very many shared parts or great depth', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    let fan: unknown = {}
    for (let i = 0; i < 60; i++) fan = [fan, fan]
    let deep: unknown = 0
    for (let i = 0; i < 10_000; i++) deep = [deep]
    for (const value of [cyclic, fan, deep]) {
      expect(isPlainData(value)).toBe(false)
      expect(search(value, strict)).toBe('data')
    }
  })

  test('is not searched hole by hole if it is a huge sparse array', () => {
    expect(search(Object.assign(new Array(1_000_000), { 5: 1 }), strict)).toBe('data')
    expect(search(Object.assign(new Array(2 ** 32 - 1), { 5: 1 }), strict)).toMatchObject({ path: 'value' })
  })

  test.each(Object.entries(TOO_MUCH))(
    'has the same limits in every check, except in memory alone: %s',
    (_, [make, path]) => {
      const value = make()
      expect(isPlainData(value)).toBe(false)
      expect(search(value, strict)).toMatchObject({ path })
      expect(search(value, { extensions: [], others: 'keep', code: 'keep' })).toBe('data')
    },
  )
})

test('a hidden property with a symbol does not change the kind of an object', () => {
  const marked = Object.defineProperty({ a: 1 }, Symbol('mark'), { value: 1, enumerable: false })
  expect(dataKindOf(marked)).toBe('plain')
  expect(throughL2(marked)).toStrictEqual({ a: 1 })
  expect(cloneValue(marked)).toStrictEqual({ a: 1 })
  expect(encodeArguments([marked])).toBe('(a=1)')
})

test('an instance of a subclass has the brand of its superclass', () => {
  class Rows extends Array {}
  expect([new Rows(), new (class extends Map {})(), new (class extends Error {})()].map(brandOf)).toEqual([
    'array',
    'map',
    'error',
  ])
  expect(brandOf(new (class {})())).toBeUndefined()
})
