// The stream bus between processes while links are cut, fall silent, and the stream is trimmed, removed or left behind.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/model/time/clock.js'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'
import { openPeer, type RedisPeer } from './redis-peer.js'

let server: RedisServer
let proxy: TcpProxy
let writer: RedisPeer
const cleanups: (() => unknown)[] = []

beforeEach(async () => {
  server = await startRedis()
  proxy = await startProxy(server.port)
  writer = await openPeer(server.url)
  cleanups.push(() => writer.close())
})

afterEach(async () => {
  server.resume()
  for (const clean of cleanups.splice(0)) await clean()
  await proxy.stop()
  await server.stop()
})

async function listen(subscriber?: Redis): Promise<RedisPeer> {
  const peer = await openPeer(proxy.url, subscriber === undefined ? {} : { subscriber })
  cleanups.unshift(() => peer.close())
  return peer
}

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i))

describe('announcements while links are cut', () => {
  test('are all delivered in order, thousands of them, and no loss is reported', async () => {
    const listener = await listen()
    let announced = 0
    let isOver = false
    const announcing = (async () => {
      while (!isOver) {
        // The kill affects the writer, too: what it could not announce is in no stream.
        await Promise.allSettled(texts(announced, announced + 20).map((text) => writer.announce(text)))
        announced += 20
        await sleep(1)
      }
    })()
    // However slow the machine is, there are at least fifteen cuts and thousands of announcements.
    for (let cut = 0; cut < 15 || announced < 3_000; cut++) {
      await sleep(60)
      if (cut % 3 === 0) proxy.resetMidReply(20)
      else if (cut % 3 === 1) proxy.cut()
      else await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => undefined)
    }
    isOver = true
    await announcing
    await listener.caughtUp()
    await writer.caughtUp()
    expect(listener.losses).toEqual(['listening begins'])
    // Both received the same in the same order. Repetitions are allowed.
    expect(unrepeated(listener.messages)).toEqual(unrepeated(writer.messages))
    expect(new Set(listener.messages).size).toBeGreaterThan(500)
  })

  test('that were made during an outage of one listener reach it afterwards', async () => {
    const listener = await listen()
    await proxy.refuse()
    for (const text of texts(0, 3_000)) void writer.announce(text)
    await writer.announce('last')
    await proxy.restore()
    await listener.caughtUp()
    expect(unrepeated(listener.messages)).toEqual([...texts(0, 3_000), 'last'])
    expect(listener.losses).toEqual(['listening begins'])
  })
})

describe('when the bus counts as heard', () => {
  test('a bus whose link falls silent is not heard, gives the link up, and is heard again on a new link', async () => {
    const listener = await listen()
    proxy.silence()
    const silentAtMs = systemClock.nowMs()
    await sleep(1_200)
    await writer.announce('unheard')
    expect(listener.messages).toEqual([])
    expect(Math.max(...listener.heardAtMs)).toBeLessThanOrEqual(silentAtMs)
    await proxy.restore() // Only new links work, so the silent one must be given up first.
    await listener.caughtUp()
    expect(listener.messages).toEqual(['unheard'])
    expect(listener.losses).toEqual(['listening begins'])
  })

  test('a bus is not heard while the server hangs', async () => {
    const listener = await listen()
    server.pause()
    const hungAtMs = systemClock.nowMs()
    await sleep(1_500)
    expect(Math.max(...listener.heardAtMs)).toBeLessThanOrEqual(hungAtMs)
    server.resume()
    await listener.caughtUp()
    expect(listener.losses).toEqual(['listening begins'])
  })

  test('a bus is heard right after its start and right after an announcement, not only when an idle wait ends', async () => {
    const startedAtMs = performance.now()
    const listener = await listen()
    for (const text of texts(0, 10)) {
      await writer.announce(text)
      const fromMs = systemClock.nowMs()
      await waitFor('the announcement', () => listener.messages.includes(text))
      await waitFor('the bus being heard', () => (listener.heardAtMs.at(-1) ?? 0) >= fromMs - 100)
    }
    // Ten idle waits would take ten seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(5_000)
  })

  test('an idle bus is heard more often than L1 needs', async () => {
    const listener = await listen()
    await waitFor('three signs of life', () => listener.heardAtMs.length > 4)
    for (let i = 1; i < 5; i++) {
      expect((listener.heardAtMs[i] ?? 0) - (listener.heardAtMs[i - 1] ?? 0)).toBeLessThan(2_500)
    }
  })
})

