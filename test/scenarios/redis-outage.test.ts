// A Redis server that is killed, restarted, hung or cut off: how the store replies, and that closing never hangs.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RedisTarget } from '../../src/redis/index.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'
import { openPeer, type RedisPeer, stamped, startPeer } from './redis-peer.js'

let server: RedisServer
let proxy: TcpProxy
const cleanups: (() => unknown)[] = []

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
})

afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
  await proxy.stop()
  server.resume()
  await server.stop()
})

const lease = stamped('lease', 'a')

/** Clients as in applications, with settings that treat commands in flight in different ways. */
const lentClients: [string, () => RedisTarget][] = [
  ['ioredis 6 with its defaults', () => new Redis(proxy.port)],
  ['ioredis 5 with its defaults', () => new Redis5(proxy.port) as unknown as RedisTarget],
  [
    'ioredis 6 that drops commands in flight',
    () => new Redis(proxy.port, { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: null }),
  ],
  ['ioredis 6 with automatic pipelining', () => new Redis(proxy.port, { enableAutoPipelining: true })],
  ['a connection that the SDK opened', () => proxy.url],
]

async function open(target: RedisTarget): Promise<RedisPeer> {
  if (typeof target !== 'string') {
    const client = target as Redis
    client.on('error', () => {})
    cleanups.push(() => client.disconnect())
  }
  const peer = await openPeer(target)
  cleanups.unshift(() => peer.close())
  return peer
}

describe.each(lentClients)('through %s', (_, makeTarget) => {
  test('when the link drops, commands in flight and later ones are rejected, and commands work again afterwards', async () => {
    const peer = await open(makeTarget())
    proxy.hold('replies')
    const underWay = Promise.allSettled([peer.store.read(['shop:a']), peer.store.claim('shop:k', lease, 60_000)])
    await sleep(50)
    await proxy.refuse()
    for (const { status, reason } of (await underWay) as PromiseRejectedResult[]) {
      expect([status, reason?.code]).toEqual(['rejected', 'L2_UNAVAILABLE'])
    }
    await expect(peer.store.read(['shop:a'])).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    expect(peer.store.isReady()).toBe(false)
    await proxy.restore()
    await waitFor('the store being ready', () => peer.store.isReady())
    // The claim was executed before the link dropped. The next claim finds the own lease, which is as good as planting it.
    expect((await peer.store.claim('shop:k', lease, 60_000)).subarray(0, 16)).toEqual(lease)
    expect(peer.said.filter((line) => !line.startsWith('notice'))).toEqual([
      'ready same',
      expect.stringMatching(/^unready/),
      'ready same',
    ])
  })

  test('a restarted server counts as another server', async () => {
    const peer = await open(makeTarget())
    await server.restart('kept')
    await waitFor('the store being ready', () => peer.said.at(-1) === 'ready other')
    expect(peer.said).toEqual(['ready same', expect.stringMatching(/^unready/), 'ready other'])
  })

  test('close() ends while the server hangs', async () => {
    const peer = await open(makeTarget())
    server.pause()
    const underWay = peer.store.read(['shop:a']).catch((error: unknown) => error)
    await peer.close()
    expect(await underWay).toMatchObject({ code: 'L2_UNAVAILABLE' })
  })

  test('close() ends while the server is down and can be repeated', async () => {
    const peer = await open(makeTarget())
    await server.kill()
    await waitFor('the store noticing', () => !peer.store.isReady())
    await peer.close()
    await peer.close()
    await expect(peer.store.read(['shop:a'])).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    await expect(peer.store.whenReady()).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    await server.start()
  })

  test('a server that is down at the start is used as soon as it is up', async () => {
    await proxy.refuse()
    const target = makeTarget()
    if (typeof target !== 'string') (target as Redis).on('error', () => {})
    const peer = startPeer(target)
    cleanups.push(
      () => peer.close(),
      () => typeof target !== 'string' && (target as Redis).disconnect(),
    )
    await waitFor('a reason', () => peer.said.some((line) => /^unready .*ECONNREFUSED/.test(line)))
    await expect(peer.store.read(['shop:a'])).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    await proxy.restore()
    await peer.store.whenReady(AbortSignal.timeout(20_000))
    expect(peer.said.at(-1)).toBe('ready same')
    expect(await peer.store.read(['shop:a'])).toEqual([undefined])
  })
})

