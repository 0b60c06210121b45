// What Hono expects of a middleware, beside the suite: everything runs by `app.request`, without a server.
import { type Context, Hono } from 'hono'
import { type Cache, createCache } from 'tiercache'
import { type HttpCacheOptions, hono, httpCache } from 'tiercache/http'
import { FakeClock } from 'tiercache/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

interface Env {
  Variables: { user: string; run: number }
}

let cache: Cache
let clock: FakeClock
let app: Hono<Env>

beforeEach(() => {
  clock = new FakeClock(Date.now())
  cache = createCache({ logger: false, clock })
  app = new Hono<Env>()
})
afterEach(() => cache.close())

const cached = (options: HttpCacheOptions<Context<Env>> = { ttl: '1m' }) =>
  hono(httpCache<Context<Env>>(cache, options))

async function get(path: string, init: RequestInit = {}): Promise<{ body: string; status: number; headers: Headers }> {
  const response = await app.request(`http://shop.example${path}`, init)
  const body = await response.text()
  await cache.drain()
  return { body, status: response.status, headers: response.headers }
}

test('responses of every kind are recorded, with the headers of the handler', async () => {
  app.use(cached())
  let runs = 0
  app.get('/:kind', (context) => {
    runs++
    context.header('x-run', String(runs))
    switch (context.req.param('kind')) {
      case 'text':
        return context.text('text')
      case 'json':
        return context.json({ a: 1 })
      case 'html':
        return context.html('<p>')
      case 'stream':
        return context.body(new Blob(['stream']).stream())
      default:
        return context.body(null)
    }
  })
  for (const kind of ['text', 'json', 'html', 'stream', 'nothing']) {
    const first = await get(`/${kind}`)
    const second = await get(`/${kind}`)
    expect(second.headers.get('cache-status')).toContain('hit')
    for (const name of ['content-type', 'x-run']) expect(second.headers.get(name)).toBe(first.headers.get(name))
    expect([second.status, second.body]).toEqual([first.status, first.body])
  }
  expect(runs).toBe(5)
})

test('the functions among the options get the context, typed with the variables of the application', async () => {
  const http = cached({})
  app.use(async (context, next) => {
    context.set('user', context.req.header('x-user') ?? '')
    await next()
  })
  let runs = 0
  app.get('/me/:id', http.route({ ttl: '1m', per: (context) => context.get('user'), tags: 'me' }), async (context) => {
    http.tag(context, `user:${context.get('user')}`)
    return context.text(`${context.get('user')} ${context.req.param('id')} ${++runs}`)
  })
  app.post(
    '/change',
    http.invalidates((context) => `user:${context.get('user')}`),
    (context) => context.text('ok'),
  )
  app.get('/why', async (context) => context.json((await http.explain(context)).why))
  const of = async (user: string) => (await get('/me/7', { headers: { 'x-user': user } })).body
  expect([await of('ann'), await of('bob'), await of('ann')]).toEqual(['ann 7 1', 'bob 7 2', 'ann 7 1'])
  await get('/change', { method: 'POST', headers: { 'x-user': 'ann' } })
  expect([await of('ann'), await of('bob')]).toEqual(['ann 7 3', 'bob 7 2'])
  expect((await get('/why')).body).toContain('Nothing is stored.')
})

test('middleware around the cache sees hits as it sees other responses, and its headers are set anew', async () => {
  let requests = 0
  app.use(async (context, next) => {
    context.header('x-before', String(++requests))
    await next()
    context.header('x-after', `${requests} ${context.res.status}`)
  })
  app.use(cached())
  app.get('/', (context) => context.text('a', 203))
  for (let request = 1; request <= 3; request++) {
    const { headers } = await get('/')
    expect([headers.get('x-before'), headers.get('x-after')]).toEqual([String(request), `${request} 203`])
    expect(headers.get('cache-status')?.includes('hit')).toBe(request > 1)
  }
})

test('a refresh in the background has a context of its own: variables, parameters and renderer are those of its run', async () => {
  let runs = 0
  app.use(async (context, next) => {
    context.set('run', ++runs)
    context.setRenderer((content) => context.html(`<main>${content}</main>`))
    context.header('x-run', String(runs))
    await next()
    await new Promise((resolve) => setImmediate(resolve))
    context.header('x-after', String(context.get('run')))
  })
  app.use(cached({}))
  app.get('/:id', (context) => {
    context.header('cache-control', 'max-age=10, stale-while-revalidate=60')
    context.header('etag', `"${context.get('run')}"`)
    return context.render(`${context.req.param('id')} of run ${context.get('run')}`)
  })
  await get('/7')
  await clock.advance(15_000)
  const stale = await get('/7')
  expect([stale.body, stale.headers.get('x-run'), stale.headers.get('x-after')]).toEqual([
    '<main>7 of run 1</main>',
    '2',
    '2',
  ])
  expect(stale.headers.get('etag')).toBe('"1"')
  await vi.waitFor(async () => {
    await cache.drain()
    // The second run was the stale hit, and the third the one in the background.
    expect((await get('/7')).body).toBe('<main>7 of run 3</main>')
  })
})

test('a background run is kept alive where the platform has a context of execution', async () => {
  app.use(cached({}))
  app.get('/', (context) => context.text('a', 200, { 'cache-control': 'max-age=10, stale-while-revalidate=60' }))
  await get('/')
  await clock.advance(15_000)
  const works: Promise<unknown>[] = []
  const execution = {
    waitUntil: (work: Promise<unknown>) => works.push(work),
    passThroughOnException: () => undefined,
    props: {},
  }
  await app.request('http://shop.example/', {}, {}, execution)
  expect(works).toHaveLength(1)
  await Promise.all(works)
})

test('errors pass through onError, a failing handler is covered by what is stale, and a group has a cache of its own', async () => {
  let isDown = false
  app.onError((error, context) => context.text(`sorry: ${error.message}`, 500))
  const group = new Hono<Env>()
  group.use(cached({}))
  group.get('/:id', (context) => {
    if (isDown) throw new Error('down')
    return context.text('fine', 200, { 'cache-control': 'max-age=10, stale-if-error=60' })
  })
  app.route('/group', group)
  app.get('/outside', (context) => context.text('a', 200, { 'cache-control': 'max-age=60' }))
  await get('/group/1')
  isDown = true
  await clock.advance(15_000)
  expect((await get('/group/1')).body).toBe('fine')
  expect(await get('/group/2')).toMatchObject({ status: 500, body: 'sorry: down' })
  await get('/outside')
  expect((await get('/outside')).headers.get('cache-status')).toBeNull()
})
