// A cache on a client of node-redis or GLIDE that the application lent: what belongs to whom, and what is said of a client that is not open.
import { GlideClient, Logger } from '@valkey/valkey-glide'
import { createClient } from 'redis'
import * as nodeRedis6 from 'redis6'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

Logger.setLoggerConfig('off')

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

const connectionsOfCaches = async (name: string): Promise<number> =>
  String(await server.command('CLIENT', 'LIST')).split(`name=tiercache:${name}:bus`).length - 1

const libraries = [
  [
    'node-redis 5',
    async () => {
      const client = createClient({ url: server.url })
      await client.connect()
      return { client, ping: () => client.ping(), close: () => client.destroy() }
    },
  ],
  [
    'node-redis 6 with RESP3 and a type mapping of its own',
    async () => {
      const client = nodeRedis6.createClient({
        url: server.url,
        RESP: 3,
        commandOptions: { typeMapping: { 36: String } },
      })
      await client.connect()
      return { client, ping: () => client.ping(), close: () => client.destroy() }
    },
  ],
  [
    'GLIDE',
    async () => {
      const addresses = [{ host: '127.0.0.1', port: server.port }]
      const client = await GlideClient.createClient({ addresses, requestTimeout: 5_000 })
      return { client, ping: () => client.ping(), close: () => client.close() }
    },
  ],
] as const

test.each(libraries)('a client of %s stays open when its cache closes, which closes only its own', async (_, open) => {
  const lent = await open()
  onTestFinished(() => lent.close())
  const name = `own-${libraries.findIndex(([, each]) => each === open)}`
  const [one, two] = [0, 1].map(() => createCache({ name, l2: redisTier(lent.client) })) as [Cache, Cache]
  await Promise.all([one.ready({ timeout: '10s' }), two.ready({ timeout: '10s' })])
  await waitFor('the buses', async () => (await connectionsOfCaches(name)) === 2)
  const bytes = new Uint8Array([0, 255, 13, 10])
  await one.set('k', { bytes, text: 'é', big: 5n })
  expect(await two.get('k')).toEqual({ bytes, text: 'é', big: 5n })
  expect(await one.delete('k')).toBe('applied')
  await waitFor('the other memory', () => two.peek('k') === undefined)
  await Promise.all([one.close(), two.close()])
  await waitFor('the end of the buses', async () => (await connectionsOfCaches(name)) === 0)
  expect(String(await lent.ping())).toBe('PONG')
})

test('a client of node-redis that nobody opened is said to be so, and is used once it is open', async () => {
  const client = createClient({ url: server.url })
  client.on('error', () => undefined)
  const cache = createCache({ name: 'late', l2: redisTier(client) })
  onTestFinished(() => cache.close())
  const degraded = await new Promise<{ error?: Error }>((resolve) => cache.on('degraded', resolve as never))
  expect(JSON.stringify(degraded) + String(degraded.error)).toContain('await client.connect()')
  await client.connect()
  onTestFinished(() => client.destroy())
  await cache.ready({ timeout: '10s' })
  expect(await cache.set('k', 1)).toBe('applied')
})

test('what a client cannot do is refused when the tier is made', () => {
  const refused = (message: RegExp) =>
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) })
  const client = createClient()
  expect(() => redisTier(client, { bus: 'tracking' })).toThrow(refused(/'tracking' needs a client of ioredis/))
  expect(() => redisTier(client.createPool() as never)).toThrow(
    refused(/a pool, a sentinel .* pass what createClient\(\)/),
  )
  expect(() => redisTier(nodeRedis6.createClient({ keyPrefix: 'app:' }))).toThrow(refused(/without keyPrefix/))
  expect(() => redisTier(client, { subscriber: client })).toThrow(refused(/subscriber must be a client of its own/))
})
