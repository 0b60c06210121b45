import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { encodeArguments, encodeId } from '../../../src/model/keys/arguments.js'

describe('a list of arguments', () => {
  test.each<[string, unknown[]]>([
    ['', []],
    ['42', [42]],
    ['"42"', ['42']],
    ['abc', ['abc']],
    ['user:1/a@b.c+d_e-f', ['user:1/a@b.c+d_e-f']],
    ['550e8400-e29b-41d4-a716-446655440000', ['550e8400-e29b-41d4-a716-446655440000']],
    ['"two words"', ['two words']],
    ['""', ['']],
    ['a,1,true,null', ['a', 1, true, null]],
    ['-0', [-0]],
    [
      'NaN,Infinity,-Infinity,1e+21,1.5e-7',
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21, 1.5e-7],
    ],
    ['10n,-10n', [10n, -10n]],
    ['[1,[2]],[]', [[1, [2]], []]],
    ['(a=x,b=1)', [{ b: 1, a: 'x' }]],
    ['()', [{}]],
    ['(a=undefined)', [{ a: undefined }]],
    ['Date(1970-01-01T00:00:00.000Z)', [new Date(0)]],
    ['Date(NaN)', [new Date(Number.NaN)]],
    [
      'Map(a=2,b=1)',
      [
        new Map([
          ['b', 1],
          ['a', 2],
        ]),
      ],
    ],
    ['Set(1,2)', [new Set([2, 1])]],
    ['RegExp("a\\"b",gi,0)', [/a"b/gi]],
    ['URL("https://a.b/c?d")', [new URL('https://a.b/c?d')]],
    ['Uint8Array(AQID)', [new Uint8Array([1, 2, 3])]],
    ['Buffer(AQID)', [Buffer.from([1, 2, 3])]],
    ['ArrayBuffer(AQID)', [new Uint8Array([1, 2, 3]).buffer]],
  ])('can hold %s', (key, args) => {
    expect(encodeArguments(args)).toBe(key)
  })

  test('ends before trailing undefined, like the call', () => {
    expect(encodeArguments([1, undefined, undefined])).toBe(encodeArguments([1]))
    expect(encodeArguments([undefined])).toBe(encodeArguments([]))
    expect(encodeArguments([undefined, 1])).toBe('undefined,1')
  })

  test('has different keys for arguments that look the same', () => {
    // biome-ignore format: one list per line hides the pairs that look alike
    const lists: unknown[][] = [
      [], [''], ['undefined'], [undefined, 1], ['undefined', 1], [null], ['null'], [true], ['true'], [1], ['1'], [1n],
      ['1n'], [0], [-0], ['-0'], [Number.NaN], ['NaN'], ['Infinity'], [Number.POSITIVE_INFINITY], ['-Infinity'],
      ['1e5'], [1e5], ['-'], ['a', 'b'], ['a,b'], [['a', 'b']], ['[a,b]'], [[]], ['[]'], [[[]]], [{}], ['()'],
      [{ a: 1 }], ['(a=1)'], [{ a: '1' }], [{ a: undefined }], [{ a: 1, b: 2 }], [{ 'a=1,b': 2 }], [{ a: { b: 1 } }],
      [JSON.parse('{"__proto__":1}')], [{ '': 1 }], [new Date(0)], ['Date(1970-01-01T00:00:00.000Z)'],
      [new Date(0).toISOString()], [new Date(1)], [new Date(Number.NaN)], [new Map()], [new Set()],
      [new Map([[1, 2]])], [new Map([['1', 2]])], [new Set([1])], [new Set(['1'])], [new Set([[1, 2]])],
      [new Map([[1, [2]]])], [[[1, 2]]], [{ 1: 2 }], [/a/], ['/a/'], [/a/g], [/a,g,0/], [new Uint8Array(1)],
      [new Int8Array(1)], [Buffer.alloc(1)], [new Uint8Array(1).buffer], [new Float64Array([0])],
      [new Float64Array([-0])], [new DataView(new ArrayBuffer(1))], ['x\ud800'], ['x\ud801'], ['x\\ud800'], ['x\ufffd'], ['"'], ['\\"'], ['\n'], ['\\n'],
      [new Array(1)], [new Array(2)], [[undefined]], [['#1']], [Object.assign([], { 0: 1, 2: 2 })], [[1, undefined, 2]],
      [new Array(2 ** 32 - 1)], ['a', undefined, 'b'], ['a', 'undefined', 'b'],
    ]
    const keys = lists.map(encodeArguments)
    const twice = keys.filter((key, i) => keys.indexOf(key) !== i)
    expect(twice).toEqual([])
  })

  test('has the same key for equal values, whatever the order in which their parts were added', () => {
    expect(encodeArguments([{ a: 1, b: [{ c: 1, d: 2 }] }])).toBe(encodeArguments([{ b: [{ d: 2, c: 1 }], a: 1 }]))
    expect(encodeArguments([new Set(['b', 'a'])])).toBe(encodeArguments([new Set(['a', 'b'])]))
    expect(encodeArguments([Object.assign(Object.create(null), { a: 1 })])).toBe(encodeArguments([{ a: 1 }]))
  })

  test('accepts data of another realm', () => {
    expect(encodeArguments([runInNewContext('({ a: [new Date(0), new Map([[1, 2]])] })')])).toBe(
      encodeArguments([{ a: [new Date(0), new Map([[1, 2]])] }]),
    )
  })

  test('may hold the same object twice', () => {
    const shared = { a: 1 }
    expect(encodeArguments([shared, [shared, shared]])).toBe('(a=1),[(a=1),(a=1)]')
  })

  const cyclic: Record<string, unknown> = {}
  cyclic.self = [cyclic]
  let deep: unknown = 0
  for (let i = 0; i < 100_000; i++) deep = [deep]
  class Point {
    x = 1
  }
  class Bare extends (null as unknown as ObjectConstructor) {}
  class MyMap extends Map {}

  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a class', Point],
    ['a symbol', Symbol('s')],
    ['an instance of a class', new Point()],
    ['an instance of a class without base', Object.create(Bare.prototype)],
    ['a subclass of Map', new MyMap()],
    ['an object that inherits from another', Object.create({ a: 1 })],
    ['an AbortSignal', AbortSignal.abort()],
    ['an Error', new Error('x')],
    ['a promise', Promise.resolve()],
    ['a WeakMap', new WeakMap()],
    ['a boxed number', Object(1)],
    ['a namespace', Math],
    ['an object with a symbol as property', { [Symbol('s')]: 1 }],
    ['an array with a name', Object.assign([1], { name: 1 })],
    ['a date with a name', Object.assign(new Date(0), { name: 1 })],
    ['a cycle', cyclic],
    ['100,000 levels', deep],
  ])('refuses %s, and the message says what to do', (_, value) => {
    for (const args of [[value], [{ held: [value] }]]) {
      expect(() => encodeArguments(args)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
      expect(() => encodeArguments(args)).toThrow(/Pass the option `key`/)
    }
  })

  test('names the class that it refuses', () => {
    expect(() => encodeArguments([new Point()])).toThrow(/got an instance of Point/)
  })
})

describe('an id', () => {
  test('is encoded as the only argument would be', () => {
    for (const id of [1, '1', 'a', -0, Number.NaN, { a: 1 }, [1, 2], null, 7n, new Date(0)]) {
      expect(encodeId(id)).toBe(encodeArguments([id]))
    }
  })

  test('that is undefined is encoded as a word', () => {
    expect(encodeId(undefined)).toBe('undefined')
    expect(encodeId('undefined')).toBe('"undefined"')
  })
})
