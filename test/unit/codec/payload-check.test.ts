// What reaches msgpackr: only what this codec writes, and nothing that would make it run code or an extension.
import assert from 'node:assert'
import { describe, expect, test, vi } from 'vitest'
import { DecodeBudget, OverBudget } from '../../../src/codec/payload/decode-budget.js'
import { createMsgpackCodec } from '../../../src/codec/payload/msgpack.js'
import { checkPayload } from '../../../src/codec/payload/payload-check.js'

const codec = createMsgpackCodec()

const HOSTILE_NAMES = [
  'a:process.exit(1),b',
  '"]:process.exit(1),["',
  "'+process.exit(1)+'",
  'constructor',
  'toString',
  'hasOwnProperty',
  '__keys__',
  '__defineGetter__',
  'then',
  '',
  '0',
]

describe('a record', () => {
  test('may have any names, and no code is made of them', () => {
    const compile = vi.spyOn(globalThis, 'Function')
    try {
      const row = Object.fromEntries(HOSTILE_NAMES.map((name) => [name, 1]))
      assert.deepStrictEqual(codec.decode(rowsNamed(HOSTILE_NAMES, 50)), new Array(50).fill(row))
      expect(compile).not.toHaveBeenCalled()
    } finally {
      compile.mockRestore()
    }
  })

  test('of no names is an empty object', () => {
    expect(codec.decode(rowsNamed([], 3))).toEqual([{}, {}, {}])
  })

  test.each([
    ['with the name __proto__', rowsNamed(['a', '__proto__'], 2), 'key'],
    ['with a name that is no text', Buffer.from([0xd4, 0x72, 0x40, 0x91, 0x01, 0x01]), 'key'],
    ['with a name that is a record', Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xd4, 0x72, 0x41, 0x90, 0x01]), 'key'],
    [
      'of more names than a record has',
      rowsNamed(
        Array.from({ length: 65 }, (_, i) => `n${i}`),
        1,
      ),
      'record',
    ],
    ['whose names are no array', Buffer.from([0xd4, 0x72, 0x40, 0xa2, 0xa1, 0x61, 0xa1, 0x62, 0x01, 0x01]), 'record'],
    ['whose names are counted in 32 bits', Buffer.from([0xd4, 0x72, 0x40, 0xdd, 0, 0, 0, 0]), 'record'],
    ['with a number outside of those of records', Buffer.from([0xd4, 0x72, 0x3f, 0x90]), 'record'],
    ['that was not defined', Buffer.from([0x92, 0x40, 0x41]), 'record'],
    ['that is used within its own names', Buffer.from([0xd4, 0x72, 0x40, 0x91, 0x40]), 'key'],
    ['with a number of two bytes', Buffer.from([0xd5, 0x72, 0x40, 0x00, 0x90]), 'token'],
  ])('%s is refused', (_, bytes, what) => {
    expect(() => codec.decode(bytes)).toThrow(`wrong ${what}`)
  })
})

describe('an extension of msgpackr is refused, in every form that msgpack has:', () => {
  // undefined, BigInt, error, object id, object reference, Set, typed array, RegExp, Date.
  const types = [0x00, 0x42, 0x65, 0x69, 0x70, 0x73, 0x74, 0x78, 0xff]

  test.each(types)('type %i', (type) => {
    const forms = [
      [0xd4, type, 0],
      [0xd5, type, 0, 0],
      [0xd6, type, 0, 0, 0, 0],
      [0xd7, type, ...new Array<number>(8).fill(0)],
      [0xd8, type, ...new Array<number>(16).fill(0)],
      [0xc7, 1, type, 0],
      [0xc8, 0, 1, type, 0],
      [0xc9, 0, 0, 0, 1, type, 0],
    ]
    for (const form of forms) {
      expect(() => codec.decode(Buffer.from(form))).toThrow(/wrong (token|extension)/)
      expect(() => codec.decode(Buffer.from([0xc1, 0x92, ...form, 0xc6, 0, 0, 0, 0]))).toThrow(
        /wrong (token|extension)/,
      )
    }
  })
})

