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

describe('the sentinels', () => {
  const sentinels = (sentinel: readonly string[], master = 'mymaster') =>
    settingsOf({ name: 'shop', sentinel, master }, {}).sentinels

  test('are addresses between commas or repeated options, with the port of sentinels by default', () => {
    expect(sentinels(['a:1,b', ' c:3 '])).toMatchObject({
      addresses: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26379 },
        { host: 'c', port: 3 },
      ],
      master: 'mymaster',
      credentials: { username: undefined, password: undefined, usesTls: false },
    })
    expect(sentinels(['[::1]:5'])?.addresses).toEqual([{ host: '::1', port: 5 }])
  })

  test('may want a password and TLS', () => {
    expect(sentinels(['rediss://ann:p%40ss@a:1,b:2'])).toMatchObject({
      addresses: [{ host: 'a' }, { host: 'b' }],
      credentials: { username: 'ann', password: 'p@ss', usesTls: true },
    })
  })

  test('need no URL, which says how to log in at the master', () => {
    expect(settingsOf({ name: 'shop', sentinel: ['a:1'], master: 'm' }, {}).urls).toEqual([])
    const env = { REDIS_URL: 'redis://:pw@any/2' }
    expect(settingsOf({ name: 'shop', sentinel: ['a:1'], master: 'm' }, env).urls).toEqual(['redis://:pw@any/2'])
  })

  test('say what is missing or cannot be meant, and never show an address', () => {
    wrong({ ...GIVEN, sentinel: ['a:1'] }).toThrow(/No master is named.*--master/)
    wrong({ ...GIVEN, master: 'm' }).toThrow(/Add --sentinel/)
    wrong({ ...GIVEN, master: 'm', sentinel: [' , '] }).toThrow(/--sentinel must be host:port/)
    wrong({ ...GIVEN, master: 'm', sentinel: ['a:1'], cluster: true }).toThrow(/A cluster has no sentinels/)
    wrong({ ...GIVEN, master: 'm', sentinel: ['a:1'], url: ['/tmp/redis.sock'] }).toThrow(
      /With --sentinel a URL says user/,
    )
    for (const secret of ['redis://u:secret@a:port', 'https://u:secret@a:1']) {
      wrong({ ...GIVEN, master: 'm', sentinel: [secret] }).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching(/secret/) }),
      )
    }
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
