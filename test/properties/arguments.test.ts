// Two lists of arguments have the same key exactly when they are deeply equal.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeArguments, encodeId } from '../../src/model/keys/arguments.js'

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      false,
      0,
      -0,
      1,
      Number.NaN,
      1n,
      '',
      '1',
      '0',
      '-0',
      '1n',
      'a',
      'NaN',
      '()',
      '[]',
    ),
    fc.oneof(
      fc.double(),
      fc.bigInt(),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.stringMatching(/^[[\](),="0-9an#.-]{0,6}$/),
      // The invalid Date is left out, since Node considers it equal to nothing.
      fc.date({ noInvalidDate: true }),
      fc.uint8Array({ maxLength: 4 }),
      fc.float64Array({ maxLength: 2 }),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.sparseArray(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom('a', 'b', '__proto__', '', '1', 'a=1'), fc.string({ maxLength: 2 })),
      tie('value'),
      {
        maxKeys: 3,
        noNullPrototype: true,
      },
    ),
    fc
      .array(fc.tuple(fc.constantFrom<unknown>('a', 'b', 1, '1', null), tie('value')), { maxLength: 3 })
      .map((pairs) => new Map(pairs)),
    fc.array(fc.constantFrom<unknown>('a', 'b', 1, '1', null, 1n), { maxLength: 3 }).map((members) => new Set(members)),
  ),
}))

test('different values have different keys, and equal values have the same key', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(encodeId(a) === encodeId(b)).toBe(isDeepStrictEqual(a, b))
    }),
    { numRuns: 5_000 },
  )
})

test('a copy has the same key as its original', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 3 }), (args) => {
      expect(encodeArguments(structuredClone(args))).toBe(encodeArguments(args))
    }),
    { numRuns: 1_000 },
  )
})

test('different lists have different keys, except for trailing undefined', () => {
  const trimmed = (args: readonly unknown[]) => args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1)
  const args = fc.array(fc.oneof(fc.constantFrom<unknown>(undefined, 'a', 'a,a', '', 1, '1'), value), { maxLength: 3 })
  fc.assert(
    fc.property(args, args, (a, b) => {
      expect(encodeArguments(a) === encodeArguments(b)).toBe(isDeepStrictEqual(trimmed(a), trimmed(b)))
    }),
    { numRuns: 3_000 },
  )
})

test('a key is well-formed text without control characters', () => {
  fc.assert(
    fc.property(value, (a) => {
      const key = encodeId(a)
      expect(Buffer.from(key).toString()).toBe(key)
      expect(key).not.toMatch(/\p{Cc}/u)
    }),
    // Controls that JSON does not escape.
    { numRuns: 1_000, examples: [[{ a: '\u007f' }], ['\u0085'], [/\u009f/], ['\ud800']] },
  )
})
