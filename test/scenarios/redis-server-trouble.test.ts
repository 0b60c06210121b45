// One Redis server that is out of memory, forgets scripts, has other types, becomes a replica, or refuses the client.
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newToken } from '../../src/model/labels.js'
import { monitor } from '../support/monitor.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'
import { openPeer, type RedisPeer, stamped, startPeer } from './redis-peer.js'

let server: RedisServer
let client: Redis
let peer: RedisPeer

beforeEach(async () => {
  server = await startRedis()
  client = new Redis(server.port)
  client.on('error', () => {})
  peer = await openPeer(client)
})

afterEach(async () => {
  await peer.close()
  client.disconnect()
  await server.stop()
})

const lease = stamped('lease', 'a')
const old = stamped('live', 'b', 'old')
const fresh = stamped('live', 'c', 'fresh')

describe('the operations of one tick are few commands', () => {
  test('reads of many keys are one MGET, and tokens of many labels are another', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `shop:${i}`)
    const counts = await server.countCommands(async () => {
      await peer.store.read(keys)
      await peer.store.readTokens(keys.map((key) => `t:${key}`))
    })
    expect(counts).toMatchObject({ mget: 2 })
    expect(counts).not.toHaveProperty('get')
  })

  test('announced deletions of any number of keys are one script with one XADD', async () => {
    await peer.bus.close() // Its own reads would be counted.
    const changes = Array.from({ length: 50 }, (_, i) => ({ op: 'delete', key: `shop:${i}` }) as const)
    const counts = await server.countCommands(() => peer.store.apply(changes, Buffer.from('50 keys')))
    expect(counts).toEqual({ evalsha: 1, time: 1, getrange: 50, unlink: 50, set: 50, xadd: 1 })
  })

  test('an announced invalidation of many labels is one script with one UNLINK and one XADD', async () => {
    await peer.bus.close()
    const changes = Array.from({ length: 500 }, (_, i) => ({ op: 'invalidateLabel', label: `t:${i}` }) as const)
    const counts = await server.countCommands(() => peer.store.apply(changes, Buffer.from('500 labels')))
    expect(counts).toEqual({ evalsha: 1, time: 1, pttl: 1, unlink: 1, xadd: 1 })
  })

  test('a claim, a swap, an extension and the tokens of all labels are one script each', async () => {
    await peer.bus.close()
    const labels = Array.from({ length: 20 }, (_, i) => `t:${i}`)
    const counts = await server.countCommands(async () => {
      const planted = await peer.store.claim('shop:k', lease, 1_000)
      await peer.store.extend('shop:k', planted, 1_000)
      await peer.store.swap('shop:k', planted, fresh, 1_000)
      await peer.store.ensureTokens(labels, labels.map(newToken), 1_000, undefined)
    })
    expect(counts.evalsha).toBe(4)
    // One for the claim, one for the swap, and one per token.
    expect(counts.set).toBe(2 + labels.length)
  })

  test('the life of a token is renewed only when less than half of it is left', async () => {
    await peer.store.ensureTokens(['t:x'], [newToken()], 10_000, undefined)
    const counts = await server.countCommands(() => peer.store.ensureTokens(['t:x'], [newToken()], 10_000, undefined))
    expect(counts).not.toHaveProperty('pexpire')
    await peer.store.ensureTokens(['t:x'], [newToken()], 60_000, undefined)
    expect(Number(await server.command('PTTL', '{shop}#t:x'))).toBeGreaterThan(60_000)
  })

  test('all commands of one tick leave in one write to the socket', async () => {
    const writes: number[] = []
    const { stream } = client
    const raw = stream._writev?.bind(stream)
    stream._writev = (chunks, done) => {
      writes.push(chunks.length)
      raw?.(chunks, done)
    }
    const single = stream._write.bind(stream)
    stream._write = (chunk, encoding, done) => {
      writes.push(1)
      single(chunk, encoding, done)
    }
    await Promise.all([
      // Renewals and claims are one script each, sent at the end of the tick.
      ...Array.from({ length: 40 }, (_, i) => peer.store.extend(`shop:${i}`, lease, 1_000)),
      ...Array.from({ length: 40 }, (_, i) => peer.store.claim(`shop:${i}`, lease, 1_000)),
      peer.store.read(['shop:1']),
      Promise.resolve().then(() => peer.store.read(['shop:2'])),
    ])
    expect(writes).toEqual([4])
  })
})

