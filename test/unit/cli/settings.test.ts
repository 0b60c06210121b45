import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { busKey, ownKey, ownPattern } from '../../../src/cli/connection/names.js'
import { type CommonValues, countOf, durationMs, settingsOf } from '../../../src/cli/connection/settings.js'
import { makeFolder, removeFolder } from '../../support/processes.js'

const folder = makeFolder('settings')
afterAll(() => removeFolder(folder))

const GIVEN: CommonValues = { url: ['redis://localhost'], name: 'shop' }
const wrong = (values: CommonValues, env = {}) => expect(() => settingsOf(values, env))

describe('the common options', () => {
  test('have defaults', () => {
    expect(settingsOf(GIVEN, {})).toMatchObject({
      isCluster: false,
      cache: { name: 'shop', version: undefined },
      namespaces: [],
      timeoutMs: 5_000,
      keyPrefix: '',
      encrypt: undefined,
    })
  })

  test('may be variables, which options override', () => {
    const env = { REDIS_URL: 'redis://env', TIERCACHE_NAME: 'other' }
    expect(settingsOf({}, env)).toMatchObject({ urls: ['redis://env'], cache: { name: 'other' } })
    expect(settingsOf(GIVEN, env)).toMatchObject({ urls: ['redis://localhost'], cache: { name: 'shop' } })
  })

  test('take names with their versions, as events and logs write them', () => {
    expect(settingsOf({ ...GIVEN, name: 'shop@2', namespace: 'catalog@3/items' }, {})).toMatchObject({
      cache: { name: 'shop', version: '2' },
      namespaces: [
        { name: 'catalog', version: '3' },
        { name: 'items', version: undefined },
      ],
    })
  })

  test('say what is missing or cannot be meant, and never show a URL', () => {
    wrong({ name: 'shop' }).toThrow(/No Redis is named.*--url/)
    wrong({ url: ['redis://a'] }).toThrow(/No cache is named.*--name/)
    wrong({ ...GIVEN, url: ['https://user:secret@host'] }).toThrow(
      expect.not.objectContaining({ message: expect.stringMatching(/secret/) }),
    )
    wrong({ ...GIVEN, url: ['redis://a', 'redis://b'] }).toThrow(/--cluster/)
    wrong({ ...GIVEN, timeout: 'soon' }).toThrow(/--timeout must be a duration above 0.*got soon/)
  })
})

describe('the file of encryption keys', () => {
  const file = (text: string): string => {
    const path = join(folder, 'keys.json')
    writeFileSync(path, text)
    return path
  }

  test('holds the option encrypt', () => {
    const encrypt = { active: 'a', keys: { a: 'x' } }
    expect(settingsOf({ ...GIVEN, 'encryption-key-file': file(JSON.stringify(encrypt)) }, {}).encrypt).toEqual(encrypt)
  })

  test.each(['{"keys": secret', '42'])('that holds something else is refused, and not shown', (text) => {
    wrong({ ...GIVEN, 'encryption-key-file': file(text) }).toThrow(/must contain \{ "active"/)
    wrong({ ...GIVEN, 'encryption-key-file': file(text) }).toThrow(
      expect.not.objectContaining({ message: expect.stringMatching(/secret/) }),
    )
  })

  test('that is not there is refused', () => {
    wrong({ ...GIVEN, 'encryption-key-file': join(folder, 'none') }).toThrow(/cannot be read/)
  })
})

test.each([
  ['250', 250],
  ['250ms', 250],
  ['1.5s', 1_500],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
])('the duration %s is %d ms', (text, ms) => {
  expect(durationMs(text, '--for')).toBe(ms)
})

test.each(['', '0', '-1s', '5 minutes', '1e3', 'Infinity'])('the duration %j is refused', (text) => {
  expect(() => durationMs(text, '--for')).toThrow(/--for must be/)
})

test.each(['0', '1.5', 'many', '-2'])('the count %j is refused', (text) => {
  expect(() => countOf(text, '--count')).toThrow(/--count must be a whole number/)
})

describe('the keys of a cache', () => {
  test.each([
    ['shop:user:1', { kind: 'entry', scope: 'shop' }],
    ['shop/catalog@3/items:a:b', { kind: 'entry', scope: 'shop/catalog@3/items' }],
    ['shop/@4:k', { kind: 'entry', scope: 'shop/@4' }],
    ['{shop}#t:org:7', { kind: 'tag token', scope: 'shop' }],
    ['{shop}#c:shop/catalog', { kind: 'scope token', scope: 'shop' }],
    ['{shop}#bus', { kind: 'bus', scope: 'shop' }],
    ['shop#c{shop:user:1}', { kind: 'change mark', scope: 'shop' }],
    ['shop#r:00ff', { kind: 'refresh lease', scope: 'shop' }],
  ])('%s is known', (key, own) => {
    expect(ownKey(key, 'shop')).toEqual(own)
  })

  test.each(['shop2:k', 'shop@2:k', 'shopping', 'shop', '{shop}', '{shop}#other', '{shop@2}#bus', 'other:shop:1'])(
    '%s belongs to another program or cache',
    (key) => {
      expect(ownKey(key, 'shop')).toBeUndefined()
    },
  )

  test('of a version belong to that version', () => {
    expect(ownKey('shop@2/users:1', 'shop@2')).toEqual({ kind: 'entry', scope: 'shop@2/users' })
    expect(busKey('shop@2')).toBe('{shop@2}#bus')
  })

  test('are looked for with a pattern in which the key prefix is literal', () => {
    expect(ownPattern('shop', 'a*b:')).toBe('a\\*b:*shop[}:/#]*')
  })
})
