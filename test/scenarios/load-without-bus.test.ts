// An invalidation during a load, in a process that receives no announcements and trusts its memory for an hour. Only the fence, which
// Redis compares at the moment of the fill, keeps the outdated value out.
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { deferred } from 'tiercache/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startProxy, type TcpProxy } from '../support/proxy.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
let data: TcpProxy
let deaf: Cache
let other: Cache
const cleanups: (() => unknown)[] = []

beforeEach(async () => {
  server = await startRedis()
  data = await startProxy(server.port)
  const bus = await startProxy(server.port)
  const subscriber = new Redis(bus.port, { retryStrategy: () => 50 }).on('error', () => undefined)
  const options = { name: 'shop', ttl: '1h', l1: { maxStaleness: '1h' } } as const
  // Longer than any machine stalls, so only the change by the other process can end the lease or the fill.
  const patient = { timeout: '20s', leaseTtl: '1m' } as const
  deaf = createCache({ ...options, l2: redisTier(data.url, { ...patient, subscriber }) })
  other = createCache({ ...options, l2: redisTier(server.url, patient) })
  const ends = [() => deaf.close(), () => other.close(), () => subscriber.disconnect(), () => bus.stop()]
  cleanups.push(
    ...ends,
    () => data.stop(),
    () => server.stop(),
  )
  await waitFor('both to be heard', () => deaf.stats().bus.trusted && other.stats().bus.trusted)
  // It knows its tokens, and from here on receives nothing.
  await deaf.set('warm', 'up')
  await bus.refuse()
})

afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
})

/** A change by another process of the key that is being loaded, and the value that the key has afterwards. */
const CHANGES: [string, (key: string) => Promise<unknown>, string | undefined][] = [
  ['delete', (key) => other.delete(key), undefined],
  ['set', (key) => other.set(key, 'set'), 'set'],
  ['expire', (key) => other.expire(key), undefined],
]

/** Begins a load in the process without a bus, and returns what ends it. */
async function startLoad(key: string) {
  const begun = deferred()
  const gate = deferred<string>()
  const load = () => {
    begun.resolve()
    return gate.promise
  }
  const answer = deaf.getOrSet(key, load)
  await begun.promise
  return { answer, end: gate.resolve }
}

/** Redis and both processes have the result of the change, also the memory of the loading process, which it trusts. */
async function hasWon(key: string, left: string | undefined): Promise<void> {
  expect(await other.get(key, { tiers: 'l2' })).toBe(left)
  expect(await other.get(key)).toBe(left)
  expect(await deaf.get(key)).toBe(left)
  expect(deaf.stats().fillsRefused).toBe(1)
}

describe('a load in a process that receives no announcements', () => {
  test.each(CHANGES)('stores nothing if another process called %s while it ran', async (_, change, left) => {
    const load = await startLoad('k')
    expect(await change('k')).toBe('applied')
    load.end('outdated')
    expect(await load.answer, 'its own caller gets the loaded value').toBe('outdated')
    await deaf.drain()
    await hasWon('k', left)
  })

  test.each(CHANGES)(
    'stores nothing if its fill reaches Redis after another process called %s',
    async (_, change, left) => {
      const load = await startLoad('k')
      data.hold('requests')
      load.end('outdated')
      expect(await load.answer).toBe('outdated')
      expect(await change('k')).toBe('applied')
      await data.restore()
      await deaf.drain()
      await hasWon('k', left)
    },
  )

  test('stores its value if the key was not changed', async () => {
    const load = await startLoad('k')
    load.end('current')
    expect(await load.answer).toBe('current')
    await deaf.drain()
    expect(deaf.stats().fillsRefused).toBe(0)
    expect(await other.get('k', { tiers: 'l2' })).toBe('current')
  })
})
