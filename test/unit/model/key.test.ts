import { describe, expect, test } from 'vitest'
import {
  busKeyOf,
  checkName,
  childSpace,
  decodeStoreKey,
  fullKeyOf,
  isHashedStoreKey,
  leaseKeyOf,
  localKey,
  rootSpace,
  type Space,
  scopeOf,
  storeKeyOf,
  tokenKeyOf,
  userKeyOf,
  type Version,
  versionedSpace,
} from '../../../src/model/keys/key.js'
import { scopeLabel, tagLabel } from '../../../src/model/labels.js'

const shop = rootSpace('shop')
const catalog = childSpace(shop, 'catalog', 3)
const storeKey = (space: Space, key: string) => storeKeyOf(localKey(space, key), space.rootName)

describe('a name', () => {
  test.each(['shop', 'a', 'A-b_c.d', '0', '__proto__', '..'])('may be %s', (name) => {
    expect(checkName(name, 'name')).toBe(name)
  })

  test.each([[''], ['a:b'], ['a/b'], ['a@b'], ['a b'], ['{a}'], ['a#'], ['a%'], ['é'], ['a\n'], [undefined], [7]])(
    'may not be %j',
    (name) => {
      expect(() => checkName(name, 'name')).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
    },
  )
})

describe('a scope of keys', () => {
  test('of a cache has its own label only, with or without a version', () => {
    expect(shop).toEqual({ scope: 'shop', rootName: 'shop', localPrefix: '', scopeLabels: ['c:shop'] })
    expect(rootSpace('shop', 2)).toEqual({
      scope: 'shop@2',
      rootName: 'shop@2',
      localPrefix: '',
      scopeLabels: ['c:shop@2'],
    })
  })

  test('of a namespace carries the labels of all above it, so that their clear() reaches it', () => {
    const deep = childSpace(catalog, 'b')
    expect(deep.scope).toBe('shop/catalog@3/b')
    expect(deep.rootName).toBe('shop')
    expect(deep.scopeLabels).toEqual(['c:shop', 'c:shop/catalog@3', 'c:shop/catalog@3/b'])
  })

  test('of one version does not carry the label of another, so that clear() of one leaves the other', () => {
    const other = childSpace(shop, 'catalog', 4)
    const unversioned = childSpace(shop, 'catalog')
    expect(other.scopeLabels).not.toContain(scopeLabel(catalog.scope))
    expect(other.scopeLabels).not.toContain(scopeLabel(unversioned.scope))
  })

  test('of calls with a version is below that of the cache, so that clear() of the cache reaches it', () => {
    expect(versionedSpace(shop, 2)).toEqual({
      scope: 'shop/@2',
      rootName: 'shop',
      localPrefix: '\0shop/@2:',
      scopeLabels: ['c:shop', 'c:shop/@2'],
    })
    expect(versionedSpace(catalog, 'v1').scopeLabels).toEqual(['c:shop', 'c:shop/catalog@3', 'c:shop/catalog@3/@v1'])
  })

  test('with a version of calls gets a new one in its place', () => {
    expect(versionedSpace(versionedSpace(catalog, 1), 2)).toEqual(versionedSpace(catalog, 2))
  })

  test('takes 3 and "3" as the same version', () => {
    expect(childSpace(shop, 'catalog', '3')).toEqual(catalog)
  })

  test.each([[''], ['a b'], ['1/2'], [Number.NaN], [Number.POSITIVE_INFINITY], [null], [{}]])(
    'has no version %j',
    (version) => {
      const wrong = version as Version
      for (const make of [
        () => rootSpace('shop', wrong),
        () => childSpace(shop, 'a', wrong),
        () => versionedSpace(shop, wrong),
      ]) {
        expect(make).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
      }
    },
  )
})

