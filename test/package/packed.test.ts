// The published package as its users get it: installed from the tarball into an empty project.

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'

const PROGRAM = `
const cache = createCache()
let loads = 0
const load = async () => { loads++; return { id: 1 } }
const [first, second] = await Promise.all([cache.getOrSet('user:1', load), cache.getOrSet('user:1', load)])
const third = await cache.getOrSet('user:1', load)
let refused
try { createCache({ ttl: -1 }) } catch (error) { refused = error }
await cache.close()
console.log(JSON.stringify({ ids: [first.id, second.id, third.id], loads, code: refused.code, ours: refused instanceof CacheError }))
`
const EXPECTED = { ids: [1, 1, 1], loads: 1, code: 'INVALID_OPTION', ours: true }

const TYPED_CORE = `
import { CacheError, createCache } from 'tiercache'
const cache = createCache({ ttl: '5m' })
export const run = async (): Promise<number> => {
  const user = await cache.getOrSet('user:1', async () => ({ id: 1 }))
  const code: string = new CacheError('INVALID_OPTION', 'x').code
  // @ts-expect-error a duration is not a sentence
  createCache({ ttl: '5 minutes' })
  return user.id + code.length
}
`

const TYPED_REDIS = `
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
export const shared = createCache({ name: 'shop', l2: redisTier(new Redis({ lazyConnect: true })) })
export const own = createCache({ name: 'shop', l2: redisTier('redis://127.0.0.1:6379', { timeout: '100ms' }) })
`

const MODULE_SETTINGS = [
  {
    name: 'node16',
    files: ['program.mts', 'program.cts'],
    options: { module: 'node16', moduleResolution: 'node16' },
  },
  { name: 'bundler', files: ['program.ts'], options: { module: 'esnext', moduleResolution: 'bundler' } },
  { name: 'node10', files: ['program.ts'], options: { module: 'commonjs', moduleResolution: 'node10' } },
]

describe('without ioredis', () => {
  let consumer: Consumer

  beforeAll(async () => {
    consumer = await createConsumer([inject('tarball'), '@types/node@20'])
  })

  afterAll(() => consumer?.stop())

  test('the core runs in an ESM project', async () => {
    const program = `import { CacheError, createCache } from 'tiercache'\n${PROGRAM}`
    expect(JSON.parse(await consumer.runProgram('core.mjs', program))).toEqual(EXPECTED)
  })

  test('the core runs in a CommonJS project', async () => {
    const program = `const { CacheError, createCache } = require('tiercache')\n;(async () => {${PROGRAM}})()`
    expect(JSON.parse(await consumer.runProgram('core.cjs', program))).toEqual(EXPECTED)
  })

  test.each(MODULE_SETTINGS)('the core compiles with $name resolution', ({ files, options }) => {
    expect(consumer.compile(files, TYPED_CORE, options)).toBe('')
  })
})

describe.each(['ioredis@5', 'ioredis@6'])('with %s', (client) => {
  let consumer: Consumer

  beforeAll(async () => {
    consumer = await createConsumer([inject('tarball'), client, '@types/node@20'])
  })

  afterAll(() => consumer?.stop())

  test.each(MODULE_SETTINGS)('the Redis tier compiles with $name resolution', ({ files, options }) => {
    expect(consumer.compile(files, TYPED_REDIS, options)).toBe('')
  })

  const IDENTITY = `
    let thrown
    try { createCache({ l2: redisTier('redis://127.0.0.1:1', { timeout: -1 }) }) } catch (error) { thrown = error }
    console.log(thrown instanceof CacheError, thrown?.code)
  `

  test('an error thrown by one subpath is the CacheError of the other, in ESM', async () => {
    const program = `import { CacheError, createCache } from 'tiercache'; import { redisTier } from 'tiercache/redis'\n${IDENTITY}`
    expect(await consumer.runProgram('identity.mjs', program)).toBe('true INVALID_OPTION')
  })

  test('an error thrown by one subpath is the CacheError of the other, in CommonJS', async () => {
    const program = `const { CacheError, createCache } = require('tiercache'), { redisTier } = require('tiercache/redis')\n${IDENTITY}`
    expect(await consumer.runProgram('identity.cjs', program)).toBe('true INVALID_OPTION')
  })
})
