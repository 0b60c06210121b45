import { isDeepStrictEqual, types } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cloneValue, freezeValue } from '../../../src/tiers/value-sharing.js'

class Point {
  x = 1
}

describe('freezing', () => {
  test('reaches nested arrays and plain objects, also inside frozen ones', () => {
    const value = { list: [{ n: 1 }], frozen: Object.freeze({ inner: { n: 1 } }), bare: Object.create(null) }
    expect(freezeValue(value)).toBe(value)
    for (const part of [value, value.list, value.list[0], value.frozen.inner, value.bare])
      expect(Object.isFrozen(part)).toBe(true)
    expect(() => value.list.push({ n: 2 })).toThrow(TypeError)
  })

  test('leaves out what cannot be frozen or may change itself', () => {
    const value = {
      map: new Map(),
      set: new Set(),
      date: new Date(),
      bytes: Buffer.alloc(4),
      typed: new Uint8Array(4),
      point: new Point(),
    }
    freezeValue(value)
    for (const part of Object.values(value)) expect(Object.isFrozen(part)).toBe(false)
  })

  test('accepts primitives, cycles and deep values', () => {
    for (const value of [undefined, null, 1, 'a']) expect(freezeValue(value)).toBe(value)
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    expect(Object.isFrozen(freezeValue(cyclic))).toBe(true)
    let deep: unknown[] = []
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(Object.isFrozen(freezeValue(deep))).toBe(true)
  })
})

describe('cloning', () => {
  const originals: [string, unknown][] = [
    ['primitives', [undefined, null, true, 1, -0, Number.NaN, 1n, 'a']],
    ['nested data', { a: [{ b: { c: 1 } }] }],
    ['holes', Object.assign([], { 0: 1, 3: 2 })],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a property named __proto__', JSON.parse('{"__proto__":{"a":1}}')],
    ['maps and sets', new Map<unknown, unknown>([[{ k: 1 }, new Set([{ s: 1 }])]])],
    ['a date', new Date(5)],
    ['an invalid date', new Date(Number.NaN)],
    ['a regular expression', /a/gi],
    ['a buffer', Buffer.from('abc')],
    ['typed arrays', [new Uint8Array([1, 2]), new Float64Array([-0]), new BigInt64Array([1n])]],
    ['a window on a larger buffer', new Uint8Array(new ArrayBuffer(100), 10, 5)],
    ['an array buffer', new Uint8Array([1, 2]).buffer],
    ['a URL', new URL('https://example.com/a?b')],
    ['a DataView', new DataView(Uint8Array.of(1, 2).buffer)],
    ['an error', new TypeError('mine', { cause: new Error('deeper') })],
    ['an error with properties', Object.assign(new Error('mine'), { code: 'E_MINE', held: { a: 1 } })],
  ]

  test.each(originals)('copies %s', (_, original) => {
    const copy = cloneValue(original)
    expect(copy).toStrictEqual(original)
    expect(copy).not.toBe(original)
  })

  test('shares nothing that can change', () => {
    const original = { a: [1], m: new Map([[1, { b: 1 }]]), s: new Set([[1]]), d: new Date(0), u: Buffer.from('abc') }
    const copy = cloneValue(original)
    original.a.push(2)
    original.m.get(1)!.b = 2
    original.d.setTime(9)
    original.u[0] = 0
    expect(copy).toEqual({
      a: [1],
      m: new Map([[1, { b: 1 }]]),
      s: new Set([[1]]),
      d: new Date(0),
      u: Buffer.from('abc'),
    })
  })

  test('copies a Buffer to a Buffer and an error to an error of its class', () => {
    const { buffer, error } = cloneValue({ buffer: Buffer.from('abc'), error: new RangeError('mine') })
    expect(Buffer.isBuffer(buffer)).toBe(true)
    expect(error).toBeInstanceOf(RangeError)
    expect(types.isNativeError(error)).toBe(true)
    expect(error.message).toBe('mine')
  })

  test('keeps cycles and shared parts', () => {
    const shared = { n: 1 }
    const original: Record<string, unknown> = { a: shared, b: shared }
    original.self = original
    const copy = cloneValue(original)
    expect(copy.self).toBe(copy)
    expect(copy.a).toBe(copy.b)
    expect(copy.a).not.toBe(shared)
  })

  class MyMap extends Map {}
  let deep: unknown[] = []
  for (let i = 0; i < 1_000_000; i++) deep = [deep]

  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an instance of a class', new Point()],
    ['a subclass of Map', new MyMap()],
    ['a promise', Promise.resolve()],
    ['a weak map', new WeakMap()],
    ['a boxed symbol', Object(Symbol('s'))],
    ['a boxed number', Object(1)],
    ['an error of a class of its own', new (class Mine extends Error {})('mine')],
    ['an object with a symbol as a key', { a: 1, [Symbol('s')]: 2 }],
    ['a Date with a property', Object.assign(new Date(0), { zone: 'x' })],
    ['an array with a property', Object.assign([1], { total: 1 })],
    ['a million levels', deep],
  ])('refuses %s', (_, value) => {
    expect(() => cloneValue({ held: [value] })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VALUE' }))
  })

  test('copies every kind of data', () => {
    const data = fc.anything({
      withBigInt: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
    })
    fc.assert(
      fc.property(data, (original) => isDeepStrictEqual(cloneValue(original), original)),
      { numRuns: 500 },
    )
  })
})
