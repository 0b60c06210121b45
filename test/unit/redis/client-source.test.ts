import { afterEach, describe, expect, test, vi } from 'vitest'
import { lentClient, openedClient, reconnectAfterMs } from '../../../src/redis/client/client-source.js'
import { RedisStore } from '../../../src/redis/store/redis-store.js'
import { FakeClock, settle } from '../../../src/testing/index.js'
import { FakeClient } from './fake-client.js'

afterEach(() => {
  vi.doUnmock('ioredis')
  vi.resetModules()
})

describe('a connection that needs ioredis, which is not installed,', () => {
  test('is reported once with the way to fix it, and nothing hangs', async () => {
    vi.doMock('ioredis', () => {
      throw Object.assign(new Error("Cannot find package 'ioredis'"), { code: 'ERR_MODULE_NOT_FOUND' })
    })
    const store = new RedisStore({
      name: 'shop',
      clock: new FakeClock(),
      source: openedClient('redis://localhost'),
      log: 'stream',
      silenceMs: 1_000,
    })
    const reasons: Error[] = []
    const ready = store.whenReady()
    store.start({ ready: () => {}, unready: (reason) => reasons.push(reason), notice: () => {} })
    await expect(ready).rejects.toMatchObject({ code: 'L2_CLIENT_MISSING' })
    expect(reasons).toHaveLength(1)
    expect(reasons[0]?.message).toContain(
      "Run 'npm install ioredis', or pass a client of your own. In a bundle, mark ioredis as external",
    )
    expect(reasons[0]?.message).toContain("Cannot find package 'ioredis'")
    expect(reasons[0]?.cause).toBeInstanceOf(Error)
    await expect(store.read(['k'])).rejects.toBe(reasons[0])
    expect(store.isReady()).toBe(false)
    await store.close()
  })
})

describe('a lent client', () => {
  test('is not closed by closing the store', async () => {
    const client = new FakeClient()
    const store = new RedisStore({
      name: 'shop',
      clock: new FakeClock(),
      source: lentClient(client),
      log: 'none',
      silenceMs: 1_000,
    })
    store.start({ ready: () => {}, unready: () => {}, notice: () => {} })
    await settle()
    expect(store.isReady()).toBe(true)
    await store.close()
    await store.close()
    expect(client.disconnects).toBe(0)
    expect(client.status).toBe('ready')
  })

  test('is not touched if the store is closed before it starts', async () => {
    const client = new FakeClient()
    const store = new RedisStore({
      name: 'shop',
      clock: new FakeClock(),
      source: lentClient(client),
      log: 'none',
      silenceMs: 1_000,
    })
    await store.close()
    store.start({ ready: () => {}, unready: () => {}, notice: () => {} })
    await settle()
    expect(client.sent).toEqual([])
    expect(client.eventNames()).toEqual([])
  })
})

test('a store without a log appends nothing', async () => {
  const client = new FakeClient()
  const store = new RedisStore({
    name: 'shop',
    clock: new FakeClock(),
    source: lentClient(client),
    log: 'none',
    silenceMs: 1_000,
  })
  store.start({ ready: () => {}, unready: () => {}, notice: () => {} })
  await settle()
  expect(await store.apply([], Buffer.from('hello'))).toEqual([])
  expect(client.names()).not.toContain('xadd')
  await store.close()
})

test('attempts to reconnect come at growing random intervals of up to a second', () => {
  for (let attempt = 1; attempt < 100; attempt++) {
    const delayMs = reconnectAfterMs(attempt)
    expect(delayMs).toBeGreaterThanOrEqual(25)
    expect(delayMs).toBeLessThanOrEqual(1_000)
  }
  expect(reconnectAfterMs(1)).toBeLessThanOrEqual(50)
  expect(reconnectAfterMs(20)).toBeGreaterThanOrEqual(500)
})