describe('a server that forgot the scripts', () => {
  test('gets them again, and no command of the batch is lost', async () => {
    const planted = await peer.store.claim('shop:k', lease, 10_000)
    await peer.store.ensureTokens(['t:x'], [newToken()], 10_000, undefined)
    await server.command('SCRIPT', 'FLUSH')
    expect(await peer.store.swap('shop:k', planted, old, 10_000)).toBeUndefined()
    await server.command('SCRIPT', 'FLUSH')
    const results = await peer.store.apply(
      [
        { op: 'expire', key: 'shop:k', stamp: stamped('softlyExpired', 'd') },
        { op: 'invalidateLabel', label: 't:x' },
      ],
      Buffer.from('both'),
    )
    expect(results).toEqual([undefined, undefined])
    expect(
      Buffer.from((await peer.store.read(['shop:k']))[0] ?? [])
        .subarray(16)
        .toString(),
    ).toBe('old')
    expect(await peer.store.readTokens(['t:x'])).toEqual([undefined])
    await waitFor('the announcement', () => peer.messages.includes('both'))
    expect(peer.said).toContain('notice SCRIPT_MISSING')
  })
})

describe('a server that is out of memory', () => {
  const full = () => server.command('CONFIG', 'SET', 'maxmemory', '1')

  test('still deletes, invalidates and announces', async () => {
    const before = await peer.store.ensureTokens(['t:x', 't:y'], [newToken(), newToken()], 60_000, undefined)
    const changes = [
      { op: 'put', key: 'shop:a', bytes: old, keepMs: 60_000 },
      { op: 'put', key: 'shop:b', bytes: old, keepMs: 60_000 },
      { op: 'put', key: 'shop:c', bytes: old, keepMs: 60_000 },
    ] as const
    await peer.store.apply(changes, undefined)
    await full()
    const results = await peer.store.apply(
      [
        { op: 'put', key: 'shop:a', bytes: fresh, keepMs: 60_000 },
        { op: 'delete', key: 'shop:b' },
        { op: 'expire', key: 'shop:c', stamp: stamped('softlyExpired', 'd') },
        { op: 'invalidateLabel', label: 't:x' },
        { op: 'expireLabel', label: 't:y', soft: 'f'.repeat(16) },
      ],
      Buffer.from('under pressure'),
    )
    expect(results.map((result) => result?.message)).toEqual(Array(5).fill(undefined))
    const [a, b, c] = await peer.store.read(['shop:a', 'shop:b', 'shop:c'])
    expect([a, b]).toEqual([undefined, undefined])
    expect(c).toEqual(Buffer.concat([stamped('softlyExpired', 'd'), Buffer.from('old')]))
    const [x, y] = await peer.store.readTokens(['t:x', 't:y'])
    expect(x).toBeUndefined()
    expect(y).toMatch(/^[0-9a-f]{32}$/)
    expect(y).not.toBe(before.tokens[1])
    await waitFor('the announcement', () => peer.messages.includes('under pressure'))
    await peer.announce('alone')
    await waitFor('the announcement', () => peer.messages.includes('alone'))
    expect(peer.losses).toEqual(['listening begins'])
  })

  test('a put that is refused for lack of memory removes the old value before it is announced', async () => {
    await peer.store.apply([{ op: 'put', key: 'shop:a', bytes: old, keepMs: 60_000 }], undefined)
    await full()
    const order: string[] = []
    const stop = await monitor(server.port, ([command, key]) => order.push(`${command} ${key}`.toLowerCase()))
    // A script invalidates labels at once; the removal follows after the refused put.
    const changes = [
      { op: 'put', key: 'shop:a', bytes: fresh, keepMs: 60_000 },
      { op: 'invalidateLabel', label: 't:x' },
    ] as const
    await peer.store.apply(changes, Buffer.from('gone'))
    await waitFor('the announcement after the removal', () => {
      const removedAt = order.indexOf('unlink shop:a')
      return removedAt >= 0 && order.slice(removedAt).some((line) => line.startsWith('xadd'))
    })
    expect(order.findIndex((line) => line.startsWith('xadd'))).toBeLessThan(order.indexOf('unlink shop:a'))
    stop()
  })

  test('still plants leases, so that one load runs; its value is not stored', async () => {
    await full()
    const planted = await peer.store.claim('shop:k', lease, 10_000)
    expect(planted.subarray(0, 16)).toEqual(lease)
    expect(await peer.store.claim('shop:k', stamped('lease', 'z'), 10_000)).toEqual(planted)
    expect(await peer.store.extend('shop:k', planted, 10_000)).toBeUndefined()
    expect(await peer.store.swap('shop:k', planted, fresh, 10_000)).toBeUndefined()
    expect(await peer.store.read(['shop:k'])).toEqual([undefined])
    expect(await peer.store.swap('shop:k', planted, fresh, 10_000)).toBe('refused')
    expect(peer.said).toContain('notice OUT_OF_MEMORY')
  })

  test('returns tokens that it has, and made-up ones, which no other process knows, for the rest', async () => {
    const before = await peer.store.ensureTokens(['t:there'], [newToken()], 60_000, undefined)
    await full()
    const candidates = [newToken(), newToken()]
    const { tokens, log } = await peer.store.ensureTokens(['t:there', 't:new'], candidates, 60_000, peer.bus.position())
    expect(tokens).toEqual([before.tokens[0], expect.stringMatching(/^[0-9a-f]{32}$/)])
    expect(log).toEqual([])
    expect(await peer.store.readTokens(['t:there', 't:new'])).toEqual([before.tokens[0], undefined])
  })
})

