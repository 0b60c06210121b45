// NestJS on both of its platforms. Decorators are called as functions: the tests are compiled for the standard ones.
import 'reflect-metadata'
import { Readable } from 'node:stream'
import {
  Controller,
  type INestApplication,
  Module,
  Req,
  RequestMapping,
  RequestMethod,
  Res,
  StreamableFile,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { NextFunction, Request, Response } from 'express'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { createCache } from 'tiercache'
import { CacheRoute, Invalidates, TiercacheModule } from 'tiercache/nestjs'
import type { App, AppAdapter, AppRoute, Reply, RunningApp } from '../app.js'
import { appRequestOf, sendReply, setAll } from './node-reply.js'

/** What differs between the platforms. */
interface Platform<Req, Res> {
  readonly everything: string
  start(module: object, app: App): Promise<INestApplication>
  /** The request as the suite sees it: that of Node, under the identity of the platform's. */
  node(request: Req): Parameters<typeof appRequestOf>[1]
  /** How the handler gets its response: it sends itself, or Nest sends what it returns. */
  readonly response: ParameterDecorator
  send(response: Res, reply: Reply): unknown
}

const onExpress: Platform<Request, Response> = {
  everything: '/*splat',
  async start(module, { outerHeaders = {} }) {
    const application = await NestFactory.create(module as never, new ExpressAdapter(), QUIET)
    application.getHttpAdapter().getInstance().disable('x-powered-by')
    application.use((_request: Request, response: Response, next: NextFunction) => {
      setAll(response, outerHeaders)
      next()
    })
    return application
  },
  node: (request) => request,
  response: Res(),
  send: sendReply,
}

const onFastify: Platform<FastifyRequest, FastifyReply> = {
  everything: '/*',
  async start(module, { outerHeaders = {} }) {
    const adapter = new FastifyAdapter()
    const fastify = adapter.getInstance()
    fastify.addHttpMethod('M-SEARCH')
    fastify.removeAllContentTypeParsers()
    fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    fastify.addHook('onRequest', async (_request, reply) => void reply.headers(outerHeaders as never))
    return NestFactory.create(module as never, adapter, QUIET)
  },
  node: (request) => request.raw,
  response: Res({ passthrough: true }),
  send(response, { status = 200, headers = {}, body }) {
    response.status(status).headers(headers as never)
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return body
    return new StreamableFile(Readable.from(body, { objectMode: false }), { type: String(headers['content-type']) })
  },
}

const QUIET = { logger: false, bodyParser: false, abortOnError: false } as const

export const nestExpressAdapter = adapterFor('NestJS on Express', onExpress)
export const nestFastifyAdapter = adapterFor('NestJS on Fastify', onFastify)

function adapterFor<Req extends object, Res>(name: string, platform: Platform<Req, Res>): AppAdapter {
  return { name, start: (app) => startApplication(app, platform) }
}

async function startApplication<Req extends object, Res>(app: App, platform: Platform<Req, Res>): Promise<RunningApp> {
  const cache = createCache()
  const routes = app.everywhere ? 'all' : 'decorated'
  class Suite {}
  for (const [index, route] of app.routes.entries()) addRoute(Suite.prototype, `route${index}`, app, route, platform)
  Controller()(Suite)
  class Application {}
  Module({
    imports: [TiercacheModule.forRoot({ cache, http: app.http as never, routes })],
    controllers: [Suite],
  })(Application)
  const application = await platform.start(Application, app)
  await application.listen(0, '127.0.0.1')
  return {
    url: await application.getUrl(),
    async close() {
      application.getHttpServer().closeAllConnections()
      await application.close()
      await cache.close()
    },
  }
}

function addRoute<Request extends object, Response>(
  prototype: object,
  name: string,
  app: App,
  { method, path, route, invalidates, handle }: AppRoute,
  platform: Platform<Request, Response>,
): void {
  const value = async (request: Request, response: Response) => {
    const asked = appRequestOf(app.http, platform.node(request))
    return platform.send(response, await handle({ ...asked, tag: (tags) => app.http.tag(request, tags) }))
  }
  Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
  const decorators = [
    RequestMapping({
      path: path.endsWith('*') ? path.replace(/\/\*$/, platform.everything) : path,
      // Nest has names for the usual methods only.
      method: RequestMethod[method as 'GET'] ?? RequestMethod.ALL,
    }),
    ...(invalidates === undefined ? [] : [Invalidates(invalidates)]),
    ...(route === undefined ? [] : [CacheRoute(route as never)]),
  ]
  for (const decorate of decorators) decorate(prototype, name, descriptor)
  Req()(prototype, name, 0)
  platform.response(prototype, name, 1)
}
