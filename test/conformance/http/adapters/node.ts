import type { IncomingMessage, ServerResponse } from 'node:http'
import { type HttpCache, node } from 'tiercache/http'
import { type App, type AppAdapter, type AppRoute, routeOf } from '../app.js'
import { appRequestOf, listen, sendReply, setAll } from './node-reply.js'

type NodeHttp = HttpCache<IncomingMessage>

/** `node:http`, with listeners that dispatch by hand. */
export const nodeAdapter: AppAdapter = {
  name: 'node:http',
  start: (app) => {
    const cached = node(app.http as unknown as NodeHttp)
    const listeners = new Map(app.routes.map((route) => [route, listenerOf(app, route)]))
    const dispatch = (request: IncomingMessage, response: ServerResponse) => {
      const route = routeOf(app.routes, request.method ?? 'GET', request.url ?? '/')
      if (route === undefined) return void response.writeHead(404).end('not found')
      return listeners.get(route)?.(request, response)
    }
    const listener = app.everywhere ? cached(dispatch) : dispatch
    return listen((request, response) => {
      setAll(response, app.outerHeaders ?? {})
      // As an application does that wants its process to go on.
      Promise.resolve(listener(request, response)).catch(() => {
        if (response.headersSent) response.destroy()
        else response.writeHead(500).end('failed')
      })
    })
  },
}

function listenerOf(app: App, { handle, route, invalidates }: AppRoute) {
  const http = app.http as unknown as NodeHttp
  const cached = node(http)
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      await sendReply(response, await handle(appRequestOf(app.http, request)))
    } catch (error) {
      // The handler of an application without a framework makes its own errors.
      if (!(error instanceof Error && error.message === 'caught')) throw error
      response.writeHead(500).end('failed')
    }
  }
  if (invalidates !== undefined) return cached.invalidates(invalidates, listener)
  return route === undefined ? listener : cached.route(route as never, listener)
}
