// Two queries share a key only if the database gives them the same result.
import { expect, test } from 'vitest'
import { parametersKey, queryKey } from '../../../src/sql/core/query-key.js'

test('values of different types and different lists have different keys', () => {
  const date = new Date('2024-02-29T12:00:00Z')
  const lists: unknown[][] = [
    ...[[], [1], ['1'], [1n], [true], ['true'], [null], [undefined], ['null'], [0], [-0], [Number.NaN], ['']],
    ...[
      [date],
      [date.getTime()],
      [date.toISOString()],
      [Buffer.from('1')],
      [new Uint8Array([49])],
      [new Float32Array(1)],
    ],
    ...[
      [[1]],
      [['1']],
      [[1, 2]],
      [[[1], 2]],
      [[]],
      [[null]],
      [{}],
      [{ a: 1 }],
      [{ a: '1' }],
      ['{"a":1}'],
      [1, 2],
      ['1', '2'],
      ['1,2'],
    ],
    ...[['a', 'b'], ['ab', ''], ['', 'ab'], [['a'], 'b'], [['a', 'b']], ['s1'], ['1:a']],
  ]
  const keys = lists.map((list) => queryKey('q', [parametersKey(list) as string]))
  expect(new Set(keys).size).toBe(lists.length)
})

test('equal lists have equal keys, and no parameter can be read from one', () => {
  const list = () => [1, 'secret', new Date(0), Buffer.from('x'), { a: [1] }, { toPostgres: () => 'y' }]
  const key = queryKey('q', ['select 1', parametersKey(list()) as string])
  expect(queryKey('q', ['select 1', parametersKey(list()) as string])).toBe(key)
  expect(key).toMatch(/^q:[\w-]{43}$/)
})

test('what has no text has no key', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  for (const value of [() => 1, Symbol('x'), cycle, new Map(), { big: 1n }])
    expect(parametersKey([value])).toBeUndefined()
})