describe('a local key', () => {
  test('in the cache itself is the user’s own string', () => {
    for (const key of ['', 'user:1', '__proto__', '{}', 'a\0b']) expect(localKey(shop, key)).toBe(key)
  })

  test('in the cache itself is marked if the user’s key begins with NUL', () => {
    expect(localKey(shop, '\0shop/catalog@3:x')).toBe('\0\0\0shop/catalog@3:x')
    expect(localKey(shop, '\0')).not.toBe(localKey(shop, '\0\0\0'))
  })

  test('elsewhere begins with its scope', () => {
    expect(localKey(catalog, 'x:y')).toBe('\0shop/catalog@3:x:y')
  })

  test.each([[1], [undefined], [null], [{}], [Symbol('s')], [['a']]])('is refused for the key %s', (key) => {
    expect(() => localKey(shop, key as string)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
    expect(() => localKey(catalog, key as string)).toThrow(/a key must be a string; got/)
  })

  test('gives back the user’s key and the scope', () => {
    for (const space of [shop, catalog, versionedSpace(shop, 1), rootSpace('shop', 9)]) {
      for (const key of ['', 'x', ':', 'a:b', '\0', '\0\0', '\0shop:a', '@', '/']) {
        const local = localKey(space, key)
        expect(userKeyOf(local)).toBe(key)
        expect(scopeOf(local, space.rootName)).toBe(space.scope)
        expect(fullKeyOf(local, space.rootName)).toBe(`${space.scope}:${key}`)
      }
    }
  })
})

describe('a store key', () => {
  test('is readable', () => {
    expect(storeKey(shop, 'user:42')).toBe('shop:user:42')
    expect(storeKey(catalog, 'größe 5 € 🙂')).toBe('shop/catalog@3:größe 5 € 🙂')
    expect(storeKey(rootSpace('shop', 2), 'k')).toBe('shop@2:k')
  })

  test('cannot choose a cluster slot and cannot be forged', () => {
    expect(storeKey(shop, '{a}%7B')).toBe('shop:%7Ba%7D%257B')
    expect(storeKey(shop, '%#abc')).toBe('shop:%25#abc')
  })

  test('of up to 512 bytes is readable, and a longer one is hashed', () => {
    expect(storeKey(shop, 'x'.repeat(512))).toBe(`shop:${'x'.repeat(512)}`)
    expect(storeKey(shop, 'x'.repeat(513))).toMatch(/^shop:%#[0-9a-f]{64}$/)
    expect(storeKey(shop, 'é'.repeat(256))).toBe(`shop:${'é'.repeat(256)}`)
    expect(storeKey(shop, 'é'.repeat(257))).toMatch(/^shop:%#/)
    expect(storeKey(shop, '{'.repeat(171))).toMatch(/^shop:%#/)
    expect(storeKey(shop, '{'.repeat(170))).toBe(`shop:${'%7B'.repeat(170)}`)
  })

  test('of ill-formed UTF-16 is hashed, and differs for different lone surrogates', () => {
    const keys = ['x\ud800', 'x\ud801', 'x\udc00', 'x\ufffd', '\ud800x', 'x\ud800\ud800'].map((key) =>
      storeKey(shop, key),
    )
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.filter(isHashedStoreKey)).toHaveLength(5)
    expect(isHashedStoreKey(storeKey(shop, 'x\u{1f642}'))).toBe(false)
  })

  test('of a key of 1 MB is short', () => {
    expect(storeKey(shop, 'x'.repeat(2 ** 20)).length).toBeLessThan(100)
  })

  test('differs from those of tokens, leases, the bus and other programs', () => {
    expect(tokenKeyOf(tagLabel('org:7'), 'shop')).toBe('{shop}#t:org:7')
    expect(tokenKeyOf(tagLabel('{}%'), 'shop')).toBe('{shop}#t:%7B%7D%25')
    expect(tokenKeyOf(scopeLabel('shop/a@3'), 'shop')).toBe('{shop}#c:shop/a@3')
    expect(busKeyOf('shop')).toBe('{shop}#bus')
    expect(leaseKeyOf('shop', '00ff')).toBe('shop#r:00ff')
  })
})

describe('decoding a store key', () => {
  test('gives the local key', () => {
    for (const space of [shop, catalog, versionedSpace(shop, 1)]) {
      for (const key of ['', 'user:1', '{a}%7B', '%#', '\0', '\0\0x', '🙂', 'a:b/c@d#e']) {
        expect(decodeStoreKey(storeKey(space, key), 'shop')).toBe(localKey(space, key))
      }
    }
  })

  test('gives the label of a token', () => {
    for (const label of [tagLabel('org:7'), tagLabel(''), tagLabel('{%}'), scopeLabel('shop/a@3')]) {
      expect(decodeStoreKey(tokenKeyOf(label, 'shop'), 'shop')).toEqual({ label })
    }
  })

  test('gives nothing for other keys of the cache and for keys of other programs', () => {
    const others = [
      'shop',
      'other:x',
      'shopping:x',
      'shop@2:x',
      '{shop}#bus',
      '{shop}#x:y',
      '{other}#t:a',
      'shop#r:00',
      '',
      ':',
    ]
    for (const key of others) expect(decodeStoreKey(key, 'shop')).toBeUndefined()
    for (const key of ['shop:%', 'shop:%41', 'shop:%7b', 'shop:a%7'])
      expect(decodeStoreKey(key, 'shop')).toBeUndefined()
  })

  test('gives nothing for a hashed key, and reports that it is one', () => {
    const hashed = [storeKey(shop, 'x'.repeat(600)), tokenKeyOf(tagLabel('y'.repeat(600)), 'shop')]
    for (const key of hashed) {
      expect(decodeStoreKey(key, 'shop')).toBeUndefined()
      expect(isHashedStoreKey(key)).toBe(true)
    }
    for (const key of ['shop:%25#', 'shop:a%#', 'shop', '{shop}#bus']) expect(isHashedStoreKey(key)).toBe(false)
  })
})
