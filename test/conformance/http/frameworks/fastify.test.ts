// What Fastify expects of a plugin, beside the suite.
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import createServer, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type Cache, createCache } from 'tiercache'
import { fastify, type HttpCacheOptions, httpCache } from 'tiercache/http'
import { FakeClock } from 'tiercache/testing'
import { afterEach, expect, test, vi } from 'vitest'

let cache: Cache
let clock: FakeClock
let app: FastifyInstance

afterEach(async () => {
  await app.close()
  await cache.close()
})

function open(options: HttpCacheOptions<FastifyRequest> = { ttl: '1m' }) {
  clock = new FakeClock(Date.now())
  cache = createCache({ logger: false, clock })
  app = createServer()
  return fastify(httpCache<FastifyRequest>(cache, options))
}

const hitOf = async (url: string) => {
  const response = await app.inject(url)
  await cache.drain()
  return String(response.headers['cache-status']).includes('hit')
}

async function hitsAtOnce(...urls: string[]): Promise<boolean[]> {
  const hits: boolean[] = []
  for (const url of urls) {
    await hitOf(url)
    hits.push(await hitOf(url))
  }
  return hits
}

test('the plugin counts for the scope that registers it, and for those within', async () => {
  const plugin = open()
  app.get('/outside', async () => 'a')
  await app.register(async (scope) => {
    await scope.register(plugin)
    scope.get('/inside', async () => 'b')
    await scope.register(async (within) => {
      within.get('/within', async () => 'c')
    })
  })
  expect(await hitsAtOnce('/outside', '/inside', '/within')).toEqual([false, true, true])
})

test('config.cache of a route has options of its own, and false passes the cache by', async () => {
  const plugin = open({})
  await app.register(plugin)
  app.get('/own', { config: { cache: { ttl: '1m', tags: ['own'] } } }, async () => 'a')
  app.get('/none', { config: { cache: false } }, async () => 'b')
  app.post('/change', { config: { cache: { invalidates: 'own' } } }, async () => 'changed')
  expect(await hitsAtOnce('/own', '/none')).toEqual([true, false])
  await app.inject({ method: 'POST', url: '/change' })
  expect(await hitOf('/own')).toBe(false)
})

test('a wrong option is refused when the plugin is registered, or the route declared', async () => {
  const plugin = open()
  await app.register(plugin)
  const wrong = { config: { cache: { tll: '1m' } } }
  expect(() => app.get('/', wrong, async () => 'a')).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }))
  const other = createServer()
  const registered = other.register(plugin, { routes: 'some' as 'all' }).ready()
  await expect(registered).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('a hit passes through the onSend hooks and headers of the application, and skips preHandlers and handlers after the cache', async () => {
  const plugin = open()
  const seen: string[] = []
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-request', String(seen.length))
  })
  app.addHook('onSend', async (_request, reply, payload) => {
    reply.header('x-sent', 'yes')
    return payload
  })
  await app.register(plugin)
  const preHandler = async () => void seen.push('preHandler')
  app.get('/', { preHandler }, async () => {
    seen.push('handler')
    return { ok: true }
  })
  const first = await app.inject('/')
  await cache.drain()
  const second = await app.inject('/')
  expect(seen).toEqual(['preHandler', 'handler'])
  expect([first.headers['x-request'], second.headers['x-request'], second.headers['x-sent']]).toEqual(['0', '2', 'yes'])
  expect([second.json(), second.headers['content-type']]).toEqual([{ ok: true }, first.headers['content-type']])
})

test('per gets the request with what the hooks before have added, and explain the options of the route', async () => {
  const plugin = open()
  app.decorateRequest('user', '')
  app.addHook('onRequest', async (request) => {
    Object.assign(request, { user: request.headers['x-user'] })
  })
  await app.register(plugin)
  const per = (request: FastifyRequest) => (request as FastifyRequest & { user?: string }).user
  app.get('/me', { config: { cache: { per, ttl: '1m' } } }, async (request) => {
    plugin.tag(request, 'me')
    return { why: (await plugin.explain(request)).why, user: per(request) }
  })
  const get = async (user: string) => {
    const response = await app.inject({ url: '/me', headers: { 'x-user': user } })
    await cache.drain()
    return response.json()
  }
  expect([(await get('ann')).user, (await get('bob')).user, (await get('ann')).user]).toEqual(['ann', 'bob', 'ann'])
  expect((await get('ann')).why).toContain('The key is that of one user (per).')
})

test('payloads of every kind are recorded: text, bytes, objects, streams, web streams, Response, nothing', async () => {
  const plugin = open()
  await app.register(plugin)
  const kinds: Record<string, () => unknown> = {
    text: () => 'text',
    bytes: () => Buffer.from('bytes'),
    object: () => ({ a: 1 }),
    stream: () => Readable.from([Buffer.from('str'), Buffer.from('eam')]),
    web: () => new Blob(['web']).stream(),
    response: () => new Response('made', { headers: { 'x-made': '1', 'content-type': 'text/x-made' } }),
  }
  for (const [name, make] of Object.entries(kinds)) app.get(`/${name}`, async (_request, reply) => reply.send(make()))
  for (const name of Object.keys(kinds)) {
    const first = await app.inject(`/${name}`)
    await vi.waitFor(async () => {
      await cache.drain()
      const hit = await app.inject(`/${name}`)
      expect(String(hit.headers['cache-status'])).toContain('hit')
      expect([hit.body, hit.headers['content-type']]).toEqual([first.body, first.headers['content-type']])
      expect(hit.headers['x-made']).toBe(first.headers['x-made'])
    })
  }
})

test('a handler that takes the response over is not recorded, and nobody waits for it', async () => {
  const plugin = open()
  await app.register(plugin)
  const taken: ServerResponse[] = []
  app.get('/', (_request, reply) => {
    reply.hijack()
    taken.push(reply.raw)
    // Both are open at the same time: the second request has not waited for the first response.
    if (taken.length === 2) for (const raw of taken) raw.end('own')
  })
  const both = await Promise.all([app.inject('/'), app.inject('/')])
  expect(both.map(({ body }) => body)).toEqual(['own', 'own'])
})

test('an unknown route is as it is without the cache', async () => {
  const plugin = open()
  await app.register(plugin)
  for (let i = 0; i < 2; i++) expect((await app.inject('/unknown')).statusCode).toBe(404)
})

test('an error passes through the error handler, in the background too', async () => {
  const plugin = open({})
  const errors: string[] = []
  app.setErrorHandler((error: Error, _request, reply) => {
    errors.push(error.message)
    return reply.code(500).send('failed')
  })
  await app.register(plugin)
  let isDown = false
  app.get('/', async (_request, reply) => {
    if (isDown) throw new Error('down')
    reply.header('cache-control', 'max-age=10, stale-while-revalidate=60, stale-if-error=60')
    return 'fine'
  })
  await app.inject('/')
  await cache.drain()
  isDown = true
  await clock.advance(15_000)
  expect((await app.inject('/')).body).toBe('fine')
  await vi.waitFor(() => expect(errors).toEqual(['down']))
})

test('closing the application waits until what was recorded is stored', async () => {
  const plugin = open()
  await app.register(plugin)
  const drain = vi.spyOn(cache.constructor.prototype, 'drain')
  app.get('/', async () => 'a')
  await app.inject('/')
  await app.close()
  expect(drain).toHaveBeenCalledOnce()
  drain.mockRestore()
})
