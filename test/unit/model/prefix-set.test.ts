import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PrefixSet } from '../../../src/model/prefix-set.js'

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\ud800', '\uffff'), maxLength: 6 })

test('covers texts that begin with one of its prefixes, and no others', () => {
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), letters, (prefixes, text) => {
      return new PrefixSet(prefixes).covers(text) === prefixes.some((prefix) => text.startsWith(prefix))
    }),
    { numRuns: 5_000 },
  )
})

test('checks a text quickly, however many prefixes there are', () => {
  const prefixes = new PrefixSet(Array.from({ length: 50_000 }, (_, i) => `${i}:`))
  let covered = 0
  for (let i = 0; i < 50_000; i++) if (prefixes.covers(`${i}:x`)) covered++
  expect(covered).toBe(50_000)
})