describe('keys of another type', () => {
  test('are replaced by the lease of a claim', async () => {
    await server.command('LPUSH', 'shop:k', 'x')
    const planted = await peer.store.claim('shop:k', lease, 10_000)
    expect(planted.subarray(0, 16)).toEqual(lease)
    expect(await peer.store.read(['shop:k'])).toEqual([planted])
    expect(peer.said).toContain('notice WRONG_TYPE')
  })

  test('under the name of a change mark are replaced by the mark of a put', async () => {
    const mark = 'shop#c{shop:k}'
    await peer.store.apply([{ op: 'put', key: 'shop:k', bytes: old, keepMs: 10_000 }], undefined)
    const before = (await server.command('GET', mark)) as string
    expect(before).toMatch(/^\d{16}$/)
    await server.command('DEL', mark)
    await server.command('LPUSH', mark, 'x')
    await peer.store.apply([{ op: 'put', key: 'shop:k', bytes: fresh, keepMs: 10_000 }], undefined)
    expect(await peer.store.read(['shop:k'])).toEqual([fresh])
    expect(((await server.command('GET', mark)) as string) > before).toBe(true)
  })

  test('under the name of a token count as no token, and can be replaced and removed', async () => {
    await server.command('LPUSH', '{shop}#t:x', 'x')
    await server.command('SET', '{shop}#t:y', 'too short')
    expect(await peer.store.readTokens(['t:x', 't:y'])).toEqual([undefined, undefined])
    const candidates = [newToken(), newToken()]
    const { tokens } = await peer.store.ensureTokens(['t:x', 't:y'], candidates, 10_000, undefined)
    expect(await peer.store.readTokens(['t:x', 't:y'])).toEqual(tokens)
    await server.command('DEL', '{shop}#t:x')
    await server.command('LPUSH', '{shop}#t:x', 'x')
    await peer.store.apply([{ op: 'expireLabel', label: 't:x', soft: 'f'.repeat(16) }], undefined)
    expect(await server.command('EXISTS', '{shop}#t:x')).toBe(0)
  })

  test('under the name of the stream are replaced, and the bus reports a possible loss', async () => {
    await server.command('DEL', '{shop}#bus')
    await server.command('SET', '{shop}#bus', 'not a stream')
    await peer.announce('first')
    await waitFor('the loss', () => peer.losses.length > 1)
    await peer.caughtUp()
    await peer.announce('second')
    await waitFor('the announcement', () => peer.messages.includes('second'))
  })
})

describe('a master that becomes a replica', () => {
  test('is not used while it is a replica, and counts as another server afterwards', async () => {
    const master = await startRedis()
    await server.command('REPLICAOF', master.host, String(master.port))
    await expect(peer.store.claim('shop:k', lease, 1_000)).rejects.toMatchObject({
      code: 'L2_REPLICA',
      message: expect.stringContaining('READONLY'),
    })
    await waitFor('the store noticing', () => !peer.store.isReady())
    expect(peer.said.at(-1)).toMatch(/^unready .*replica/)
    await server.command('REPLICAOF', 'NO', 'ONE')
    await waitFor('the store being ready', () => peer.store.isReady())
    expect(peer.said.at(-1)).toBe('ready other')
    await master.stop()
  })
})

describe('a server that refuses this client', () => {
  test('because of a wrong password is reported as such, and gets no command', async () => {
    const guarded = await startRedis({ password: 'secret' })
    const stranger = startPeer(`redis://:wrong@127.0.0.1:${guarded.port}`)
    await waitFor('the reason', () => stranger.said.some((line) => /WRONGPASS/.test(line)))
    expect(stranger.store.isReady()).toBe(false)
    await expect(stranger.store.read(['shop:k'])).rejects.toMatchObject({ code: expect.stringMatching(/^L2_/) })
    await stranger.close()
    await guarded.stop()
  })

  test('because of a missing permission is reported as misconfigured, not as an outage', async () => {
    await server.command('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+@all', '-set')
    const reader = new Redis({ port: server.port, username: 'reader', password: 'pw' })
    const limited = await openPeer(reader)
    await expect(limited.store.claim('shop:k', lease, 1_000)).rejects.toMatchObject({ code: 'L2_MISCONFIGURED' })
    await limited.close()
    reader.disconnect()
  })
})
