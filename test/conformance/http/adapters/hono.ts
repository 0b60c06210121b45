// Hono behind its server for Node.
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { type HttpCache, hono, webRequestOf } from 'tiercache/http'
import type { AppAdapter, AppRoute } from '../app.js'
import { toResponse } from './web.js'

export const honoAdapter: AppAdapter = {
  name: 'Hono',
  async start(app) {
    const server = new Hono()
    // The functions among the options of the suite look at `headers` as those of Node, and at the target as `url`.
    server.use(async (context, next) => {
      const { headers, target: url } = webRequestOf(context.req.raw)
      Object.assign(context, { headers, url })
      for (const [name, value] of Object.entries(app.outerHeaders ?? {})) context.header(name, String(value))
      await next()
    })
    const http = app.http as unknown as HttpCache<Context>
    if (app.everywhere) server.use(hono(http))
    for (const route of app.routes) add(server, http, route)
    server.onError((_error, context) => context.text('failed', 500))
    const running = await new Promise<ServerType>((resolve) => {
      const options = { fetch: server.fetch, port: 0, hostname: '127.0.0.1' }
      const started = serve(options, () => resolve(started))
    })
    return {
      url: `http://127.0.0.1:${(running.address() as AddressInfo).port}`,
      close: () =>
        new Promise((resolve) => {
          running.close(() => resolve())
          if ('closeAllConnections' in running) running.closeAllConnections()
        }),
    }
  },
}

function add(server: Hono, http: HttpCache<Context>, { method, path, route, invalidates, handle }: AppRoute): void {
  const cached = hono(http)
  const middleware =
    invalidates !== undefined
      ? [cached.invalidates(invalidates)]
      : route !== undefined
        ? [cached.route(route as never)]
        : []
  const handler = async (context: Context) => {
    const { method: asked, target: url, headers } = webRequestOf(context.req.raw)
    const body = async () => Buffer.from(await context.req.arrayBuffer())
    const tag = (tags: string | readonly string[]) => http.tag(context, tags)
    const reply = toResponse(await handle({ method: asked, url, headers, body, tag }))
    // As `context.text` and the others do: with the headers that `context.header` has set.
    return context.newResponse(reply.body, { status: reply.status as 200, headers: reply.headers })
  }
  const on = (server.on as (...args: unknown[]) => unknown).bind(server)
  if (method === '*') (server.all as (...args: unknown[]) => unknown)(path, ...middleware, handler)
  else on(method, path, ...middleware, handler)
}
