// A lent client whose link is half-open: packets vanish, but new connections would work. The cache continues on a link of its own.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
let proxy: TcpProxy
let client: Redis
let cache: Cache
let told: string[]

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
})

afterEach(async () => {
  await cache.close()
  client.disconnect()
  await proxy.stop()
  await server.stop()
})

async function open(connect: (port: number) => Redis): Promise<void> {
  client = connect(proxy.port)
  client.on('error', () => undefined)
  cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(client), logger: false })
  told = []
  cache.on('notice', ({ code }) => void told.push(code))
  for (const event of ['degraded', 'recovered'] as const) cache.on(event, () => void told.push(event))
  await cache.ready({ timeout: '20s' })
}

describe.each([
  ['ioredis 6 with its defaults', (port: number) => new Redis(port)],
  ['ioredis 5 with its defaults', (port: number) => new Redis5(port) as unknown as Redis],
])('through %s', (_, connect) => {
  test('L2 is used again over a connection of its own, all changes are published, and the lent client is not touched', async () => {
    await open(connect)
    await cache.set('k', 'old')
    const options = JSON.stringify(client.options)
    const { stream } = client
    proxy.silence()
    proxy.passNew()
    expect(await cache.delete('k')).toBe('queued')
    await waitFor('the silence', () => told.includes('CLIENT_SILENT'))
    await waitFor('L2 in use', () => cache.stats().l2.available)
    await waitFor('the deletion', async () => (await server.command('EXISTS', 'shop:k')) === 0)
    await waitFor('nothing waiting', () => cache.stats().l2.waiting === 0)
    expect(await cache.set('k', 'new')).toBe('applied')
    expect(told).toContain('CLIENT_SILENT')
    expect(client.status).toBe('ready')
    expect(client.stream).toBe(stream)
    expect(JSON.stringify(client.options)).toBe(options)
  })

  test('the lent client is used again once it works, and the connection beside it is closed', async () => {
    await open(connect)
    proxy.silence()
    proxy.passNew()
    expect(await cache.set('a', 1)).toBe('queued')
    await waitFor('the silence', () => told.includes('CLIENT_SILENT'))
    await waitFor('L2 in use', () => cache.stats().l2.available)
    const connections = async () => Number((await server.info('clients')).connected_clients)
    const withOwn = await connections()
    proxy.cut() // The silent client notices the cut and connects again.
    await waitFor('the lent client', () => told.includes('CLIENT_USABLE'))
    await waitFor('L2 in use', () => cache.stats().l2.available)
    expect(await cache.set('b', 2)).toBe('applied')
    const names = String(await server.command('CLIENT', 'LIST'))
    expect(names.match(/name=tiercache /g)).toBeNull()
    expect(await connections()).toBeLessThanOrEqual(withOwn)
    expect(await client.get('shop:b')).not.toBeNull()
  })

  test('commands that the silent link delivers late undo nothing', async () => {
    await open(connect)
    await cache.setMany([
      ['changed', 'old'],
      ['deleted', 'old'],
    ])
    proxy.hold('requests')
    proxy.passNew()
    const late = [cache.set('changed', 'late'), cache.set('deleted', 'late')]
    expect(await Promise.all(late)).toEqual(['queued', 'queued'])
    await waitFor('the silence', () => told.includes('CLIENT_SILENT'))
    await waitFor('L2 in use', () => cache.stats().l2.available && cache.stats().l2.waiting === 0)
    expect(await cache.set('changed', 'new')).toBe('applied')
    expect(await cache.delete('deleted')).toBe('applied')
    await proxy.restore()
    await waitFor('the lent client', () => told.includes('CLIENT_USABLE'))
    const reader = createCache({ name: 'shop', l2: redisTier(server.url), logger: false })
    await reader.ready({ timeout: '20s' })
    const [changed, deleted] = await reader.getMany(['changed', 'deleted'])
    // A removal that arrives late causes a miss, but no older value comes back.
    expect(['new', undefined]).toContain(changed)
    expect(deleted).toBeUndefined()
    await reader.close()
  })
})

test('when the server itself hangs, the cache waits for it and does not open connections without end', async () => {
  await open((port) => new Redis(port))
  server.pause()
  expect(await cache.set('k', 1)).toBe('queued')
  await waitFor('the silence', () => told.includes('CLIENT_SILENT'))
  server.resume()
  await waitFor('L2 in use', () => cache.stats().l2.available && cache.stats().l2.waiting === 0)
  await waitFor('the lent client', () => told.includes('CLIENT_USABLE'))
})
