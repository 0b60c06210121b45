// G8: two different (scope, key) pairs never share a local key, a store key or a logical key, whatever the strings.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  childSpace,
  decodeStoreKey,
  fullKeyOf,
  isHashedStoreKey,
  localKey,
  rootSpace,
  type Space,
  storeKeyOf,
  userKeyOf,
  versionedSpace,
} from '../../src/model/keys/key.js'
import { shortened } from '../../src/model/keys/long-key.js'

const segment = fc.stringMatching(/^[A-Za-z0-9_.-]{1,6}$/)
const version = fc.option(fc.oneof(fc.integer({ min: 0, max: 3 }), segment), { nil: undefined })

/** Any scope of the cache `shop`: namespaces of namespaces, with and without versions, and versions of calls. */
const space: fc.Arbitrary<Space> = fc
  .tuple(fc.array(fc.tuple(fc.oneof(fc.constantFrom('a', 'b', 'shop'), segment), version), { maxLength: 3 }), version)
  .map(([path, callVersion]) => {
    const inner = path.reduce((parent, [name, own]) => childSpace(parent, name, own), rootSpace('shop'))
    return callVersion === undefined ? inner : versionedSpace(inner, callVersion)
  })

const NASTY = [
  '',
  '__proto__',
  'constructor',
  '{}',
  '%7B',
  '{',
  '%257B',
  '%',
  '%#',
  '\n',
  '\0',
  '\0\0',
  '\0shop/a:x',
  '\0\0shop/a:x',
  'shop:x',
  '/a:x',
  '@2:x',
  'x\ud800',
  'x\ud801',
  '\udc00',
  '\ufffd',
  '🙂',
  'x'.repeat(512),
  'x'.repeat(513),
  'x'.repeat(1_000_000),
  `${'x'.repeat(1_000_000)}y`,
]

const key = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 6 }),
  // Single UTF-16 units, so that there are lone surrogates.
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
  fc.stringMatching(/^[{}%#:/@0-9A-F\0]{0,8}$/),
)

test('two different pairs of scope and key have no name in common', () => {
  fc.assert(
    fc.property(space, key, space, key, (spaceA, keyA, spaceB, keyB) => {
      const same = spaceA.scope === spaceB.scope && keyA === keyB
      const localA = localKey(spaceA, keyA)
      const localB = localKey(spaceB, keyB)
      expect(localA === localB).toBe(same)
      expect(storeKeyOf(localA, 'shop') === storeKeyOf(localB, 'shop')).toBe(same)
      expect(fullKeyOf(localA, 'shop') === fullKeyOf(localB, 'shop')).toBe(same)
    }),
    { numRuns: 3_000 },
  )
})

test('any two of the most difficult keys have different names, in every kind of scope', () => {
  const shop = rootSpace('shop')
  const spaces = [
    shop,
    childSpace(shop, 'a'),
    childSpace(shop, 'a', 2),
    versionedSpace(shop, 2),
    childSpace(shop, 'shop'),
  ]
  const locals = spaces.flatMap((each) => NASTY.map((nasty) => localKey(each, nasty)))
  expect(new Set(locals).size).toBe(locals.length)
  expect(new Set(locals.map((local) => storeKeyOf(local, 'shop'))).size).toBe(locals.length)
})

test('a key can be read back from its names, a long key as its beginning and a hash', () => {
  fc.assert(
    fc.property(space, key, (where, text) => {
      const local = localKey(where, text)
      const stored = storeKeyOf(local, 'shop')
      expect(userKeyOf(local)).toBe(shortened(text))
      expect(decodeStoreKey(stored, 'shop')).toBe(isHashedStoreKey(stored) ? undefined : local)
    }),
    { numRuns: 2_000 },
  )
})

test('a store key has no braces and is unchanged by UTF-8', () => {
  fc.assert(
    fc.property(space, key, (where, text) => {
      const stored = storeKeyOf(localKey(where, text), 'shop')
      expect(stored).not.toMatch(/[{}]/)
      expect(Buffer.from(stored).toString()).toBe(stored)
      expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(where.scope.length + 1 + 512)
    }),
    { numRuns: 2_000 },
  )
})