describe('a possible loss is reported', () => {
  test('when the stream was trimmed beyond the last position', async () => {
    const listener = await listen()
    await proxy.refuse()
    for (const text of texts(0, 100)) await writer.announce(text)
    await server.command('XTRIM', '{shop}#bus', 'MAXLEN', '10')
    await proxy.restore()
    await waitFor('the loss', () => listener.losses.length === 2)
    await listener.caughtUp()
    await writer.announce('later')
    await waitFor('the announcement', () => listener.messages.includes('later'))
  })

  test('when the stream was removed while the bus listened, by FLUSHALL or by eviction', async () => {
    const listener = await listen()
    await writer.announce('before')
    await listener.caughtUp()
    await server.command('FLUSHALL')
    await waitFor('the loss', () => listener.losses.length === 2)
    await listener.caughtUp()
    await writer.announce('after')
    await waitFor('the announcement', () => listener.messages.includes('after'))
  })

  test('when the stream was removed and later announcements began a new one', async () => {
    const listener = await listen()
    await proxy.refuse()
    await server.command('DEL', '{shop}#bus')
    await writer.announce('in the new stream')
    await proxy.restore()
    await waitFor('the loss', () => listener.losses.length === 2)
  })

  test('when an announcement was removed before it could be read, although later ones are there', async () => {
    const listener = await listen()
    const body = `redis.call('XADD', KEYS[1], '*', 'm', 'unread')
      redis.call('DEL', KEYS[1])
      redis.call('XADD', KEYS[1], '*', 'm', 'read')`
    await server.command('EVAL', body, '1', '{shop}#bus')
    await waitFor('the later one', () => listener.messages.includes('read'))
    await waitFor('the loss', () => listener.losses.length === 2)
    expect(listener.messages).not.toContain('unread')
  })

  test('when the server was restarted, empty or with its data', async () => {
    const listener = await listen()
    await server.restart('empty')
    await waitFor('the loss', () => listener.losses.length === 2)
    await listener.caughtUp()
    await server.restart('kept')
    await waitFor('the loss', () => listener.losses.length === 3)
    expect(listener.losses.at(-1)).toContain('another server')
  })

  test('instead of an incomplete log, when announcements since a trimmed position are requested', async () => {
    const position = writer.bus.position()
    await writer.announce('one')
    expect((await writer.store.ensureTokens([], [], 1_000, position)).log).toEqual([Buffer.from('one')])
    await server.command('XTRIM', '{shop}#bus', 'MAXLEN', '0')
    expect((await writer.store.ensureTokens([], [], 1_000, position)).log).toBeUndefined()
  })
})

describe.each([
  ['ioredis 6', () => new Redis(proxy.port)],
  ['ioredis 6 with RESP3 replies', () => new Redis(proxy.port, { replyMapping: 'resp3' } as object)],
  ['ioredis 5', () => new Redis5(proxy.port) as unknown as Redis],
])('a lent subscriber connection: %s', (_, makeSubscriber) => {
  test('is used for listening, recovers, and is not closed', async () => {
    const subscriber = makeSubscriber()
    subscriber.on('error', () => {})
    cleanups.push(() => subscriber.disconnect())
    const listener = await listen(subscriber)
    await writer.announce('one')
    await waitFor('the announcement', () => listener.messages.includes('one'))
    proxy.cut()
    await writer.announce('two')
    await waitFor('the announcement', () => listener.messages.includes('two'))
    proxy.silence()
    await sleep(100)
    await proxy.restore()
    await writer.announce('three')
    await waitFor('the announcement', () => listener.messages.includes('three'))
    expect(listener.losses).toEqual(['listening begins'])
    await listener.close()
    await waitFor('the subscriber being free', async () => (await subscriber.ping()) === 'PONG')
    expect(subscriber.status).toBe('ready')
  })

  test('works again after its link and the next link fell silent', async () => {
    const subscriber = makeSubscriber()
    subscriber.on('error', () => {})
    cleanups.push(() => subscriber.disconnect())
    const listener = await listen(subscriber)
    const before = subscriber.stream
    proxy.silence()
    await waitFor('the next link, on which the server does not reply', () => {
      return subscriber.status === 'connect' && subscriber.stream !== before
    })
    proxy.passNew() // Only the third link works.
    await writer.announce('unheard')
    await waitFor('the announcement', () => listener.messages.includes('unheard'))
    expect(listener.losses).toEqual(['listening begins'])
  })
})

/** Without repetitions. */
function unrepeated(messages: readonly string[]): string[] {
  return [...new Set(messages)]
}
