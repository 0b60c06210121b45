// Cached responses in NestJS applications as users write them, on both platforms, compiled as these projects are.
import 'reflect-metadata'
import { AsyncResource } from 'node:async_hooks'
import * as stream from 'node:stream'
import * as common from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { HealthCheckService, TerminusModule } from '@nestjs/terminus'
import * as rxjs from 'rxjs'
import * as tiercache from 'tiercache'
import { type Cache, createCache } from 'tiercache'
import * as http from 'tiercache/http'
import * as nestjs from 'tiercache/nestjs'
import { CacheHealthIndicator, TiercacheModule, type TiercacheModuleOptions } from 'tiercache/nestjs'
import { FakeClock } from 'tiercache/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { runCompiled } from '../support/compiled.js'

interface Fixture {
  readonly Stock: new () => { runs: number; count: number; meanwhile: () => Promise<void> }
  readonly ShopController: new () => object
  readonly PlainController: new () => object
}

const fixture = runCompiled<Fixture>(
  new URL('./fixtures/nest-http-app.ts', import.meta.url),
  { experimentalDecorators: true, emitDecoratorMetadata: true },
  {
    'reflect-metadata': {},
    'node:stream': stream,
    '@nestjs/common': common,
    rxjs,
    tiercache,
    'tiercache/http': http,
    'tiercache/nestjs': nestjs,
  },
)

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const platforms = [
  { platform: 'Express', adapterOf: () => new ExpressAdapter() },
  { platform: 'Fastify', adapterOf: () => new FastifyAdapter() },
]

function moduleOf(tiercacheModule: object, more: common.ModuleMetadata = {}) {
  class Application {}
  const { Stock, ShopController, PlainController } = fixture
  const imports = [tiercacheModule as common.DynamicModule, TerminusModule.forRoot({ logger: false })]
  common.Module({ imports, controllers: [ShopController, PlainController], providers: [Stock], ...more })(Application)
  return Application
}

async function start(
  adapter: common.INestApplication['getHttpAdapter'] extends () => infer A ? A : never,
  module: object,
) {
  const options = { logger: false, abortOnError: false } as const
  const app = await NestFactory.create(module as never, adapter as never, options)
  await app.listen(0, '127.0.0.1')
  ends.push(() => app.close())
  const url = await app.getUrl()
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init)
    // What was recorded is stored within a few turns.
    const body = await response.text()
    await new Promise((resolve) => setTimeout(resolve, 20))
    return { status: response.status, body, how: response.headers.get('cache-status') ?? 'none' }
  }
  return { app, get, stock: app.get(fixture.Stock), cache: app.get<Cache>(nestjs.CACHE) }
}

