// Several processes of one service, each with its adapter, its cache and its connections, on one Redis.
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { httpCache } from 'tiercache/http'
import { redisTier } from 'tiercache/redis'
import { deferred } from 'tiercache/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PATIENT } from '../../support/patient.js'
import { type RedisServer, startRedis } from '../../support/redis-server.js'
import { waitFor } from '../../support/wait.js'
import { adapters } from './adapters/all.js'
import type { AppAdapter, AppRoute } from './app.js'
import { fetchFrom, type Got, type Sent } from './suite/client.js'

let server: RedisServer
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  await server.command('FLUSHALL')
})
afterAll(() => server.stop())

interface Member {
  readonly cache: Cache
  fetch(target: string, sent?: Sent): Promise<Got>
}

/** One process of the service. All of them share this one, so a busy machine may keep a lease waiting for its renewal. */
async function openMember(adapter: AppAdapter, routes: readonly AppRoute[]): Promise<Member> {
  const client = new Redis(server.port)
  client.on('error', () => undefined)
  const cache = createCache({ name: 'shop', logger: false, l2: redisTier(client, { ...PATIENT, leaseTtl: '30s' }) })
  const app = await adapter.start({ http: httpCache<never>(cache), everywhere: true, routes })
  ends.push(async () => {
    await app.close()
    await cache.close()
    client.disconnect()
  })
  await waitFor('the bus to be heard', () => cache.stats().bus.trusted)
  // The host is part of the key, and a fleet has one.
  const fetch: Member['fetch'] = (target, { headers, ...sent } = {}) =>
    fetchFrom(`${app.url}${target}`, { ...sent, headers: { ...headers, host: 'shop.example' } })
  return { cache, fetch }
}

const FRESH = { 'cache-control': 'max-age=60' }

describe.each(adapters)('with $name', (adapter) => {
  test('1,000 requests at once on four processes, cold, are one run of the handler', async () => {
    let runs = 0
    const handle = async () => {
      runs++
      await new Promise((resolve) => setTimeout(resolve, 200))
      return { headers: FRESH, body: 'shared' }
    }
    const open = () => openMember(adapter, [{ method: 'GET', path: '/a', handle }])
    const members = await Promise.all([open(), open(), open(), open()])
    const all = Array.from({ length: 1000 }, (_, i) => members[i % 4]!.fetch('/a'))
    const bodies = new Set((await Promise.all(all)).map(({ body }) => body))
    expect([bodies, runs]).toEqual([new Set(['shared']), 1])
  })

  test('a mutation in one process is seen in the others, and undoes what was on its way there', async () => {
    const started = deferred<void>()
    const gate = deferred<void>()
    let stock = 1
    let isSlow = true
    const handle = async () => {
      const seen = stock
      started.resolve()
      if (isSlow) await gate.promise
      return { headers: FRESH, body: `stock ${seen}` }
    }
    const routes: AppRoute[] = [
      { method: 'GET', path: '/stock', route: { tags: 'stock' }, handle },
      {
        method: 'POST',
        path: '/buy',
        invalidates: 'stock',
        handle: () => {
          stock++
          return { status: 204 }
        },
      },
    ]
    const [a, b] = [await openMember(adapter, routes), await openMember(adapter, routes)]
    const early = a.fetch('/stock')
    await started.promise
    expect((await b.fetch('/buy', { method: 'POST' })).status).toBe(204)
    isSlow = false
    gate.resolve()
    // What was on its way reaches its own client, and nobody after.
    expect((await early).body).toBe('stock 1')
    await a.cache.drain()
    expect((await b.fetch('/stock')).body).toBe('stock 2')
    await waitFor('the announcement', async () => (await a.fetch('/stock')).body === 'stock 2')
    for (let i = 0; i < 3; i++) expect((await a.fetch('/stock')).body).toBe('stock 2')
    await b.fetch('/buy', { method: 'POST' })
    expect((await b.fetch('/stock')).body).toBe('stock 3')
    await waitFor('the announcement', async () => (await a.fetch('/stock')).body === 'stock 3')
  })

  test('variants and tags that handlers say are found in every process', async () => {
    let runs = 0
    const handle: AppRoute['handle'] = (request) => {
      runs++
      request.tag('said')
      return { headers: { ...FRESH, vary: 'Accept-Language' }, body: `${request.headers['accept-language']} ${runs}` }
    }
    const routes: AppRoute[] = [{ method: 'GET', path: '/a', handle }]
    const [a, b] = [await openMember(adapter, routes), await openMember(adapter, routes)]
    const get = async (member: Member, language: string) => {
      const { body } = await member.fetch('/a', { headers: { 'accept-language': language } })
      await new Promise((resolve) => setTimeout(resolve, 50))
      await member.cache.drain()
      return body
    }
    expect([await get(a, 'de'), await get(a, 'en'), await get(b, 'de'), await get(b, 'en')]).toEqual([
      'de 1',
      'en 2',
      'de 1',
      'en 2',
    ])
    await a.cache.invalidateTags('said')
    expect(await get(a, 'de')).toBe('de 3')
    await waitFor('the announcement', async () => (await get(b, 'en')) !== 'en 2')
  })

  test('while Redis is away, responses are cached in memory and nothing fails', async () => {
    let runs = 0
    const own = await startRedis()
    const client = new Redis(own.port)
    client.on('error', () => undefined)
    const cache = createCache({ name: 'shop', logger: false, l2: redisTier(client, { timeout: '100ms' }) })
    const handle = () => ({ headers: FRESH, body: `run ${++runs}` })
    const routes: AppRoute[] = [
      { method: 'GET', path: '/a', handle },
      { method: 'POST', path: '/a', handle: () => ({ status: 204 }) },
    ]
    const app = await adapter.start({ http: httpCache<never>(cache), everywhere: true, routes })
    ends.push(async () => {
      await app.close()
      await cache.close()
      client.disconnect()
    })
    await own.stop()
    const bodies: string[] = []
    for (let i = 0; i < 3; i++) bodies.push((await fetchFrom(`${app.url}/a`)).body)
    expect(bodies).toEqual(['run 1', 'run 1', 'run 1'])
    expect((await fetchFrom(`${app.url}/a`, { method: 'POST' })).status).toBe(204)
    expect((await fetchFrom(`${app.url}/a`)).body).toBe('run 2')
  })
})
