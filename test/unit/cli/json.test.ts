import { describe, expect, test } from 'vitest'
import { jsonText } from '../../../src/cli/output/json.js'

const json = (value: unknown): unknown => JSON.parse(jsonText(value))

describe('a value as JSON', () => {
  test('is itself where JSON can say it', () => {
    const value = { text: 'a', number: 1.5, list: [true, null, { deep: [] }] }
    expect(json(value)).toEqual(value)
  })

  test.each<[string, unknown, unknown]>([
    ['undefined', undefined, { $undefined: true }],
    ['NaN', Number.NaN, { $number: 'NaN' }],
    ['-0', -0, { $number: '-0' }],
    ['Infinity', Number.POSITIVE_INFINITY, { $number: 'Infinity' }],
    ['a BigInt', 12n, { $bigint: '12' }],
    ['a Date', new Date(0), { $date: '1970-01-01T00:00:00.000Z' }],
    ['an invalid Date', new Date(Number.NaN), { $date: 'invalid' }],
    ['a RegExp', /a+/gi, { $regexp: '/a+/gi' }],
    ['a URL', new URL('http://localhost/a'), { $url: 'http://localhost/a' }],
    ['a Map', new Map<unknown, unknown>([['k', 1n]]), { $map: [['k', { $bigint: '1' }]] }],
    ['a Set', new Set([1, 2]), { $set: [1, 2] }],
    ['bytes', Buffer.from('abc'), { $bytes: 'YWJj', type: 'Buffer' }],
    ['a typed array', new Uint16Array([1]), { $bytes: 'AQA=', type: 'Uint16Array' }],
    [
      'an error',
      Object.assign(new TypeError('no'), { code: 7 }),
      { $error: { name: 'TypeError', message: 'no', code: 7 } },
    ],
    // biome-ignore lint/suspicious/noSparseArray: it is the case
    ['a hole', [1, , 3], [1, { $hole: true }, 3]],
    [
      'an object with a key that begins with $',
      { $date: 'x', a: 1 },
      {
        $object: [
          ['$date', 'x'],
          ['a', 1],
        ],
      },
    ],
  ])('%s has a form of its own', (_, value, expected) => {
    expect(json(value)).toEqual(expected)
  })

  test('names the place of an object that contains itself', () => {
    const loop: Record<string, unknown> = { 'a/b': { list: [] } }
    const inner = loop['a/b'] as { list: unknown[] }
    inner.list.push(inner, loop)
    expect(json(loop)).toEqual({ 'a/b': { list: [{ $ref: '/a~1b' }, { $ref: '' }] } })
  })

  test('writes an object twice that stands in two places', () => {
    const shared = { a: 1 }
    expect(json([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  })

  test('keeps __proto__ as a key', () => {
    expect(jsonText(JSON.parse('{"__proto__":{"x":1}}'))).toBe('{"__proto__":{"x":1}}')
  })
})
