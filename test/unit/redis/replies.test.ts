import { describe, expect, test } from 'vitest'
import { isLaterId, toEntries, toReadEntries, toToken } from '../../../src/redis/server/replies.js'

const entry = (id: string, field: string, bytes: string) => [Buffer.from(id), [Buffer.from(field), Buffer.from(bytes)]]

describe('replies of streams', () => {
  const entries = [entry('1-0', 'p', ''), entry('1-1', 'm', 'hello')]
  const expected = [
    { id: '1-0', bytes: undefined },
    { id: '1-1', bytes: Buffer.from('hello') },
  ]
  const stream = Buffer.from('stream')

  test.each([
    ['RESP2: pairs', [[stream, entries]]],
    ['RESP3 flattened', [stream, entries]],
    ['RESP3 as an object', { stream: entries }],
    ['RESP3 as a map', new Map([[stream, entries]])],
  ])('of XREAD in the shape %s give the same entries', (_, reply) => {
    expect(toReadEntries(reply)).toEqual(expected)
  })

  test('of a wait in which nothing was announced have no entries', () => {
    expect(toReadEntries(null)).toEqual([])
    expect(toReadEntries([])).toEqual([])
    expect(toReadEntries({})).toEqual([])
  })

  test('have no bytes for an entry that was deleted meanwhile', () => {
    expect(toEntries([[Buffer.from('1-0'), null]])).toEqual([{ id: '1-0', bytes: undefined }])
  })

  test.each([
    ['2-0', '1-9', true],
    ['10-0', '9-0', true],
    ['9-0', '10-0', false],
    ['5-10', '5-9', true],
    ['5-9', '5-9', false],
    ['1795361717042-18446744073709551615', '1795361717042-18446744073709551614', true],
  ])('have ids in order: %s is later than %s: %s', (id, other, isLater) => {
    expect(isLaterId(id, other)).toBe(isLater)
  })
})

test('a text that is not 32 characters long is not a token', () => {
  expect(toToken(Buffer.from('a'.repeat(32)))).toBe('a'.repeat(32))
  expect(toToken(Buffer.from('a'.repeat(31)))).toBeUndefined()
  expect(toToken(null)).toBeUndefined()
})
