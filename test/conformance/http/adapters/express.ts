import expressFramework, { type Express, type NextFunction, type Request, type Response } from 'express'
import express4 from 'express4'
import { express, type HttpCache } from 'tiercache/http'
import type { App, AppAdapter, AppRoute } from '../app.js'
import { appRequestOf, listen, sendReply, setAll } from './node-reply.js'

export const express5Adapter = adapterFor('Express 5', expressFramework, '/*splat')
export const express4Adapter = adapterFor('Express 4', express4, '/*')

function adapterFor(name: string, framework: typeof expressFramework, everything: string): AppAdapter {
  return {
    name,
    start: (app) => {
      const server = framework()
      server.disable('x-powered-by')
      // Express makes an ETag of its own for what it sends with `send`; replies of the suite are written with `end`.
      const http = express(app.http as unknown as HttpCache<Request>)
      if (app.outerHeaders !== undefined) {
        server.use((_request, response, next) => {
          setAll(response, app.outerHeaders ?? {})
          next()
        })
      }
      if (app.everywhere) server.use(http)
      for (const route of app.routes) add(server, app, route, everything)
      server.use((_error: unknown, _request: Request, response: Response, next: NextFunction) => {
        if (response.headersSent) return next(_error)
        response.status(500).end('failed')
      })
      return listen(server)
    },
  }
}

function add(
  server: Express,
  app: App,
  { method, path, route, invalidates, handle }: AppRoute,
  everything: string,
): void {
  const http = express(app.http as unknown as HttpCache<Request>)
  const middleware =
    invalidates !== undefined
      ? [http.invalidates(invalidates)]
      : route !== undefined
        ? [http.route(route as never)]
        : []
  const handler = (request: Request, response: Response, next: NextFunction) => {
    Promise.resolve()
      .then(() => handle(appRequestOf(app.http, request)))
      .then((reply) => sendReply(response, reply))
      .catch(next)
  }
  const verb = method === '*' ? 'all' : (method.toLowerCase() as 'get')
  server[verb](path.endsWith('*') ? path.replace(/\/\*$/, everything) : path, ...middleware, handler)
}