describe('a lent client', () => {
  test('is left as it was: open, with its own options and without listeners of the cache', async () => {
    const client = new Redis(proxy.port)
    cleanups.push(() => client.disconnect())
    await client.ping()
    const optionsBefore = JSON.stringify(client.options)
    const listenersBefore = client.eventNames().map((name) => [name, client.listenerCount(name)])
    const peer = await openPeer(client)
    await peer.announce('x')
    await peer.close()
    expect(client.status).toBe('ready')
    expect(await client.ping()).toBe('PONG')
    expect(JSON.stringify(client.options)).toBe(optionsBefore)
    expect(client.eventNames().map((name) => [name, client.listenerCount(name)])).toEqual(listenersBefore)
    await waitFor('the bus connection being closed', async () => {
      return (await server.info('clients')).connected_clients === '2' // The lent client and the one that counts.
    })
  })

  test('with a key prefix keeps all keys under the prefix, those of the bus included', async () => {
    const client = new Redis(proxy.port, { keyPrefix: 'app:' })
    const peer = await open(client)
    await peer.store.apply(
      [
        { op: 'put', key: 'shop:a', bytes: stamped('live', 'b'), keepMs: 60_000 },
        { op: 'put', key: 'shop:b', bytes: stamped('live', 'b'), keepMs: 60_000 },
      ],
      Buffer.from('prefixed'),
    )
    await peer.store.ensureTokens(['t:x'], ['f'.repeat(32)], 60_000, undefined)
    await waitFor('the announcement', () => peer.messages.includes('prefixed'))
    const keys = (await server.command('KEYS', '*')) as string[]
    const marks = ['app:shop#c{app:shop:a}', 'app:shop#c{app:shop:b}']
    expect(keys.sort()).toEqual([...marks, 'app:shop:a', 'app:shop:b', 'app:{shop}#bus', 'app:{shop}#t:x'])
    expect(await peer.store.deleteByPrefix('shop:')).toBe(2)
  })
})

test.each([
  ['ioredis 6', Redis],
  ['ioredis 5', Redis5 as unknown as typeof Redis],
])(
  'a lent client of %s with a socketTimeout abandons links that fell silent, also while it connects',
  async (_, Lent) => {
    const client = new Lent(proxy.port, { socketTimeout: 500, keepAlive: 10_000, connectTimeout: 2_000 })
    const peer = await open(client)
    const before = client.stream
    proxy.silence()
    void peer.store.read(['shop:a']).catch(() => undefined)
    await waitFor('the next link, on which the server does not reply', () => {
      return client.status === 'connect' && client.stream !== before
    })
    proxy.passNew() // Only the third link works.
    await waitFor('the store being ready', () => peer.store.isReady())
    expect(await peer.store.read(['shop:a'])).toEqual([undefined])
  },
)

describe('a connection that the SDK opened', () => {
  test('is replaced when it falls silent', async () => {
    const peer = await open(proxy.url)
    proxy.silence()
    const read = peer.store.read(['shop:a']).catch((error: unknown) => error)
    await proxy.restore()
    expect(await read).toMatchObject({ code: 'L2_UNAVAILABLE' })
    await waitFor('the store being ready', () => peer.store.isReady())
    expect(await peer.store.read(['shop:a'])).toEqual([undefined])
  })

  test('leaves no socket and no timer behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length
    const peer = await openPeer({ host: '127.0.0.1', port: server.port })
    await peer.announce('x')
    await peer.close()
    await waitFor('sockets and timers being gone', () => {
      return process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length <= before
    })
  })
})
