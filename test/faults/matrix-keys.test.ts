// Keys, tags and values chosen by an attacker, on a real Redis: they affect only their own entry.
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

const HOSTILE = [
  '',
  ' ',
  '\0',
  '\r\nFLUSHALL\r\n',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  '"; FLUSHALL; "',
  "'] redis.call('FLUSHALL') --[['",
  '{shop}#bus',
  '{shop}#c:shop',
  '#bus',
  '}{',
  '{other}',
  '%7B',
  '%#',
  '*',
  '?[a-z]',
  '../other:k',
  'other:k',
  '/other:k',
  '@2:k',
  ':k',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'x\ud800',
  'x\ud801',
  'ключ 🔑',
  'k'.repeat(1_000_000),
]

test('no key and no tag affects another entry, another namespace, the metadata or the server', async () => {
  const shop = createCache({ name: 'shop', ttl: '1h', l1: false, l2: redisTier(server.url, PATIENT) })
  const other = createCache({ name: 'other', ttl: '1h', l1: false, l2: redisTier(server.url, PATIENT) })
  const inner = shop.namespace('other')
  await server.command('SET', 'k', 'not ours')
  await other.set('k', 'of another cache')
  await inner.set('k', 'of a namespace')
  // A tag has at most 1,024 characters.
  const tagOf = (key: string) => key.slice(0, 1_024)
  for (const [i, key] of HOSTILE.entries()) await shop.set(key, i, { tags: key === '' ? [] : [tagOf(key)] })

  expect(await shop.getMany(HOSTILE)).toEqual(HOSTILE.map((_, i) => i))
  for (const [i, key] of HOSTILE.entries()) expect(await shop.get(key)).toBe(i)
  const names = (await server.command('KEYS', '*')) as string[]
  const strangers = names.filter(
    (name) => !/^(shop:|shop\/other:|\{shop\}#|\{other\}#|(shop|other)#c\{|other:k$|k$)/.test(name),
  )
  expect(strangers).toEqual([])
  // Each is a separate entry and nothing else.
  expect(names.filter((name) => name.startsWith('shop:'))).toHaveLength(HOSTILE.length)
  expect(await server.command('TYPE', '{shop}#bus')).toBe('stream')

  for (const key of HOSTILE) {
    await shop.expire(key)
    await shop.delete(key)
    if (key !== '') await shop.invalidateTags(tagOf(key))
  }
  expect(await shop.getMany(HOSTILE)).toEqual(HOSTILE.map(() => undefined))
  expect(await other.get('k')).toBe('of another cache')
  expect(await inner.get('k')).toBe('of a namespace')
  expect(await server.command('GET', 'k')).toBe('not ours')
  expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  await Promise.all([shop.close(), other.close()])
})

test('no value changes a prototype on its way through Redis', async () => {
  const cache = createCache({ name: 'values', ttl: '1h', l1: false, l2: redisTier(server.url, PATIENT) })
  const hostile = JSON.parse(
    '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
  ) as object
  await cache.set('k', hostile)
  const back = (await cache.get<object>('k')) as object
  expect(back).toEqual(hostile)
  expect(Object.keys(back)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  await cache.close()
})
