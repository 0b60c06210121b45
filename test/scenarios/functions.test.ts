// Wrapped functions over real Redis, in the caches of several processes.
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer
const open: Cache[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterEach(async () => {
  for (const cache of open.splice(0)) await cache.close()
})
afterAll(() => server.stop())

/** A cache that represents a separate process. It is connected, since before that it would load without asking Redis. */
async function makeProcess(name: string): Promise<Cache> {
  const cache = createCache({ name, l2: redisTier({ port: server.port }, PATIENT), ttl: '1m' })
  open.push(cache)
  await waitFor('a connection', async () => (await cache.set('connected', true)) === 'applied')
  return cache
}

test('two users whose keys have the same 32-bit hash get their own results in every process', async () => {
  const name = 'hash'
  const getUser = async (id: string) => ({ id })
  const here = (await makeProcess(name)).wrap(getUser)
  const there = (await makeProcess(name)).wrap(getUser)
  for (const id of ['u1r', 'u30']) expect(await here(id)).toEqual({ id })
  await open[0]?.drain()
  for (const id of ['u1r', 'u30']) expect(await there(id)).toEqual({ id })
})

test('the same cold call in four processes runs the function once', async () => {
  const run = vi.fn(async (id: number) => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return { id }
  })
  const caches = await Promise.all(Array.from({ length: 4 }, () => makeProcess('cold')))
  const functions = caches.map((cache) => cache.wrap(run, { name: 'find' }))
  const results = await Promise.all(functions.flatMap((find) => [find(1), find(1)]))
  expect(new Set(results.map((result) => JSON.stringify(result)))).toEqual(new Set(['{"id":1}']))
  expect(run).toHaveBeenCalledTimes(1)
})

test('a function that throws is called again each time, and its first result is cached', async () => {
  const find = vi.fn(async (id: number) => ({ id }))
  const wrapped = (await makeProcess('throws')).wrap(find, { name: 'find' })
  const error = new Error('down')
  find.mockRejectedValueOnce(error).mockRejectedValueOnce(error)
  await expect(wrapped(1)).rejects.toBe(error)
  await expect(wrapped(1)).rejects.toBe(error)
  expect(await wrapped(1)).toEqual({ id: 1 })
  expect(await wrapped(1)).toEqual({ id: 1 })
  expect(find).toHaveBeenCalledTimes(3)
})

test('invalidate, refresh, set and clear in one process reach the others', async () => {
  const [here, there] = [await makeProcess('verbs'), await makeProcess('verbs')]
  let n = 0
  const count = async (_id: string) => ++n
  const [countHere, countThere] = [here.wrap(count), there.wrap(count)]
  const seenThere = (value: number) => waitFor(`${value} there`, async () => (await countThere('a')) === value)
  await countHere('a')
  await here.drain()
  await seenThere(1)
  expect(await countHere.invalidate('a')).toBe('applied')
  await seenThere(2)
  expect(await countHere.set(['a'], 70)).toBe('applied')
  await seenThere(70)
  expect(await countHere.clear()).toBe('applied')
  await waitFor('a count of its own there', async () => (await countThere('a')) < 70)
})

test('a list in pages is invalidated in every process by one command', async () => {
  const [here, there] = [await makeProcess('pages'), await makeProcess('pages')]
  let edition = 1
  const loadPage = async (cursor = 0) => ({
    items: [`${edition}.${cursor}`],
    next: cursor < 3 ? cursor + 1 : undefined,
  })
  const [listHere, listThere] = [here.pages('list', { loadPage }), there.pages('list', { loadPage })]
  const read = async (list: AsyncIterable<string>) => {
    const items: string[] = []
    for await (const item of list) items.push(item)
    return items.join(' ')
  }
  expect(await read(listHere)).toBe('1.0 1.1 1.2 1.3')
  await here.drain()
  expect(await read(listThere)).toBe('1.0 1.1 1.2 1.3')
  edition = 2
  expect(await listHere.invalidate()).toBe('applied')
  await waitFor('the new edition there', async () => (await read(listThere)) === '2.0 2.1 2.2 2.3')
})

test('a request scope reads each key from Redis once', async () => {
  const connection = new Redis(server.port)
  const cache = createCache({ name: 'scope', l1: false, l2: redisTier(connection, PATIENT) })
  open.push(cache)
  await waitFor('a connection', async () => (await cache.set('k', 'v')) === 'applied')
  await cache.requestScope(async () => {
    expect(await cache.get('k')).toBe('v')
    const again = await server.countCommands(async () => {
      for (let i = 0; i < 10; i++) expect(await cache.get('k')).toBe('v')
    })
    expect(again.mget ?? 0).toBe(0)
  })
  const outside = await server.countCommands(() => cache.get('k'))
  expect(outside.mget).toBeGreaterThan(0)
  await cache.close()
  connection.disconnect()
})
