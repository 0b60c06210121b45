// Values of every kind that the default codec keeps, and of every kind that it refuses. Shared by the tests of src/codec.
import vm from 'node:vm'

const cyclicObject = () => {
  const value: Record<string, unknown> = { name: 'a', list: [1] }
  value.self = value
  ;(value.list as unknown[]).push(value.list, value)
  return value
}

const cyclicMap = () => {
  const map = new Map<unknown, unknown>()
  map.set(map, new Set([map]))
  map.set({ key: 1 }, [map])
  return map
}

const cyclicError = () => {
  const error = new TypeError('outer', { cause: new RangeError('inner') })
  return Object.assign(error, { code: 'E_OUTER', self: error })
}

const deepList = () => {
  let list: unknown = 'end'
  for (let i = 0; i < 500; i++) list = i % 2 === 0 ? { next: list } : [list]
  return list
}

const bare = (entries: Record<string, unknown>) => Object.assign(Object.create(null), entries)

const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, i]))

const rows = (count: number) =>
  Array.from({ length: count }, (_, id) => ({ id, name: `name ${id}`, at: new Date(id), tags: ['x'], none: undefined }))

/** More shapes than there are record ids. */
const manyShapes = () => {
  const once = Array.from({ length: 100 }, (_, i) => ({ id: i, [`only-${i}`]: true, nested: { [`deep-${i}`]: null } }))
  return [...once, ...once.map((row) => ({ ...row }))]
}

