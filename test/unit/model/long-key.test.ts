import { describe, expect, test } from 'vitest'
import { childSpace, fullKeyOf, localKey, rootSpace, storeKeyOf, userKeyOf } from '../../../src/model/keys/key.js'
import { isShortened, LONGEST_WHOLE, shortened } from '../../../src/model/keys/long-key.js'

const shop = rootSpace('shop')
const catalog = childSpace(shop, 'catalog', 3)
const long = (text: string) => 'x'.repeat(LONGEST_WHOLE) + text

describe('a long key', () => {
  test('has up to 1,048,576 characters', () => {
    expect(localKey(shop, 'k'.repeat(1024 * 1024)).length).toBeLessThan(1_100)
    expect(() => localKey(shop, 'k'.repeat(1024 * 1024 + 1))).toThrow(
      expect.objectContaining({
        code: 'INVALID_KEY',
        message: expect.stringMatching(/at most 1048576 characters; got 1048577/),
      }),
    )
  })

  test('is represented in memory by its beginning and a hash', () => {
    const key = localKey(shop, long('1'))
    expect(key.length).toBeLessThan(1_100)
    expect(key.startsWith('x'.repeat(900))).toBe(true)
    expect(isShortened(key)).toBe(true)
  })

  test('is never taken for another long key, wherever they differ', () => {
    const keys = [long('1'), long('2'), `y${long('1').slice(1)}`, long(''), long('11'), long('\ud800'), long('\ud801')]
    for (const space of [shop, catalog]) {
      expect(new Set(keys.map((key) => localKey(space, key))).size).toBe(keys.length)
      expect(new Set(keys.map((key) => storeKeyOf(localKey(space, key), 'shop'))).size).toBe(keys.length)
      expect(new Set(keys.map((key) => fullKeyOf(localKey(space, key), 'shop'))).size).toBe(keys.length)
    }
  })

  test('is never taken for the representation of another key', () => {
    for (const key of [long('1'), `\0${long('1')}`]) {
      const impostor = shortened(key)
      for (const space of [shop, catalog]) {
        expect(localKey(space, impostor)).not.toBe(localKey(space, key))
        expect(storeKeyOf(localKey(space, impostor), 'shop')).not.toBe(storeKeyOf(localKey(space, key), 'shop'))
      }
    }
  })

  test('with exactly the limit stays whole', () => {
    expect(userKeyOf(localKey(shop, long('')))).toBe(long(''))
    expect(userKeyOf(localKey(catalog, `\0${long('').slice(1)}`))).toBe(`\0${long('').slice(1)}`)
  })
})
