// What Koa expects of a middleware, beside the suite.
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import Koa, { type Context } from 'koa'
import { type Cache, createCache } from 'tiercache'
import { type HttpCacheOptions, httpCache, koa } from 'tiercache/http'
import { FakeClock } from 'tiercache/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listen } from '../adapters/node-reply.js'
import type { RunningApp } from '../app.js'

let cache: Cache
let app: Koa
let clock: FakeClock
let running: Promise<RunningApp> | undefined

beforeEach(() => {
  clock = new FakeClock(Date.now())
  cache = createCache({ logger: false, clock })
  app = new Koa()
})
afterEach(async () => {
  await (await running)?.close()
  running = undefined
  await cache.close()
})

function cached(options: HttpCacheOptions<Context> = { ttl: '1m' }) {
  return koa(httpCache<Context>(cache, options))
}

async function get(path: string, init: RequestInit = {}): Promise<{ body: string; status: number; headers: Headers }> {
  running ??= listen(app.callback())
  const response = await fetch(`${(await running).url}${path}`, init)
  const body = await response.text()
  await cache.drain()
  return { body, status: response.status, headers: response.headers }
}

test('a body of every kind is recorded: text, bytes, objects, streams, Blob, ReadableStream, Response, null', async () => {
  const kinds: Record<string, (context: Context) => void> = {
    text: (context) => {
      context.body = 'text'
    },
    html: (context) => {
      context.body = '<p>html'
    },
    bytes: (context) => {
      context.body = Buffer.from('bytes')
    },
    object: (context) => {
      context.body = { a: 1 }
    },
    stream: (context) => {
      context.body = Readable.from([Buffer.from('str'), Buffer.from('eam')])
    },
    blob: (context) => {
      context.body = new Blob(['blob'], { type: 'text/plain' })
    },
    web: (context) => {
      context.body = new Blob(['web']).stream()
    },
    response: (context) => {
      context.body = new Response('made', { headers: { 'x-made': '1' } })
    },
    null: (context) => {
      context.body = null
    },
  }
  let runs = 0
  const reference = new Koa().use((context) => kinds[context.path.slice(1)]?.(context))
  app.use(cached())
  app.use((context) => {
    runs++
    kinds[context.path.slice(1)]?.(context)
  })
  const plain = await listen(reference.callback())
  try {
    for (const name of Object.keys(kinds)) {
      const own = await fetch(`${plain.url}/${name}`)
      const wanted = [own.status, await own.text(), own.headers.get('content-type'), own.headers.get('x-made')]
      const first = await get(`/${name}`)
      const second = await get(`/${name}`)
      for (const { status, body, headers } of [first, second])
        expect([status, body, headers.get('content-type'), headers.get('x-made')]).toEqual(wanted)
      expect(second.headers.get('cache-status')).toContain('hit')
    }
    expect(runs).toBe(Object.keys(kinds).length)
  } finally {
    await plain.close()
  }
})

test('middleware around the cache sees hits as it sees other responses', async () => {
  const seen: unknown[] = []
  app.use(async (context, next) => {
    await next()
    seen.push([context.status, String(context.body)])
    context.set('x-seen', String(seen.length))
  })
  app.use(cached())
  app.use((context) => {
    context.body = 'a'
  })
  const first = await get('/')
  const second = await get('/')
  expect(seen).toEqual([
    [200, 'a'],
    [200, 'a'],
  ])
  expect([first.headers.get('x-seen'), second.headers.get('x-seen')]).toEqual(['1', '2'])
})

test('inner middleware can replace a stream, such as to compress it, and one that nobody reads is destroyed', async () => {
  const unread = Readable.from(['unread'])
  app.use(cached())
  app.use(async (context, next) => {
    await next()
    context.body = (context.body as Readable).map((part) => String(part).toUpperCase())
  })
  app.use((context) => {
    context.body = unread
    context.body = Readable.from(['stream'])
  })
  expect([(await get('/')).body, (await get('/')).body]).toEqual(['STREAM', 'STREAM'])
  await vi.waitFor(() => expect(unread.destroyed).toBe(true))
})

test('with ctx.respond = false the handler writes the response, unrecorded, and nobody waits for it', async () => {
  const taken: ServerResponse[] = []
  app.use(cached())
  app.use((context) => {
    context.respond = false
    taken.push(context.res)
    // Both are open at the same time: the second request has not waited for the first response.
    if (taken.length === 2) for (const response of taken) response.writeHead(200).end('own')
  })
  const both = await Promise.all([get('/'), get('/')])
  expect(both.map(({ body }) => body)).toEqual(['own', 'own'])
})

test('errors reach ctx.onerror and the error event, in the background too', async () => {
  const errors: string[] = []
  app.on('error', (error: Error) => errors.push(error.message))
  let isDown = false
  app.use(cached({}))
  app.use((context) => {
    if (isDown || context.path === '/fails') throw Object.assign(new Error('down'), { status: 418, expose: true })
    context.set({ 'cache-control': 'max-age=10, stale-while-revalidate=60, stale-if-error=60' })
    context.body = 'fine'
  })
  expect(await get('/fails')).toMatchObject({ status: 418, body: 'down' })
  await get('/')
  isDown = true
  await clock.advance(15_000)
  expect((await get('/')).body).toBe('fine')
  await vi.waitFor(() => expect(errors).toEqual(['down', 'down']))
})

test('a route has options of its own, a mutation its tags, and the functions get the context', async () => {
  const http = cached({})
  const show = http.route({ ttl: '1m', tags: ['items'], per: ({ state }) => state.user as string })
  const change = http.invalidates(({ path }) => [path === '/change' ? 'items' : 'others'])
  app.use(async (context, next) => {
    context.state.user = context.get('x-user')
    await next()
  })
  let runs = 0
  app.use((context, next) => {
    const handler = async () => {
      http.tag(context, 'more')
      context.body = `${context.state.user} ${++runs}`
    }
    return context.method === 'GET' ? show(context, handler) : change(context, handler).then(next)
  })
  const of = async (user: string) => (await get('/', { headers: { 'x-user': user } })).body
  expect([await of('ann'), await of('bob'), await of('ann')]).toEqual(['ann 1', 'bob 2', 'ann 1'])
  await get('/change', { method: 'POST' })
  expect(await of('ann')).toBe('ann 4')
  await cache.invalidateTags('more')
  expect(await of('ann')).toBe('ann 5')
})
