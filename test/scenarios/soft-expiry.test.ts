// Soft expiry, the pause after failures and refreshes between processes over one Redis, with its scripts and both buses.
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { deferred } from 'tiercache/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const down = new Error('down')
const failing = () => Promise.reject(down)

describe.each(['stream', 'tracking'] as const)('with the %s bus', (bus) => {
  let server: RedisServer
  const opened: Cache[] = []

  async function open(options: object = {}): Promise<Cache> {
    const cache = createCache({
      name: 'shop',
      ttl: '1h',
      ...options,
      l2: redisTier(server.url, { ...PATIENT, bus }),
    })
    opened.push(cache)
    await cache.ready()
    await waitFor('the bus heard', () => cache.stats().bus.trusted)
    return cache
  }

  beforeEach(async () => {
    server = await startRedis()
  })

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((cache) => cache.close()))
    await server.stop()
  })

  const verbs = {
    expire: (cache: Cache) => cache.expire('k'),
    expireTags: (cache: Cache) => cache.expireTags('t'),
    expireAll: (cache: Cache) => cache.expireAll(),
  }
  const names = Object.keys(verbs) as (keyof typeof verbs)[]

  test.each(names)('%s without staleIfError leaves no value to serve', async (verb) => {
    const [here, there] = [await open(), await open()]
    await here.set('k', 'old', { tags: ['t'] })
    expect(await there.get('k')).toBe('old')
    await verbs[verb](here)
    await waitFor('the announcement', async () => (await there.get('k')) === undefined)
    for (const cache of [here, there, await open()]) {
      await expect(cache.getOrSet('k', failing)).rejects.toBe(down)
    }
  })

  test.each(names)('%s with staleIfError leaves the value for failed loads only, in every process', async (verb) => {
    const options = { staleIfError: '1h', failureBackoff: false } as const
    const [here, there] = [await open(options), await open(options)]
    await here.set('k', 'old', { tags: ['t'] })
    expect(await there.get('k')).toBe('old')
    await verbs[verb](here)
    await waitFor('the announcement', async () => (await there.get('k')) === undefined)
    for (const cache of [here, there, await open(options)]) {
      expect(await cache.get('k')).toBeUndefined()
      expect(await cache.getOrSet('k', failing)).toBe('old')
    }
    expect(await there.getOrSet('k', () => 'new')).toBe('new')
  })

  test('staleIfError counts from the soft expiry, also in a process that is started later', async () => {
    const options = { staleIfError: '1s', failureBackoff: false }
    const here = await open(options)
    await here.set('k', 'old')
    await here.expire('k')
    expect(await here.getOrSet('k', failing)).toBe('old')
    const later = await open(options)
    await waitFor('its end', async () => (await later.lookup('k')).found === false)
    // The entry stays in Redis for an hour, but a reader may no longer serve it.
    expect(Number(await server.command('EXISTS', 'shop:k'))).toBe(1)
    await expect((await open(options)).getOrSet('k', failing)).rejects.toBe(down)
  })

  test('a change in another process ends the pause after a failed load', async () => {
    const options = { staleIfError: '1h', failureBackoff: { first: '1h', longest: '1h' } }
    const [here, there] = [await open(options), await open(options)]
    await here.set('k', 'old', { ttl: 1 })
    await here.set('t', 'old', { ttl: 1, tags: ['t'] })
    await waitFor('the end of the ttl', async () => (await here.get('k')) === undefined)
    for (const key of ['k', 't']) expect(await here.getOrSet(key, failing)).toBe('old')
    const load = vi.fn(() => 'new')
    for (const key of ['k', 't']) expect(await here.getOrSet(key, load)).toBe('old')
    expect(load).not.toHaveBeenCalled()
    expect(await there.expire('k')).toBe('applied')
    expect(await there.expireTags('t')).toBe('applied')
    for (const key of ['k', 't']) {
      await waitFor('a load', async () => (await here.getOrSet(key, load)) === 'new')
    }
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('a refresh replaces the lease of a load that hangs, in its own process or another, and its value is kept', async () => {
    const [here, there] = [await open(), await open()]
    for (const [hanging, refreshing, id] of [
      [here, here, 1],
      [here, there, 2],
    ] as const) {
      const gate = deferred<string>()
      const users = refreshing.source(`users${id}`, { load: async (_id: number) => 'new' })
      const [key, space] = [users.keyOf(id), `users${id}`]
      const first = hanging.namespace(space).getOrSet(key, () => gate.promise)
      await waitFor('its lease', async () => Number(await server.command('EXISTS', `shop/${space}:${key}`)) === 1)
      const isStored = async (cache: Cache) => (await cache.namespace(space).get(key, { tiers: 'l2' })) === 'new'
      // A bus message that cannot be checked in time prevents a fill, so more than one refresh may be needed.
      await waitFor('its fill', async () => (await users.refresh(id)) === 'new' && isStored(refreshing))
      gate.resolve('old')
      expect(await first).toBe('old')
      await hanging.drain()
      for (const cache of [here, there]) {
        expect(await isStored(cache)).toBe(true)
        expect(await cache.namespace(space).get(key)).toBe('new')
      }
    }
  })

  test('the first set of a process is seen by its own read in the same turn', async () => {
    const here = await open()
    const writing = here.namespace('n').set('k', 'X', { tags: ['new'] })
    expect(await here.namespace('n').getOrSet('k', () => 'loaded')).toBe('X')
    expect(await writing).toBe('applied')
    expect(await (await open()).namespace('n').get('k')).toBe('X')
  })
})