export const KEPT: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  booleans: () => [true, false],
  'special numbers': () => [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE],
  'integers at every boundary': () =>
    [
      0,
      31,
      32,
      63,
      64,
      127,
      128,
      255,
      256,
      65_535,
      65_536,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 53,
    ].flatMap((n) => [n, -n - 1, n + 0.5]),
  'big integers': () =>
    [0n, 1n, -1n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n, 7n ** 2000n].flatMap((n) => [
      n,
      -n,
    ]),
  'an empty string': () => '',
  'strings of every length class': () =>
    [1, 15, 31, 32, 47, 48, 100, 255, 256, 65_535, 65_536].map((n) => 'x'.repeat(n)),
  'non-ASCII strings of every length class': () =>
    [1, 10, 11, 31, 47, 48, 85, 86, 21_845, 21_846, 65_535].flatMap((n) => [
      'é'.repeat(n),
      '日'.repeat(n),
      '😀'.repeat(n),
    ]),
  'ill-formed strings': () => [
    '\ud800',
    '\udc00',
    'a\ud800b',
    '\udfff'.repeat(100),
    '\udc00\ud800',
    `${'é'.repeat(60)}\ud800`,
  ],
  'strings that begin with a byte order mark': () => ['\ufeff', '\ufeffa', `\ufeff${'x'.repeat(100)}`, 'a\ufeff'],
  'an ill-formed string alone': () => 'x\ud801',
  'an empty object and array': () => [{}, [], [[]], { a: {} }],
  'undefined in objects and arrays': () => ({ a: undefined, b: [undefined, 1, undefined], c: { d: undefined } }),
  'integer-like keys': () => ({ 2: 'b', 1: 'a', '-1': 'c', '01': 'd', '4294967295': 'e' }),
  'awkward but harmless keys': () => ({
    '': 0,
    constructor: 1,
    hasOwnProperty: 2,
    toJSON: 3,
    __keys__: 4,
    valueOf: 5,
    length: 6,
  }),
  'keys that msgpackr uses itself': () => [
    { __keys__: 1 },
    {},
    ...rows(10).map((row) => ({ ...row, hasOwnProperty: null })),
    ...rows(10).map((row) => ({ ...row, __keys__: ['id'] })),
  ],
  'keys that begin with a byte order mark': () => ({ '\ufeff': 1, [`\ufeff${'k'.repeat(100)}`]: 2 }),
  'keys of every length class': () =>
    Object.fromEntries([1, 24, 25, 31, 32, 300, 70_000].map((n) => ['k'.repeat(n), n])),
  'non-ASCII keys': () => [
    { é: 1, 日本: 2 },
    { é: 3, 日本: 4 },
    { é: 5, 日本: 6 },
  ],
  'ill-formed keys': () => ({ '\ud800': 1, '\ud801': new Date(5), nested: { '\udc00': null } }),
  'an own __proto__ key': () => JSON.parse('{"__proto__":{"admin":true},"list":[{"__proto__":1}]}'),
  'a __proto__ key in a dictionary': () => ({
    before: wide(70),
    here: Object.assign(JSON.parse('{"__proto__":2}'), wide(70)),
  }),
  'objects without prototype': () => ({
    a: bare({ x: 1, when: new Date(7) }),
    b: bare({}),
    c: bare({ self: bare({}) }),
  }),
  dates: () => [new Date(0), new Date(-1), new Date(1_700_000_000_123), new Date(8.64e15), new Date(-8.64e15)],
  'a map': () =>
    new Map<unknown, unknown>([
      ['a', 1],
      [{ k: 1 }, new Date(1)],
      [[1], new Map([[1, 2]])],
      [undefined, null],
    ]),
  'a set': () => new Set<unknown>([1, 'a', { b: 1 }, [2], new Set([3]), undefined]),
  'a map with array keys': () => new Map([[[['a']], [['b']]]]),
  'regular expressions': () => [/a\/b/gi, /[\u{1f600}]/u, /x/y, /\ud800/, /(?:)/],
  'a used regular expression': () => {
    const regexp = /a/g
    regexp.lastIndex = 3
    return regexp
  },
  'a URL': () => new URL('https://user@example.com:8080/päth?q=1#x'),
  bytes: () => [Buffer.from('buffer'), new Uint8Array([1, 2, 255]), Buffer.alloc(0), Buffer.alloc(70_000, 7)],
  'a slice of a buffer': () => Buffer.from('0123456789').subarray(3, 5),
  'typed arrays': () => [
    new Int8Array([-1]),
    new Uint8ClampedArray([300]),
    new Int16Array([-2, 2]),
    new Uint16Array([65_535]),
    new Int32Array([-3]),
    new Uint32Array([4_294_967_295]),
    new Float32Array([0.5, Number.NaN, -0]),
    new Float64Array([0.1, Number.NEGATIVE_INFINITY]),
    new BigInt64Array([-5n]),
    new BigUint64Array([2n ** 64n - 1n]),
  ],
  'raw memory': () => [
    new Uint8Array([1, 2, 3]).buffer,
    new DataView(new Uint8Array([4, 5, 6, 7]).buffer, 1, 2),
    new ArrayBuffer(0),
  ],
  errors: () => [
    new Error('e'),
    new TypeError('t'),
    new AggregateError([new RangeError('r')], 'all'),
    new SyntaxError(),
  ],
  'an error with cause and properties': () =>
    Object.assign(new Error('x', { cause: { status: 404 } }), { code: 'E', at: new Date(3) }),
  'an error with a name of its own': () => Object.assign(new Error('x'), { name: 'NotFound' }),
  'sparse arrays': () => {
    const sparse: unknown[] = []
    sparse[3] = new Date(1)
    sparse.length = 1000
    return [sparse, new Array(5), Object.assign([], { 2: 'x' })]
  },
  'a sparse array of a million': () => new Array(1_000_000),
  'a cyclic object': cyclicObject,
  'a cyclic array': () => {
    const list: unknown[] = []
    list.push(list, [list])
    return list
  },
  'a cyclic map': cyclicMap,
  'a cyclic set': () => {
    const set = new Set<unknown>()
    return set.add(set).add({ set })
  },
  'a cyclic error': cyclicError,
  'a cycle through an awkward object': () => {
    const value = JSON.parse('{"__proto__":1}')
    return Object.assign(value, { self: value, list: [value] })
  },
  'a cycle through a sparse array': () => {
    const sparse: unknown[] = []
    sparse[5] = { sparse }
    return sparse
  },
  'a cycle beside a million holes': () => {
    const value: Record<string, unknown> = { holes: Object.assign(new Array(1_000_000), { 7: 'x' }) }
    value.self = value
    return value
  },
  'shared objects': () => {
    const shared = { z: 1 }
    return [shared, { a: shared, b: new Map([[shared, shared]]) }]
  },
  'a deep list': deepList,
  'rows of one shape': () => rows(50),
  'rows of other types': () => [1, 'a', null, { a: 1 }, { a: 1 }, { a: 1, b: 2 }, [1], undefined],
  'more shapes than records': manyShapes,
  'a dictionary of 70,000 keys': () => wide(70_000),
  'a long array': () => Array.from({ length: 70_000 }, (_, i) => i),
  'an object of another realm': () => vm.runInNewContext('({ list: [1, { two: 2 }] })'),
  'a Date deep in a row': () => ({ page: { rows: [{ a: { b: [new Date(5)] } }] } }),
}

class Point {
  x = 1
}

// There is no literal for it.
const UNICODE_SETS = 'v'

/** Data that is too much for L2, and the path that the message names. */
export const TOO_MUCH: Readonly<Record<string, readonly [make: () => unknown, path: string]>> = {
  'holes without end': [() => ({ a: new Array(2 ** 32 - 1) }), 'value.a'],
  'holes in many arrays': [() => Array.from({ length: 11 }, () => new Array(100_000)), 'value[10]'],
  'a BigInt of a million bits': [() => ({ n: 1n << 1_000_000n }), 'value.n'],
  'a negative BigInt of a million bits': [() => [-(1n << 1_000_000n)], 'value[0]'],
  'a RegExp of 40,000 characters': [() => ({ r: new RegExp('a'.repeat(40_000)) }), 'value.r'],
  'many RegExps': [() => Array.from({ length: 200 }, () => new RegExp('a'.repeat(200))), 'value[163]'],
  'a RegExp of many properties': [() => ({ r: new RegExp('\\p{L}'.repeat(101), 'u') }), 'value.r'],
  'RegExps of properties of strings': [
    () => Array.from({ length: 5 }, () => new RegExp('\\p{L}', UNICODE_SETS)),
    'value[4]',
  ],
  'an error with ten thousand properties': [() => ({ e: Object.assign(new Error('x'), wide(10_000)) }), 'value.e'],
}