describe('a bundle of texts', () => {
  /** { aaaa: 'bbbb', <key>: 1 } with its ASCII texts in a bundle. */
  const bundled = (key: string, changes: Readonly<Record<number, number>> = {}) => {
    const tree = [0x82, 0xd6, 0x62, 0, 0, 0, 11, 0xc1, 4, 0xc1, 4, 0xc1, key.length, 1]
    const bytes = Buffer.from([...tree, 0xa0, 0xd9, 8 + key.length, ...Buffer.from(`aaaabbbb${key}`)])
    for (const [at, byte] of Object.entries(changes)) bytes[Number(at)] = byte
    return bytes
  }

  test('is read', () => {
    expect(codec.decode(bundled('name'))).toEqual({ aaaa: 'bbbb', name: 1 })
  })

  test('is written of the texts of a value that is large', () => {
    const value = Array.from({ length: 100 }, (_, i) => ({ title: `title ${i}`, größe: `größe ${i}` }))
    const bytes = codec.encode(value) as Buffer
    expect(bytes.toString()).toContain('title 0title 1title 2')
    assert.deepStrictEqual(codec.decode(bytes), value)
  })

  test('is written of the texts of several bundles, in their order', () => {
    const value = Array.from({ length: 5_000 }, (_, i) => [`text ${i}`, `größe ${i}`, i])
    assert.deepStrictEqual(codec.decode(codec.encode(value)), value)
  })

  test.each([
    ['whose texts are within the value', { 6: 4 }, 'key'],
    ['whose texts are behind the end', { 6: 200 }, 'end'],
    ['whose first text is none', { 14: 0x01 }, 'key'],
    ['whose second text is longer than what there is', { 16: 200 }, 'end'],
    ['from which a length that is no number is cut', { 8: 0xc0 }, 'length'],
    ['from which a record is cut', { 8: 0x40 }, 'length'],
    ['whose text is no UTF-8', { 17: 0xff }, 'bundle'],
  ])('%s is refused', (_, changes, what) => {
    expect(() => codec.decode(bundled('name', changes))).toThrow(`wrong ${what}`)
  })

  test('that lies before the bundle that was open is refused', () => {
    const bytes = Buffer.from([
      0x92, 0xd6, 0x62, 0, 0, 0, 16, 0xc1, 1, 0xd6, 0x62, 0, 0, 0, 6, 0xc1, 1, 0xa0, 0xa0, 0xa0, 0xa1, 0x61,
    ])
    expect(() => codec.decode(bytes)).toThrow('wrong bundle')
  })

  test('whose text begins with a byte order mark, which msgpackr would drop, is refused', () => {
    const text = Buffer.from(`\ufeff${'x'.repeat(80)}`)
    const bytes = Buffer.from([0x81, 0xd6, 0x62, 0, 0, 0, 7, 0xc1, 4, 1, 0xa0, 0xd9, text.length, ...text])
    expect(() => codec.decode(bytes)).toThrow('wrong bundle')
  })

  test('is cut at the same places by the check and by msgpackr, whatever form a length has', () => {
    // The lengths of the names are numbers with a sign, of 8 and of 16 bits.
    const tree = [0x82, 0xd6, 0x62, 0, 0, 0, 13, 0xc1, 0xd0, 4, 1, 0xc1, 0xd1, 0, 4, 1]
    const bytes = Buffer.from([...tree, 0xa0, 0xa8, ...Buffer.from('name1000')])
    const budget = new DecodeBudget(1_000)
    const index = vi.spyOn(budget, 'index')
    budget.begin()
    checkPayload(bytes, 'plain', budget)
    expect(index.mock.calls.map(([name]) => name)).toEqual(['1000'])
    expect(codec.decode(bytes)).toEqual({ name: 1, 1000: 1 })
  })

  test('gives no key __proto__', () => {
    expect(() => codec.decode(bundled('__proto__'))).toThrow('wrong key')
  })

  test('gives no index for which the budget has no room', () => {
    const rows = Array.from({ length: 30_000 }, () => [0xd4, 0x72, 0x40, 0x91, 0xc1, 4, 0]).flat()
    const head = [0xdd, 0, 0, 0x75, 0x30, 0xd6, 0x62]
    const texts = Buffer.concat([Buffer.from([0xa0, 0xdb, 0, 1, 0xd4, 0xc0]), Buffer.alloc(120_000, '1000')])
    const at = Buffer.alloc(4)
    at.writeUInt32BE(4 + rows.length)
    expect(() => codec.decode(Buffer.concat([Buffer.from(head), at, Buffer.from(rows), texts]))).toThrow(OverBudget)
  })

  test('is refused in the rich form, where its token is a hole', () => {
    const plain = bundled('name')
    expect(() =>
      codec.decode(Buffer.concat([Buffer.from([0xc1, 0x92]), plain, Buffer.from([0xc6, 0, 0, 0, 0])])),
    ).toThrow('wrong')
  })
})

describe('numbers that this codec does not write are refused:', () => {
  test.each([
    ['floats of 32 bits', [0xca, 0, 0, 0, 0]],
    ['unsigned integers of 64 bits', [0xcf, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('%s', (_, bytes) => {
    expect(() => codec.decode(Buffer.from(bytes))).toThrow('wrong token')
  })
})

/** Plain msgpack: an array of `count` records of the same names, with the value 1 everywhere. */
function rowsNamed(names: readonly string[], count: number): Buffer {
  const texts = names.flatMap((name) => [0xd9, Buffer.byteLength(name), ...Buffer.from(name)])
  const values = names.map(() => 1)
  const rows = Array.from({ length: count - 1 }, () => [0x40, ...values]).flat()
  return Buffer.from([0xdc, 0, count, 0xd4, 0x72, 0x40, 0xdc, 0, names.length, ...texts, ...values, ...rows])
}
