// The published package on Bun and Deno: in memory, with Redis, with invalidations between two caches, as ESM and as CommonJS.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { runtimes } from '../support/runtimes.js'

const MEMORY = `
const cache = createCache({ ttl: '5m' })
let loads = 0
const load = async () => { loads++; return { id: 1, at: new Date(0), tags: new Set(['a']) } }
const [first] = await Promise.all([cache.getOrSet('user:1', load), cache.getOrSet('user:1', load)])
await cache.getOrSet('user:1', load)
await cache.delete('user:1')
const gone = await cache.get('user:1')
await cache.close()
console.log(JSON.stringify({ loads, isDate: first.at instanceof Date, tags: [...first.tags], gone: gone === undefined }))
`

const SHARED = (url: string, name: string) => `
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
const lent = new Redis('${url}')
const one = createCache({ name: '${name}', l2: redisTier(lent), ttl: '5m' })
const two = createCache({ name: '${name}', l2: redisTier('${url}'), ttl: '5m' })
await Promise.all([one.ready(), two.ready()])
let loads = 0
const load = async () => ({ load: ++loads, bytes: new Uint8Array([0, 255, 7]), big: 5n })
const first = await one.getOrSet('user:1', load, { tags: ['org:1'] })
await one.drain()
const second = await two.getOrSet('user:1', load, { tags: ['org:1'] })
// L1 of the other cache follows an invalidation through the bus.
const heard = new Promise((resolve) => two.on('invalidated', ({ by }) => by === 'invalidateTags' && resolve()))
const applied = await one.invalidateTags(['org:1'])
await heard
const third = await two.getOrSet('user:1', load, { tags: ['org:1'] })
await Promise.all([one.close(), two.close()])
const isOpen = (await lent.ping()) === 'PONG'
lent.disconnect()
console.log(JSON.stringify({
  loads: [first.load, second.load, third.load], applied, isOpen,
  bytes: [...second.bytes], big: String(second.big),
}))
`

let server: RedisServer
let consumer: Consumer

beforeAll(async () => {
  const installed = createConsumer([inject('tarball'), 'ioredis@6'])
  ;[server, consumer] = await Promise.all([startRedis(), installed])
})

afterAll(async () => {
  await consumer?.stop()
  await server?.stop()
})

describe.each(runtimes)('on $name', (runtime) => {
  const runProgram = (name: string, source: string): Promise<string> => {
    consumer.write(name, source)
    return runtime.run(consumer.folder, name)
  }

  test('the core runs as ESM', async () => {
    const printed = await runProgram('memory.mjs', `import { createCache } from 'tiercache'\n${MEMORY}`)
    expect(JSON.parse(printed)).toEqual({ loads: 1, isDate: true, tags: ['a'], gone: true })
  })

  test('the core runs as CommonJS', async () => {
    const source = `const { createCache } = require('tiercache')\nasync function main() {\n${MEMORY}\n}\nmain()`
    expect(JSON.parse(await runProgram('memory.cjs', source))).toEqual({
      ...{ loads: 1, isDate: true, tags: ['a'], gone: true },
    })
  })

  test('two caches share Redis, and one follows the invalidations of the other', async () => {
    expect(JSON.parse(await runProgram('shared.mjs', SHARED(server.url, runtime.name)))).toEqual({
      ...{ loads: [1, 1, 2], applied: 'applied', isOpen: true, bytes: [0, 255, 7], big: '5' },
    })
  })
})