/** What is refused, and the path that the message names. */
export const REFUSED: Readonly<Record<string, readonly [make: () => unknown, path: string]>> = {
  'a function': [() => () => 1, 'value'],
  'a function in an object': [() => ({ user: { onClick() {} } }), 'value.user.onClick'],
  'a function in an array': [() => ({ list: [1, [() => 1]] }), 'value.list[1][0]'],
  'a function under an odd key': [() => ({ 'a b': () => 1 }), 'value["a b"]'],
  'a function in a map': [() => new Map([['k', { f: () => 1 }]]), 'value.get("k").f'],
  'a function as a map key': [() => new Map([[() => 1, 1]]), 'value.keys('],
  'a function in a set': [() => new Set([() => 1]), 'value.has('],
  'a function on an error': [() => Object.assign(new Error('x'), { retry: () => 1 }), 'value.retry'],
  'a function in a cause': [() => new Error('x', { cause: { f: () => 1 } }), 'value.cause.f'],
  'a function without prototype around': [() => ({ a: bare({ f: () => 1 }) }), 'value.a.f'],
  'a function in a cycle': [() => Object.assign(cyclicObject(), { f: () => 1 }), 'value.f'],
  'a function in a sparse array': [() => Object.assign(new Array(9), { 4: () => 1 }), 'value[4]'],
  'a function in a dictionary': [() => Object.assign(wide(70), { f: () => 1 }), 'value.f'],
  'a class': [() => ({ Point }), 'value.Point'],
  'a symbol': [() => ({ s: Symbol('x') }), 'value.s'],
  'a symbol key': [() => ({ a: { [Symbol('x')]: 1 } }), 'value.a'],
  'a symbol key without prototype': [() => bare({ [Symbol('x')]: 1 }), 'value'],
  'a symbol key on an array': [() => ({ a: Object.assign([1], { [Symbol('x')]: 1 }) }), 'value.a'],
  'a symbol key on an error': [() => Object.assign(new Error('x'), { [Symbol('x')]: 1 }), 'value'],
  'a class instance': [() => ({ at: { point: new Point() } }), 'value.at.point'],
  'an instance of a subclass of Map': [() => ({ m: new (class extends Map {})() }), 'value.m'],
  'an instance of a subclass of Array': [() => ({ m: new (class extends Array {})() }), 'value.m'],
  'an instance of a subclass of Error': [() => ({ e: new (class NotFound extends Error {})('x') }), 'value.e'],
  'an instance of a subclass of Uint8Array': [() => ({ e: new (class extends Uint8Array {})(2) }), 'value.e'],
  'an object that inherits from an object': [() => ({ o: Object.create({ inherited: 1 }) }), 'value.o'],
  'a pretended Date': [() => ({ d: Object.create(Date.prototype) }), 'value.d'],
  'a pretended URL': [() => ({ d: Object.create(URL.prototype) }), 'value.d'],
  'a pretended Error': [() => ({ d: Object.create(Error.prototype) }), 'value.d'],
  'a promise': [() => ({ p: Promise.resolve(1) }), 'value.p'],
  'a weak map': [() => ({ w: new WeakMap() }), 'value.w'],
  'a weak reference': [() => ({ w: new WeakRef({}) }), 'value.w'],
  'a generator': [() => ({ g: (function* () {})() }), 'value.g'],
  'shared memory': [() => ({ m: new SharedArrayBuffer(2) }), 'value.m'],
  'a boxed number': [() => ({ n: Object(5) }), 'value.n'],
  'a Date with a property': [() => ({ d: Object.assign(new Date(), { zone: 'x' }) }), 'value.d'],
  'a Map with a property': [() => ({ d: Object.assign(new Map(), { x: 1 }) }), 'value.d'],
  'an array with a property': [() => ({ a: Object.assign([1, 2], { total: 2 }) }), 'value.a'],
  'a sparse array with a property': [() => ({ a: Object.assign(new Array(3), { total: 2 }) }), 'value.a'],
  arguments: [() => ({ a: Function('return arguments')() }), 'value.a'],
  'a revoked proxy': [
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return { p: proxy }
    },
    'value.p',
  ],
  'a proxy that throws': [
    () => ({
      p: new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no keys for you')
          },
        },
      ),
    }),
    'value.p',
  ],
  'a getter that throws': [
    () => ({
      o: {
        get a() {
          throw new Error('boom')
        },
      },
    }),
    'value.o',
  ],
  'a class of Node': [() => ({ u: new URLSearchParams('a=1') }), 'value.u'],
  'a namespace object': [() => ({ m: Math }), 'value.m'],
}
