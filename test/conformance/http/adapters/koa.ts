import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import Koa, { type Context, type Middleware } from 'koa'
import { type HttpCache, koa } from 'tiercache/http'
import { type AppAdapter, type AppRoute, type Reply, routeOf } from '../app.js'
import { listen, setAll } from './node-reply.js'

export const koaAdapter: AppAdapter = {
  name: 'Koa',
  start: (app) => {
    const server = new Koa()
    const http = app.http as unknown as HttpCache<Context>
    // Without a listener Koa prints errors, and does not hear those of streams.
    server.on('error', () => undefined)
    server.use(async (context, next) => {
      setAll(context.res, app.outerHeaders ?? {})
      await next()
    })
    if (app.everywhere) server.use(koa(http))
    const listeners = new Map(app.routes.map((route) => [route, middlewareOf(http, route)]))
    server.use(async (context, next) => {
      const route = routeOf(app.routes, context.method, context.url)
      if (route !== undefined) await listeners.get(route)?.(context, next)
    })
    return listen(server.callback())
  },
}

function middlewareOf(http: HttpCache<Context>, { route, invalidates, handle }: AppRoute): Middleware {
  const cached = koa(http)
  const handler = async (context: Context) => {
    const { method, url, headers, req } = context
    const tag = (tags: string | readonly string[]) => http.tag(context, tags)
    send(context, await handle({ method, url, headers, body: () => buffer(req), tag }))
  }
  if (invalidates !== undefined) return (context) => cached.invalidates(invalidates)(context, () => handler(context))
  if (route === undefined) return handler
  const middleware = cached.route(route as never)
  return (context) => middleware(context, () => handler(context))
}

function send(context: Context, { status = 200, headers = {}, body }: Reply): void {
  const isParts = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
  context.body = isParts ? Readable.from(body as AsyncIterable<Uint8Array>, { objectMode: false }) : (body ?? null)
  context.status = status
  context.remove('content-type')
  setAll(context.res, headers)
}