describe.each(platforms)('on $platform', ({ adapterOf }) => {
  const open = (options: TiercacheModuleOptions = {}) =>
    start(adapterOf(), moduleOf(TiercacheModule.forRoot({ cache: { logger: false }, ...options })))

  test('a decorated route is cached, and a mutation makes its change visible before it responds', async () => {
    const { get, stock } = await open()
    expect((await get('/shop/items/7')).body).toBe('{"id":"7","run":1,"count":1}')
    const again = await get('/shop/items/7')
    expect([again.body, again.how]).toEqual(['{"id":"7","run":1,"count":1}', expect.stringContaining('hit')])
    await get('/shop/all')
    expect((await get('/shop/all')).how).toContain('hit')
    expect((await get('/shop/items/7/buy', { method: 'POST' })).status).toBe(200)
    expect((await get('/shop/items/7')).body).toBe('{"id":"7","run":3,"count":2}')
    // Two decorators add up: the second invalidates what the handler has tagged.
    expect((await get('/shop/all')).body).toBe('[4]')
    expect((await get('/shop/items/7/buy?fail=1', { method: 'POST' })).status).toBe(500)
    expect((await get('/shop/items/7')).how).toContain('hit')
    expect(stock.runs).toBe(4)
  })

  test('a handler that sends its response itself is cached as well', async () => {
    const { get } = await open()
    expect(await get('/shop/by-hand')).toMatchObject({ status: 203, body: 'run 1' })
    expect(await get('/shop/by-hand')).toMatchObject({
      status: 203,
      body: 'run 1',
      how: expect.stringContaining('hit'),
    })
  })

  test('guards run before the cache, and per knows what they know', async () => {
    const { get } = await open()
    const ann = { headers: { 'x-user': 'ann' } }
    expect((await get('/shop/guarded', ann)).body).toBe('{"run":1}')
    expect((await get('/shop/guarded', ann)).how).toContain('hit')
    expect((await get('/shop/guarded')).status).toBe(403)
    expect([(await get('/shop/mine', ann)).body, (await get('/shop/mine', ann)).body]).toEqual([
      '{"run":2}',
      '{"run":2}',
    ])
    expect((await get('/shop/mine', { headers: { 'x-user': 'bob' } })).body).toBe('{"run":3}')
  })

  test('an error is never stored, whatever @Header says, and neither is a stream that breaks', async () => {
    const { get, stock } = await open()
    for (const path of ['/shop/fails', '/shop/breaks']) {
      stock.runs = 0
      for (let i = 0; i < 2; i++) expect((await get(path)).status).toBeGreaterThanOrEqual(400)
      expect(stock.runs).toBe(2)
    }
  })

  test('a redirect is cached, a stream of events is not, and @CacheRoute(false) passes the cache by', async () => {
    const { get, stock } = await open()
    for (let i = 0; i < 2; i++) expect((await get('/shop/old', { redirect: 'manual' })).status).toBe(301)
    expect(stock.runs).toBe(1)
    for (let i = 0; i < 2; i++) expect((await get('/shop/events')).body).toContain('data: one')
    expect(stock.runs).toBe(3)
    for (let i = 0; i < 2; i++) expect((await get('/shop/live')).how).toBe('none')
    expect(stock.runs).toBe(5)
  })

  test('the status of @HttpCode holds for a response that is refreshed in the background', async () => {
    const clock = new FakeClock(Date.now())
    const { get, stock } = await open({ cache: { logger: false, clock } })
    await get('/shop/accepted')
    await clock.advance(2000)
    expect(await get('/shop/accepted')).toMatchObject({ status: 202, body: '{"run":1}' })
    while (stock.runs < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await get('/shop/accepted')).toMatchObject({ status: 202, body: '{"run":2}' })
  })

  test('without a decorator a GET is cached only if the module is for all routes', async () => {
    const decorated = await open({ http: { ttl: '1m' } })
    for (let i = 0; i < 2; i++) expect((await decorated.get('/plain')).how).toBe('none')
    const all = await open({ http: { ttl: '1m' }, routes: 'all' })
    await all.get('/plain')
    expect((await all.get('/plain')).how).toContain('hit')
  })

  test('with requestScope a key keeps its value for the length of the request', async () => {
    const { get, stock, cache } = await open({ requestScope: true })
    await cache.set('rate', 1)
    const outside = new AsyncResource('another request')
    stock.meanwhile = () => outside.runInAsyncScope(async () => void (await cache.set('rate', 2)))
    expect((await get('/shop/scoped')).body).toBe('{"before":1,"after":1}')
    stock.meanwhile = () => outside.runInAsyncScope(async () => void (await cache.set('rate', 3)))
    expect((await get('/shop/scoped')).body).toBe('{"before":2,"after":2}')
  })

  test('forRootAsync gets its options from other providers, and closes the cache that the module made', async () => {
    const NAME = Symbol('name')
    class Config {}
    common.Module({ providers: [{ provide: NAME, useValue: 'shop' }], exports: [NAME] })(Config)
    const useFactory = (name: string): TiercacheModuleOptions => ({ cache: { name, logger: false } })
    const asynchronous = TiercacheModule.forRootAsync({ imports: [Config], inject: [NAME], useFactory })
    const { app, cache } = await start(adapterOf(), moduleOf(asynchronous))
    expect(cache.path).toBe('shop')
    expect(app.get(tiercache.Cache)).toBe(cache)
    await app.close()
    expect(cache.health().status).toBe('closed')
  })

  test('a cache of the application stays open', async () => {
    const own = createCache({ logger: false })
    ends.push(() => own.close())
    const { app } = await open({ cache: own })
    await app.close()
    expect(own.health().status).toBe('ok')
  })

  test('its health indicator fits a health check of Terminus', async () => {
    const { app, cache } = await open()
    const indicator = app.get(CacheHealthIndicator)
    const health = await app.resolve(HealthCheckService)
    expect(await health.check([() => indicator.isHealthy('shop')])).toMatchObject({
      status: 'ok',
      info: { shop: { status: 'up', cache: 'ok', l2: 'none', waiting: 0 } },
    })
    await cache.close()
    await expect(health.check([() => indicator.isHealthy()])).rejects.toMatchObject({
      response: { error: { cache: { status: 'down', cache: 'closed' } } },
    })
  })

  test('wrong options of the module or of a decorator are errors of the start', async () => {
    const wrong = moduleOf(TiercacheModule.forRoot({ requestScop: true } as TiercacheModuleOptions))
    await expect(start(adapterOf(), wrong)).rejects.toThrow('Did you mean requestScope?')
    class Wrong {
      list() {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Wrong.prototype, 'list') as PropertyDescriptor
    nestjs.CacheRoute({ ttl: -1 })(Wrong.prototype, 'list', descriptor)
    common.Get()(Wrong.prototype, 'list', descriptor)
    common.Controller('wrong')(Wrong)
    const made = moduleOf(TiercacheModule.forRoot({ cache: { logger: false } }), { controllers: [Wrong] })
    await expect(start(adapterOf(), made)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    nestjs.CacheRoute({ ttl: '1m' })(Wrong.prototype, 'list', descriptor)
    nestjs.Invalidates('a')(Wrong.prototype, 'list', descriptor)
    await expect(start(adapterOf(), made)).rejects.toThrow('@CacheRoute and @Invalidates on Wrong.list')
  })
})

test('on Fastify nothing is sent, or warned of, after a hit', async () => {
  const lines: string[] = []
  const logger = { level: 'warn', stream: { write: (line: string) => void lines.push(line) } }
  const options = { cache: { logger: false } } as const
  const { get } = await start(new FastifyAdapter({ logger }), moduleOf(TiercacheModule.forRoot(options)))
  for (let i = 0; i < 2; i++) await get('/shop/items/7')
  expect((await get('/shop/items/7')).how).toContain('hit')
  expect(lines).toEqual([])
})
