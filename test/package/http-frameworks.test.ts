// The packed package beside Fastify, Hono, Koa and NestJS, and their types: what each page calls five minutes works with what is published.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'

let consumer: Consumer

const FRAMEWORKS = ['fastify@5', 'hono@4', 'koa@3', '@types/koa@3', '@types/node@20']
const NEST = ['@nestjs/common@12', '@nestjs/core@12', '@nestjs/platform-express@12', 'rxjs@7', 'reflect-metadata@0.2']

beforeAll(async () => {
  consumer = await createConsumer([inject('tarball'), ...FRAMEWORKS, ...NEST])
})

afterAll(() => consumer?.stop())

/** Asks twice and prints how the responses were come by. `ask` returns a response. */
const ASK_TWICE = `
async function askTwice(cache, ask) {
  const said = []
  for (let i = 0; i < 2; i++) {
    const status = await ask()
    said.push(status.split(';')[1])
    await cache.drain()
  }
  console.log(JSON.stringify(said))
  await cache.close()
}
`

const PROGRAMS = [
  {
    name: 'fastify',
    modules: { createServer: 'fastify', '{ fastify, httpCache }': 'tiercache/http' },
    body: `
      const service = createServer()
      const cache = createCache()
      service.register(fastify(httpCache(cache, { ttl: '1m' })))
      service.get('/items', async () => ({ items: [] }))
      askTwice(cache, async () => (await service.inject('/items')).headers['cache-status']).then(() => service.close())`,
  },
  {
    name: 'hono',
    modules: { '{ Hono }': 'hono', '{ hono, httpCache }': 'tiercache/http' },
    body: `
      const service = new Hono()
      const cache = createCache()
      service.use(hono(httpCache(cache, { ttl: '1m' })))
      service.get('/items', (c) => c.json({ items: [] }))
      askTwice(cache, async () => (await service.request('/items')).headers.get('cache-status'))`,
  },
  {
    name: 'koa',
    modules: { Koa: 'koa', '{ koa, httpCache }': 'tiercache/http' },
    body: `
      const service = new Koa()
      const cache = createCache()
      service.use(koa(httpCache(cache, { ttl: '1m' })))
      service.use((ctx) => { ctx.body = { items: [] } })
      const server = service.listen(0, '127.0.0.1', async () => {
        const url = 'http://127.0.0.1:' + server.address().port + '/items'
        await askTwice(cache, async () => (await fetch(url)).headers.get('cache-status'))
        server.close()
        server.closeAllConnections()
      })`,
  },
  {
    name: 'nestjs',
    modules: {
      '{ Controller, Get, Module }': '@nestjs/common',
      '{ NestFactory }': '@nestjs/core',
      '{ CacheRoute, TiercacheModule }': 'tiercache/nestjs',
    },
    body: `
      class Items { list() { return { items: [] } } }
      const descriptor = Object.getOwnPropertyDescriptor(Items.prototype, 'list')
      CacheRoute({ ttl: '1m' })(Items.prototype, 'list', descriptor)
      Get('items')(Items.prototype, 'list', descriptor)
      Controller()(Items)
      class App {}
      const cache = createCache()
      Module({ imports: [TiercacheModule.forRoot({ cache })], controllers: [Items] })(App)
      NestFactory.create(App, { logger: false }).then(async (service) => {
        await service.listen(0, '127.0.0.1')
        const url = (await service.getUrl()) + '/items'
        await askTwice(cache, async () => (await fetch(url)).headers.get('cache-status'))
        service.getHttpServer().closeAllConnections()
        await service.close()
      })`,
  },
] as const

describe.each(PROGRAMS)('$name', ({ name, modules, body }) => {
  const all = Object.entries({ '{ createCache }': 'tiercache', ...modules })

  test('an ES module caches', async () => {
    const imports = all.map(([names, from]) => `import ${names} from '${from}'`).join('\n')
    const before = name === 'nestjs' ? "import 'reflect-metadata'\n" : ''
    const said = await consumer.runProgram(`${name}.mjs`, before + imports + ASK_TWICE + body)
    expect(JSON.parse(said)).toEqual(['fwd=uri-miss', 'hit'])
  })

  test('a CommonJS module caches', async () => {
    const imports = all.map(([names, from]) => `const ${names} = require('${from}')`).join('\n')
    const before = name === 'nestjs' ? "require('reflect-metadata')\n" : ''
    const said = await consumer.runProgram(`${name}.cjs`, before + imports + ASK_TWICE + body)
    expect(JSON.parse(said)).toEqual(['fwd=uri-miss', 'hit'])
  })
})

const TYPED_HTTP = `
import createServer, { type FastifyRequest } from 'fastify'
import { type Context, Hono } from 'hono'
import Koa, { type Context as KoaContext } from 'koa'
import { createCache } from 'tiercache'
import { fastify, hono, httpCache, koa } from 'tiercache/http'

const cache = createCache()
const onFastify = createServer()
onFastify.register(fastify(httpCache<FastifyRequest>(cache, { per: (request) => request.ip, requestScope: true })))
const onHono = new Hono()
const honoCache = hono(httpCache<Context>(cache, { skip: (c) => c.req.path === '/admin' }))
onHono.use(honoCache)
onHono.get('/items', honoCache.route({ ttl: '1m', tags: (c) => [c.req.path] }), (c) => c.text('items'))
const onKoa = new Koa()
onKoa.use(koa(httpCache<KoaContext>(cache, { per: (ctx) => ctx.state.user })))
`

const TYPED_NEST = `
import { Controller, Get, Module } from '@nestjs/common'
import { createCache } from 'tiercache'
import { CacheRoute, Invalidates, TiercacheModule } from 'tiercache/nestjs'

@Controller('items')
class Items {
  @Get()
  @CacheRoute({ ttl: '1m', tags: (request) => ['of:' + request.params.id] })
  list() {
    return []
  }
  @Get('new')
  @Invalidates('items')
  create() {}
}

@Module({ imports: [TiercacheModule.forRoot({ cache: createCache(), requestScope: true })], controllers: [Items] })
export class App {}
`

const NODE16 = { module: 'node16', moduleResolution: 'node16', esModuleInterop: true }
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler', esModuleInterop: true }

test.each([
  ['Fastify, Hono and Koa under node16', ['http.mts', 'http.cts'], TYPED_HTTP, NODE16],
  ['Fastify, Hono and Koa under bundler', ['http.ts'], TYPED_HTTP, BUNDLER],
  // NestJS 12 has ES modules only, which a CommonJS module may not import under node16.
  ['NestJS under node16', ['nest.mts'], TYPED_NEST, NODE16],
  ['NestJS under bundler', ['nest.ts'], TYPED_NEST, BUNDLER],
] as const)('the types fit those of %s', (_name, files, program, options) => {
  expect(consumer.compile(files, program, { ...options, experimentalDecorators: true })).toBe('')
})
